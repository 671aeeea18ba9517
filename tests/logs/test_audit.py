import hashlib
import random
import signal
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.fakes.set_clock import SetClock
from trading_bot.errors.fault import Fault
from trading_bot.logs.audit import AuditLog
from trading_bot.logs.files import TornTail
from trading_bot.logs.verification import Verification

DAY_1 = "orders-2025-01-06.jsonl"


@dataclass(frozen=True)
class Row:
    id: int
    stream: str = "orders"
    record: dict[str, Any] = field(default_factory=lambda: {"bot_id": "main"})


def numbers(log: AuditLog, stream: str = "orders") -> list[int]:
    return [line["outbox"] for line in log.read(stream)]


def verified(records: int) -> Verification:
    return Verification(ok=True, records=records, broken_at=None)


def test_a_line_holds_the_record_in_its_order_between_number_and_sums(log: AuditLog, folder: Path) -> None:
    log.append("orders", 7, {"symbol": "ACME", "quantity": "1.50", "bot_id": "main"})
    log.append("orders", 8, {"symbol": "É", "bot_id": "main"})

    first, second = (folder / DAY_1).read_bytes().splitlines()
    line = orjson.loads(first)
    assert list(line.items())[:-1] == [
        ("seq", 1),
        ("ts", "2025-01-06T17:00:00.000000+00:00"),
        ("outbox", 7),
        ("symbol", "ACME"),
        ("quantity", "1.50"),
        ("bot_id", "main"),
        ("prev", "0" * 64),
    ]
    assert line["hash"] == hashlib.sha256(first.replace(b',"hash":"' + line["hash"].encode() + b'"', b"")).hexdigest()
    assert (orjson.loads(second)["seq"], orjson.loads(second)["prev"]) == (2, line["hash"])
    assert log.verify("orders") == verified(2)


def test_files_are_for_the_owner_only(log: AuditLog, folder: Path) -> None:
    log.append("orders", 1, {})

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {
        DAY_1: 0o600,
        ".orders.lock": 0o600,
    }


def test_each_stream_has_its_own_file_chain_and_name(log: AuditLog, folder: Path) -> None:
    log.append_all([Row(1), Row(2, "errors"), Row(3, "trades"), Row(4)])

    assert sorted(path.name for path in folder.glob("*.jsonl")) == [
        "error_log-2025-01-06.jsonl",
        DAY_1,
        "trades-2025-01-06.jsonl",
    ]
    assert [numbers(log, stream) for stream in ("orders", "errors", "trades", "plans")] == [[1, 4], [2], [3], []]
    assert [log.verify(stream) for stream in ("orders", "errors", "plans")] == [verified(2), verified(1), verified(0)]


def test_an_unknown_stream_is_refused(log: AuditLog, folder: Path) -> None:
    for act in (lambda: log.append("../gossip", 1, {}), lambda: log.verify("gossip"), lambda: list(log.read("gossip"))):
        with pytest.raises(ValueError, match="Expected a stream of orders"):
            act()
    assert not folder.exists()


def test_the_chain_goes_on_over_days_and_restarts(folder: Path, clock: SetClock) -> None:
    for number in range(1, 7):
        log = AuditLog(folder, clock)
        log.append("orders", number, {"bot_id": "main"})
        log.close()
        clock.move(12 * 3600)

    log = AuditLog(folder, clock)
    assert [path.name for path in sorted(folder.glob("*.jsonl"))] == [
        "orders-2025-01-06.jsonl",
        "orders-2025-01-07.jsonl",
        "orders-2025-01-08.jsonl",
        "orders-2025-01-09.jsonl",
    ]
    assert [line["seq"] for line in log.read("orders")] == [1, 2, 3, 4, 5, 6]
    assert log.verify("orders") == verified(6)


def test_a_clock_that_is_set_back_does_not_break_the_chain(log: AuditLog, folder: Path, clock: SetClock) -> None:
    other = AuditLog(folder, clock)
    other.append("orders", 1, {"bot_id": "main"})
    clock.move(24 * 3600)
    log.append("orders", 2, {"bot_id": "main"})
    clock.move(-24 * 3600)
    other.append("orders", 3, {"bot_id": "main"})
    other.close()
    AuditLog(folder, clock).append("orders", 4, {"bot_id": "main"})

    assert log.verify("orders") == verified(4)
    assert (folder / "orders-2025-01-07.jsonl").read_bytes().count(b"\n") == 3


def test_a_record_is_written_once_however_often_it_is_given(folder: Path, clock: SetClock) -> None:
    rows = [Row(number) for number in (3, 5, 9)]
    for _ in range(3):
        again = AuditLog(folder, clock)
        again.append_all(rows)
        again.append_all(rows[1:])
        again.append("orders", 5, {"bot_id": "main"})
        again.close()
        clock.move(20 * 3600)

    log = AuditLog(folder, clock)
    assert numbers(log) == [3, 5, 9]
    log.append_all([*rows, Row(10)])
    assert numbers(log) == [3, 5, 9, 10]
    assert log.verify("orders") == verified(4)


def test_a_number_given_twice_at_once_is_written_once(log: AuditLog) -> None:
    log.append_all([Row(1), Row(1), Row(2)])

    assert numbers(log) == [1, 2]


def test_bots_have_numbers_of_their_own(folder: Path, clock: SetClock) -> None:
    def of(bot_id: str, number: int) -> Row:
        return Row(number, record={"bot_id": bot_id})

    AuditLog(folder, clock).append_all([of("a", 10), of("b", 3)])
    clock.move(24 * 3600)
    later = AuditLog(folder, clock)
    later.append_all([of("b", 4), of("a", 10), of("a", 9), of("a", 11), of("b", 4), of("c", 1)])

    assert [(line["bot_id"], line["outbox"]) for line in later.read("orders")] == [
        ("a", 10),
        ("b", 3),
        ("b", 4),
        ("a", 11),
        ("c", 1),
    ]
    assert later.verify("orders") == verified(5)


def test_more_records_than_one_write_holds_are_one_chain(log: AuditLog) -> None:
    log.append_all([Row(number) for number in range(1, 1001)])

    assert numbers(log) == list(range(1, 1001))
    assert log.verify("orders") == verified(1000)


def test_processes_and_threads_share_one_chain(log: AuditLog, folder: Path) -> None:
    with ThreadPoolExecutor(6) as pool:
        logs = [AuditLog(folder, SetClock()) for _ in range(2)]
        done = [
            pool.submit(logs[n % 2].append, "orders", number, {"bot_id": f"{n}"})
            for number in range(1, 21)
            for n in range(4)
        ]
        assert [future.result(10) for future in done] == [None] * 80

    assert log.verify("orders").ok
    for bot_id in "0123":
        its_own = [line["outbox"] for line in log.read("orders") if line["bot_id"] == bot_id]
        assert its_own == sorted(set(its_own))
        assert its_own[-1] == 20


@pytest.mark.parametrize(
    ("change", "broken_at"),
    [
        (lambda lines: [lines[0], lines[1].replace(b'"1.50"', b'"1.51"'), *lines[2:]], 2),
        (lambda lines: [lines[0], *lines[2:]], 2),
        (lambda lines: [lines[1], lines[0], *lines[2:]], 1),
        (lambda lines: [*lines[:2], lines[1], *lines[2:]], 3),
        (lambda lines: [*lines[:3], b"{}", lines[3]], 4),
        (lambda lines: [*lines[:3], b"", lines[3]], 4),
        (lambda lines: [lines[0].replace(b'"seq":1', b'"seq":2'), *lines[1:]], 1),
    ],
    ids=["digit", "removed", "swapped", "doubled", "foreign", "empty", "number"],
)
def test_a_change_shows_at_its_line(log: AuditLog, folder: Path, change: Any, broken_at: int) -> None:
    log.append_all([Row(number, record={"bot_id": "main", "quantity": "1.50"}) for number in range(1, 5)])
    file = folder / DAY_1
    file.write_bytes(b"\n".join(change(file.read_bytes().splitlines())) + b"\n")

    assert log.verify("orders") == Verification(ok=False, records=broken_at - 1, broken_at=f"{DAY_1}:{broken_at}")


def test_a_line_that_was_taken_out_with_its_sums_made_anew_still_shows(log: AuditLog, folder: Path) -> None:
    log.append_all([Row(number) for number in range(1, 4)])
    file = folder / DAY_1
    lines = file.read_bytes().splitlines()
    forged = {**orjson.loads(lines[1]), "note": "forged"}
    del forged["hash"]
    body = orjson.dumps(forged)
    lines[1] = body[:-1] + b',"hash":"' + hashlib.sha256(body).hexdigest().encode() + b'"}'
    file.write_bytes(b"\n".join(lines) + b"\n")

    assert log.verify("orders") == Verification(ok=False, records=2, broken_at=f"{DAY_1}:3")


def test_a_tail_torn_at_any_byte_is_set_aside_and_written_again(folder: Path, clock: SetClock) -> None:
    log = AuditLog(folder, clock)
    log.append_all([Row(1), Row(2)])
    log.close()
    whole = (folder / DAY_1).read_bytes()
    begin = whole.index(b"\n") + 1

    for cut in range(begin, len(whole)):
        (folder / DAY_1).write_bytes(whole[:cut])
        (folder / f"{DAY_1}.torn").unlink(missing_ok=True)
        after_crash = AuditLog(folder, clock)
        assert after_crash.verify("orders") == verified(1)
        after_crash.append_all([Row(1), Row(2)])

        assert (folder / DAY_1).read_bytes() == whole
        torn = after_crash.take_torn()
        after_crash.close()
        if cut == begin:
            assert torn == ()
        else:
            assert torn == (TornTail(file=DAY_1, offset=begin, size=cut - begin),)
            assert (folder / f"{DAY_1}.torn").read_bytes() == b"%d %s\n" % (begin, whole[begin:cut])


def test_what_was_set_aside_is_told_once(folder: Path, log: AuditLog, clock: SetClock) -> None:
    log.append("orders", 1, {"bot_id": "main"})
    with (folder / DAY_1).open("ab") as file:
        file.write(b'{"seq":2')
    log.append("orders", 2, {"bot_id": "main"})

    assert [tail.size for tail in log.take_torn()] == [8]
    assert log.take_torn() == ()
    assert log.verify("orders") == verified(2)


@pytest.mark.parametrize(
    "damage",
    [
        lambda tail: b"\0" * len(tail),
        lambda tail: b"\0" * 100 + tail[100:],
        lambda tail: tail[:100] + b"\0" * 100 + tail[200:],
        lambda tail: tail[:-1] + b"\0" * 4096,
    ],
    ids=["all", "first", "middle", "beyond"],
)
def test_blocks_that_never_reached_the_disk_are_set_aside(folder: Path, clock: SetClock, damage: Any) -> None:
    log = AuditLog(folder, clock)
    log.append("orders", 1, {"bot_id": "main"})
    safe = (folder / DAY_1).read_bytes()
    log.append_all([Row(2), Row(3)])
    log.close()
    whole = (folder / DAY_1).read_bytes()
    (folder / DAY_1).write_bytes(safe + damage(whole[len(safe) :]))

    after_crash = AuditLog(folder, clock)
    after_crash.append_all([Row(1), Row(2), Row(3)])

    assert (folder / DAY_1).read_bytes() == whole
    assert len(after_crash.take_torn()) == 1
    assert after_crash.verify("orders") == verified(3)


def test_a_file_that_is_all_torn_begins_again(folder: Path, clock: SetClock) -> None:
    log = AuditLog(folder, clock)
    log.append("orders", 1, {"bot_id": "main"})
    log.close()
    clock.move(24 * 3600)
    (folder / "orders-2025-01-07.jsonl").write_bytes(b'{"seq"')

    after_crash = AuditLog(folder, clock)
    after_crash.append_all([Row(1), Row(2)])

    assert numbers(after_crash) == [1, 2]
    assert after_crash.verify("orders") == verified(2)


def test_records_longer_than_what_is_looked_at_are_found(folder: Path, clock: SetClock) -> None:
    log = AuditLog(folder, clock)
    log.append("orders", 1, {"bot_id": "main", "note": "x" * 3_000_000})
    log.close()

    again = AuditLog(folder, clock)
    again.append_all([Row(1), Row(2)])
    assert numbers(again) == [1, 2]
    assert again.verify("orders") == verified(2)


def test_a_file_that_was_moved_away_is_not_written_any_more_from_the_next_second_on(
    log: AuditLog, folder: Path, clock: SetClock
) -> None:
    log.append("orders", 1, {"bot_id": "main"})
    (folder / DAY_1).rename(folder.parent / "taken")
    (folder.parent / "taken").unlink()
    clock.move(1)
    log.append("orders", 2, {"bot_id": "main"})

    assert numbers(log) == [2]


def test_a_log_that_can_not_be_written_is_a_fault_and_nothing_is_lost(folder: Path, log: AuditLog) -> None:
    folder.write_text("a file where the folder should be")
    with pytest.raises(Fault) as refusal:
        log.append("orders", 1, {"bot_id": "main"})
    assert (refusal.value.code, refusal.value.cause) == (
        "SYS_005",
        "The log `orders` can't be read or written: File exists.",
    )

    folder.unlink()
    log.append("orders", 1, {"bot_id": "main"})
    assert numbers(log) == [1]


def test_a_file_that_is_a_folder_is_a_fault(folder: Path, log: AuditLog) -> None:
    (folder / DAY_1).mkdir(parents=True)
    with pytest.raises(Fault) as refusal:
        log.append("orders", 1, {"bot_id": "main"})
    assert (refusal.value.code, refusal.value.context["stream"]) == ("SYS_005", "orders")


def test_reading_a_line_that_is_no_json_names_it(log: AuditLog, folder: Path) -> None:
    log.append("orders", 1, {"bot_id": "main"})
    with (folder / DAY_1).open("ab") as file:
        file.write(b"what?\n")

    with pytest.raises(Fault) as refusal:
        list(log.read("orders"))
    assert (refusal.value.code, refusal.value.cause) == ("SYS_005", f"Line 2 of {DAY_1} is no JSON.")


def busy(folder: Path, *arguments: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.fakes.busy_log", str(folder), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_a_full_disk_leaves_whole_lines_only_and_the_rest_is_written_later(folder: Path) -> None:
    """The limit of a file's size stands in for the disk: a write is cut short there, and the next one fails."""
    with busy(folder, 1, 40, "main", 2000) as process:
        told = process.stdout.read().split() if process.stdout else []
        assert process.wait(30) == 0

    failed = told.index("SYS_005")
    assert 2 < failed < 20
    assert [text for text in told if text != "SYS_005"] == [str(number) for number in range(1, 41)]
    log = AuditLog(folder, SetClock())
    assert numbers(log) == list(range(1, 41))
    assert log.verify("orders") == verified(40)
    assert list(folder.glob("*.torn")) == []


def kill_in_rounds(folder: Path, rounds: int, *, seed: int) -> None:
    """Kill a writer after a random number of records, `rounds` times; each begins with the last number that was told, as an outbox does."""
    chance = random.Random(seed)
    last_told = 0
    for _ in range(rounds):
        with busy(folder, max(last_told, 1), 10**9, "main") as process:
            assert process.stdout is not None
            for _ in range(chance.randint(1, 60)):
                last_told = int(process.stdout.readline())
            process.send_signal(signal.SIGKILL)
            told = process.stdout.read().split("\n")
            process.wait(10)
        last_told = max([last_told, *(int(text) for text in told[:-1])])  # the last may be cut short
        if chance.random() < 0.5:
            with max(folder.glob("*.jsonl")).open("ab") as file:
                file.write(b'{"seq":1,"ts":"2025'[: chance.randint(1, 19)])

        log = AuditLog(folder, SetClock())
        found = numbers(log)
        assert found == list(range(1, len(found) + 1))
        assert last_told <= len(found) <= last_told + 1
        assert log.verify("orders") == verified(len(found))


def test_nothing_told_durable_is_lost_or_doubled_by_kills(folder: Path) -> None:
    kill_in_rounds(folder, 4, seed=11)


@pytest.mark.long
def test_nothing_told_durable_is_lost_or_doubled_by_many_kills(folder: Path) -> None:
    kill_in_rounds(folder, 100, seed=12)
