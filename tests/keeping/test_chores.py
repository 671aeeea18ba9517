"""Chores on a home that was traded: what is in the archives, what is not, and that each is done once."""

import hashlib
import json
import subprocess
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.fakes.standing_clock import StandingClock
from trading_bot.clock import SystemClock
from trading_bot.domain.commands import Caller, Command, CommandKind, CommandStatus, Intent
from trading_bot.domain.errors import Scope
from trading_bot.domain.streams import STREAMS
from trading_bot.errors.fault import Fault
from trading_bot.keeping.archives import KEPT, written
from trading_bot.keeping.chores import ARGV, carry_out
from trading_bot.logs.audit import FILE_STEMS, AuditLog
from trading_bot.logs.secrets import HIDDEN, Secrets
from trading_bot.services.commands import Commands
from trading_bot.services.keys import Keys
from trading_bot.settings import Settings
from trading_bot.store import commands
from trading_bot.store.engine import open_engine
from trading_bot.store.store import Store

CLOCK = SystemClock()
OPERATOR = Caller(key_id="k1", name="op", scope=Scope.OPERATE, max_response_bytes=10_240, rate_per_minute=None)
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def store(morning: Settings) -> Iterator[Store]:
    opened = Store(open_engine(morning.store_url), CLOCK)
    yield opened
    opened.close()


def asked(store: Store, kind: CommandKind, key: str = "one", **parameters: Any) -> Command:
    intent = Intent(caller=OPERATOR, idempotency_key=key, digest=f"{kind.name}{parameters}", reason="a test")
    return Commands(store=store, clock=CLOCK).submit("main", kind, intent, parameters=parameters)[0]


def done(settings: Settings, store: Store, kind: CommandKind, **parameters: Any) -> dict[str, Any]:
    ended = carry_out(settings, store, CLOCK, bot_id="main", command_id=asked(store, kind, **parameters).id)
    assert (ended.status, ended.error) == (CommandStatus.DONE, None)
    assert ended.outcome is not None
    return ended.outcome


def unpacked(outcome: dict[str, Any]) -> dict[str, bytes]:
    """The files of an archive by name, after every sum in its manifest was compared."""
    path = Path(outcome["path"])
    assert (path.stat().st_mode & 0o777, path.stat().st_size) == (0o600, outcome["bytes"])
    assert hashlib.sha256(path.read_bytes()).hexdigest() == outcome["sha256"]
    with tarfile.open(path) as tar:
        found = {}
        for member in tar.getmembers():
            folder, _, name = member.name.partition("/")
            assert folder == path.name.removesuffix(".tar.gz")
            opened = tar.extractfile(member)
            assert opened is not None
            found[name] = opened.read()
    manifest = json.loads(found["manifest.json"])
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in found.items() if name != "manifest.json"}
    assert sums == {name: entry["sha256"] for name, entry in manifest["files"].items()}
    assert len(sums) == outcome["files"]
    return found


def test_an_export_has_every_line_of_the_log_as_it_stands(morning: Settings, store: Store) -> None:
    outcome = done(morning, store, CommandKind.EXPORT, what="logs", days=2)
    found = unpacked(outcome)
    log = AuditLog(morning.logs_dir, CLOCK)
    lines = {stream: list(log.read(stream)) for stream in STREAMS}

    assert outcome["verified"] is True
    assert outcome["records"] == sum(map(len, lines.values())) > 100
    for stream, stem in FILE_STEMS.items():
        exported = [content for name, content in sorted(found.items()) if name.startswith(f"{stem}-")]
        assert [orjson.loads(line) for part in exported for line in part.splitlines()] == lines[stream]
    told = json.loads(found["manifest.json"])
    assert told["streams"]["orders"] == {"ok": True, "records": len(lines["orders"]), "broken_at": None}


def test_an_export_of_a_log_that_was_changed_says_so(morning: Settings, store: Store) -> None:
    (file,) = morning.logs_dir.glob("orders-*.jsonl")
    file.write_bytes(file.read_bytes().replace(b'"quantity"', b'"quantitY"', 1))
    outcome = done(morning, store, CommandKind.EXPORT, what="logs", days=2)

    assert outcome["verified"] is False
    told = json.loads(unpacked(outcome)["manifest.json"])["streams"]
    assert told["orders"]["broken_at"].startswith(f"{file.name}:")
    assert told["trades"]["ok"] is True


def test_days_that_are_over_are_left_out(morning: Settings, store: Store) -> None:
    later = StandingClock(datetime.now(UTC) + timedelta(days=3))
    command = asked(store, CommandKind.EXPORT, what="logs", days=2)
    ended = carry_out(morning, store, later, bot_id="main", command_id=command.id)

    assert ended.outcome is not None
    assert (ended.outcome["records"], ended.outcome["files"]) == (0, 0)


def test_a_bundle_has_what_an_incident_left_and_no_secret(morning: Settings, store: Store) -> None:
    token = Keys(store.engine, CLOCK).ensure_first(morning.first_key_file)
    assert token is not None
    (morning.logs_dir / "api.log").write_text(
        f'{{"event": "started"}}\n{{"event": "told", "said": "X-API-Key: {token}"}}\n'
    )
    with store.writing("main") as w:
        from trading_bot.store import errors  # noqa: PLC0415 - the one use

        errors.save_error(w, Fault("SYS_002", "The database is locked.").semantic(now=w.now))
    outcome = done(morning, store, CommandKind.EXPORT, what="incident", hours=24)
    found = unpacked(outcome)
    state, config = json.loads(found["state.json"]), json.loads(found["config.json"])

    assert token.encode() not in b"".join(found.values())
    assert found["logs/api.log"].decode().splitlines()[1] == f'{{"event": "told", "said": "X-API-Key: {HIDDEN}"}}'
    assert set(found) >= {
        "state.json",
        "errors.json",
        "decisions.json",
        "commands.json",
        "risk_events.json",
        "workflow_runs.json",
        "orders.json",
        "config.json",
        "config_changes.json",
        "machine.json",
        "audit/orders.jsonl",
        "audit/decisions.jsonl",
    }
    assert state["bot"]["id"] == "main"
    assert state["health"]["run_state"] == "RUNNING"
    assert state["account"]["cash_balance"] == str(_cash(store))
    assert json.loads(found["errors.json"])[0]["error_code"] == "SYS_002"
    assert len(json.loads(found["decisions.json"])) == 6
    assert config["version"] == 1
    assert json.loads(found["machine.json"])["store"]["kind"] == "sqlite"


def test_a_backup_by_command_is_verified(morning: Settings, store: Store) -> None:
    outcome = done(morning, store, CommandKind.BACKUP)

    assert outcome["path"] == str(morning.backups_dir / outcome["name"])
    assert (outcome["verified"], outcome["files"] > 5, outcome["bytes"] > 100_000) == (True, True, True)


def test_a_chore_that_was_cut_short_is_done_again_and_one_that_has_ended_is_not(
    morning: Settings, store: Store
) -> None:
    command = asked(store, CommandKind.EXPORT, what="logs", days=1)
    first = carry_out(morning, store, CLOCK, bot_id="main", command_id=command.id)
    again = carry_out(morning, store, CLOCK, bot_id="main", command_id=command.id)

    assert (first, len(list(morning.exports_dir.iterdir()))) == (again, 1)
    with store.writing("main") as w:
        commands.save_command(w, command)  # as if it had been killed
    carry_out(morning, store, CLOCK, bot_id="main", command_id=command.id)
    assert len(list(morning.exports_dir.iterdir())) == 2


def test_a_chore_runs_in_a_process_of_its_own(morning: Settings, store: Store) -> None:
    command = asked(store, CommandKind.EXPORT, what="incident", hours=1)
    environment = {**morning.environment(), "PATH": "/usr/bin"}
    ended = subprocess.run([*ARGV, "main", command.id], env=environment, capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    with store.reading("main") as r:
        known = commands.find_command(r, command.id)
    assert known is not None
    assert known.status is CommandStatus.DONE


@pytest.mark.parametrize(
    ("parameters", "cause"),
    [
        ({"what": "passwords"}, "Expected `what` to be logs or incident."),
        ({"what": "logs", "days": 367}, "Expected `days` from 1 to 366, was 367."),
        ({"what": "logs", "days": True}, "Expected `days` from 1 to 366, was True."),
        ({"what": "incident"}, "Expected `hours` from 1 to 168, was None."),
    ],
)
def test_a_chore_that_means_nothing_fails_and_writes_nothing(
    parameters: dict[str, Any], cause: str, morning: Settings, store: Store
) -> None:
    command = asked(store, CommandKind.EXPORT, **parameters)
    ended = carry_out(morning, store, CLOCK, bot_id="main", command_id=command.id)

    assert ended.status is CommandStatus.FAILED
    assert ended.error is not None
    assert (ended.error.error_code, ended.error.cause) == ("QRY_004", cause)
    assert not morning.exports_dir.exists()


def test_a_command_of_the_bot_is_no_chore(morning: Settings, store: Store) -> None:
    command = asked(store, CommandKind.PAUSE)
    with pytest.raises(Fault) as refused:
        carry_out(morning, store, CLOCK, bot_id="main", command_id=command.id)

    assert refused.value.code == "QRY_005"
    with store.reading("main") as r:
        assert commands.find_command(r, command.id) == command


def test_an_archive_that_fails_leaves_nothing_and_the_oldest_are_removed(tmp_path: Path) -> None:
    folder = tmp_path / "exports"
    with pytest.raises(ZeroDivisionError), written(folder, "logs", at=NOON, secrets=Secrets()):
        1 / 0  # noqa: B018 - whatever fails in between
    assert [path.name[:12] for path in folder.iterdir()] == [".unfinished-"]
    for number in range(KEPT + 2):
        with written(folder, "logs", at=NOON + timedelta(hours=2 + number), secrets=Secrets("sesame")) as writing:
            writing.archive.add("a", b"open sesame")
    names = sorted(path.name for path in folder.glob("*.tar.gz"))

    assert (len(names), names[0]) == (KEPT, "logs-20260302T160000Z.tar.gz")


def test_a_folder_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "exports").write_text("a file in its place")
    with pytest.raises(Fault) as refused, written(tmp_path / "exports", "logs", at=NOON, secrets=Secrets()):
        pass

    assert (refused.value.code, refused.value.context["folder"]) == ("SYS_007", str(tmp_path / "exports"))


def _cash(store: Store) -> Any:
    from trading_bot.store import accounts  # noqa: PLC0415 - the one use

    with store.reading("main") as r:
        found = accounts.find_account(r)
    assert found is not None
    return found.cash_balance
