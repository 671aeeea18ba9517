"""A store that was put back from an older copy, and the log that is ahead of it."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.fakes.set_clock import SetClock
from trading_bot.domain.account import TradingMode
from trading_bot.domain.books import Books
from trading_bot.logs.audit import AuditLog
from trading_bot.services.journal import Journal
from trading_bot.store import errors, outbox, runtime
from trading_bot.store.engine import open_engine
from trading_bot.store.store import Store, Writing


@pytest.fixture
def store(tables_url: str) -> Iterator[Store]:
    opened = Store(open_engine(tables_url), SetClock())
    yield opened
    opened.close()


@pytest.fixture
def log(tmp_path: Path) -> Iterator[AuditLog]:
    opened = AuditLog(tmp_path / "logs", SetClock())
    yield opened
    opened.close()


def journal_of(store: Store, log: AuditLog) -> Journal:
    with store.writing("main") as w:
        generation = runtime.begin_generation(w, pid=1)
    books = Books(bot_version="1.0.0", mode=TradingMode.PAPER)
    return Journal(store=store, log=log, bot_id="main", generation=generation, books=books)


def note(number: int) -> dict[str, object]:
    return {"n": number, "recorded_at": f"2025-01-06T17:00:{number:02}Z", "bot_id": "main"}


def log_note(w: Writing, *, number: int) -> None:
    w.log("orders", note(number))


def logged(log: AuditLog, stream: str = "orders") -> list[object]:
    return [line["n"] for line in log.read(stream)]


def stored_errors(store: Store) -> list[str]:
    with store.reading("main") as r:
        return [error.error_code for error in errors.list_recent_errors(r, 10)]


def test_records_of_a_store_that_is_behind_its_log_are_not_passed_over(store: Store, log: AuditLog) -> None:
    for number in range(1, 41):
        log.append("orders", number, note(number))
    journal = journal_of(store, log)

    journal.drain()
    journal.commit(lambda w: w.log("orders", note(41)))

    assert logged(log) == list(range(1, 42))
    assert log.verify("orders").ok
    assert stored_errors(store) == ["LOG_003"]
    assert [line["error_code"] for line in log.read("errors")] == ["LOG_003"]
    assert journal.log_fault is None


def test_what_waits_under_a_number_of_another_record_gets_a_new_one(store: Store, log: AuditLog) -> None:
    """The first waiting record is in the log already, as after a kill; the second has a number that stands for another one there."""

    def wait(w: Writing) -> None:
        w.log("orders", note(1))
        w.log("orders", note(50))

    with store.writing("main") as w:
        wait(w)
        first, second = outbox.list_outbox(w, 10)
    for number, record in ((first.id, note(1)), (second.id, note(2)), (second.id + 1, note(3))):
        log.append("orders", number, record)

    journal = journal_of(store, log)
    journal.drain()

    assert logged(log) == [1, 2, 3, 50]
    journal.commit(lambda w: w.log("orders", note(51)))
    journal_of(store, log).drain()
    assert logged(log) == [1, 2, 3, 50, 51]


def test_a_store_that_is_not_behind_is_left_as_it_is(store: Store, log: AuditLog) -> None:
    journal = journal_of(store, log)
    journal.commit(lambda w: w.log("orders", note(1)))
    again = journal_of(store, AuditLog(log._folder, SetClock()))

    again.drain()

    assert (logged(log), stored_errors(store)) == ([1], [])


def test_numbers_are_raised_and_never_lowered(store: Store) -> None:
    with store.writing("main") as w:
        assert outbox.last_number(w) == 0
        assert outbox.raise_numbers(w, 100) is True
        assert outbox.raise_numbers(w, 99) is False
        w.log("orders", note(1))
    with store.writing("main") as w:
        assert [row.id for row in outbox.list_outbox(w, 10)] == [101]
        assert outbox.last_number(w) == 101
        assert outbox.raise_numbers(w, 200) is True
        w.log("orders", note(2))
        assert [row.id for row in outbox.list_outbox(w, 10)] == [101, 201]


def test_a_log_that_was_cut_anywhere_is_told_and_goes_on(store: Store, log: AuditLog) -> None:
    """What its sums can't show: whole lines at its end are gone."""
    journal = journal_of(store, log)
    for number in range(1, 8):
        journal.commit(partial(log_note, number=number))
    (file,) = log._folder.glob("orders-*.jsonl")
    whole = file.read_bytes()
    log.close()
    ends = [at + 1 for at, byte in enumerate(whole) if byte == 10]
    cut = ends[3]

    file.write_bytes(whole[:cut])
    again = AuditLog(log._folder, SetClock())
    assert again.verify("orders").ok
    later = journal_of(store, again)
    later.drain()
    later.commit(lambda w: w.log("orders", note(8)))

    assert stored_errors(store) == ["LOG_002"]
    assert logged(again) == [1, 2, 3, 4, 7, 8]  # the last one was not yet known to be in the log, and is given again
    assert again.verify("orders").ok
    third = journal_of(store, AuditLog(log._folder, SetClock()))
    third.drain()
    assert stored_errors(store) == ["LOG_002"]


def test_a_log_that_can_not_be_read_holds_the_records_back(store: Store, log: AuditLog) -> None:
    log._folder.mkdir()
    file = log._folder / "orders-2025-01-06.jsonl"
    file.mkdir()
    journal = journal_of(store, log)

    journal.commit(lambda w: w.log("trades", note(1)))
    assert journal.log_fault is not None
    assert (journal.log_fault.code, logged(log, "trades")) == ("SYS_005", [])

    file.rmdir()
    journal.drain()
    assert (journal.log_fault, logged(log, "trades")) == (None, [1])


def test_what_a_crash_left_in_the_log_is_stored_as_an_error(store: Store, log: AuditLog) -> None:
    journal = journal_of(store, log)
    journal.commit(lambda w: w.log("orders", note(1)))
    (file,) = log._folder.glob("orders-*.jsonl")
    with file.open("ab") as torn:
        torn.write(b'{"seq":2')

    journal.commit(lambda w: w.log("orders", note(2)))

    assert logged(log) == [1, 2]
    (line,) = log.read("errors")
    assert (line["error_code"], line["cause"]) == ("LOG_001", f"8 bytes at the end of {file.name} are no record.")
    assert line["context"] == {"file": file.name, "offset": line["context"]["offset"], "size": 8}
    assert stored_errors(store) == ["LOG_001"]
