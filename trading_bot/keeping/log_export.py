"""Log export: the audit log of the last days in one archive, line by line as it stands, with what its verification said."""

from datetime import timedelta
from typing import Any

from trading_bot.clock import Clock
from trading_bot.keeping.archives import written
from trading_bot.logs.audit import FILE_STEMS, AuditLog
from trading_bot.logs.files import all_files, complete_lines, day_of, plain_name
from trading_bot.logs.secrets import secrets_of
from trading_bot.settings import Settings


def export_logs(settings: Settings, clock: Clock, *, days: int) -> dict[str, Any]:
    """Write the archive: the files of today and of the `days` - 1 days before it (UTC), of every stream.

    Gives path, sha256, bytes, files and records, and `verified`, false where a stream is not as it was written; the manifest says which.
    SYS_005 when the log can't be read, SYS_007 when the archive can't be written.
    """
    now = clock.now()
    first = (now - timedelta(days=days - 1)).date().isoformat()
    log, records = AuditLog(settings.logs_dir, clock), 0
    checked = {stream: log.verify(stream) for stream in FILE_STEMS}
    with written(settings.exports_dir, "logs", at=now, secrets=secrets_of(settings)) as writing:
        for stem in FILE_STEMS.values():
            for file in all_files(settings.logs_dir, stem):
                if day_of(file) >= first:
                    lines = list(complete_lines(file))
                    records += len(lines)
                    writing.archive.add(plain_name(file), b"".join(line + b"\n" for line in lines))
        streams = {
            name: {"ok": one.ok, "records": one.records, "broken_at": one.broken_at} for name, one in checked.items()
        }
        writing.about = {"what": "audit log", "first_day": first, "days": days, "streams": streams}
    made = writing.made
    assert made is not None, "the block has ended"  # noqa: S101
    return {
        "path": str(made.path),
        "sha256": made.sha256,
        "bytes": made.size,
        "files": made.files,
        "records": records,
        "verified": all(one.ok for one in checked.values()),
    }
