"""Verification: whether a stream is as it was written, with what the manifest says of files that are compressed or gone."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from trading_bot.logs.chain import GENESIS, parsed
from trading_bot.logs.files import all_files, complete_lines, day_of, plain_name
from trading_bot.logs.manifest import Sealed, read_manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """Whether a stream is as it was written."""

    ok: bool
    """Whether every line hangs on the one before it."""
    records: int
    """Lines that do, up to the first that does not."""
    broken_at: str | None
    """File and line number of the first that does not, as `<file>:<line>`; null when all do."""
    removed: int = 0
    """Records of files that were removed for their age, by the manifest's word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """How far a stream was verified."""

    seq: int = 0
    hash: str = GENESIS
    records: int = 0
    removed: int = 0

    def broken(self, file: str, line: int) -> Verification:
        return Verification(ok=False, records=self.records, broken_at=f"{file}:{line}", removed=self.removed)


def verified(folder: Path, stem: str) -> Verification:
    """Read the whole stream and compare its sums. An unfinished last line is no record. OSError when a file can't be read."""
    manifest = read_manifest(folder)
    if manifest.broken_at is not None:
        return Verification(ok=False, records=0, broken_at=manifest.broken_at)
    present = {day_of(file): file for file in all_files(folder, stem)}
    sealed = {day_of(Path(name)): one for name, one in manifest.sealed.items() if _stem_of(name) == stem}
    place = _Place()
    for day in sorted(present.keys() | sealed.keys()):
        file, known = present.get(day), sealed.get(day)
        outcome = place if known is None else _past(known, place, is_removed=known.file in manifest.removed)
        if file is not None:
            outcome = _through(file, known, place)
        if isinstance(outcome, Verification):
            return outcome
        place = outcome
    return Verification(ok=True, records=place.records, broken_at=None, removed=place.removed)


def _through(file: Path, known: Sealed | None, place: _Place) -> _Place | Verification:
    """The place behind a file that is there."""
    name, digest, number = plain_name(file), hashlib.sha256(), 0
    try:
        for raw in complete_lines(file):
            number += 1
            line = parsed(raw)
            if line is None or (line.seq, line.prev) != (place.seq + 1, place.hash):
                return place.broken(name, number)
            digest.update(raw + b"\n")
            place = replace(place, seq=line.seq, hash=line.hash, records=place.records + 1)
    except OSError:
        if file.suffix != ".gz":
            raise
        return place.broken(name, number + 1)  # damaged where it is compressed: what stands before is sound
    if known is not None and (known.count, known.last_hash, known.sha256) != (number, place.hash, digest.hexdigest()):
        return place.broken(name, number + 1)
    return place


def _past(known: Sealed, place: _Place, *, is_removed: bool) -> _Place | Verification:
    """The place behind a file that is gone: sound only where the manifest says that it was removed for its age."""
    if not is_removed or (known.first_seq, known.before) != (place.seq + 1, place.hash):
        return place.broken(known.file, 1)
    return replace(place, seq=known.last_seq, hash=known.last_hash, removed=place.removed + known.count)


def _stem_of(name: str) -> str:
    return name[: -len("-2025-01-06.jsonl")]
