import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.domain.samples import sample_account
from tests.fakes.set_clock import SetClock
from trading_bot.domain.events import EventKind
from trading_bot.errors.fault import Fault
from trading_bot.store import accounts, changes, outbox, runtime
from trading_bot.store.store import Store, Writing

WRITES = 150


@contextmanager
def writers(url: str, count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """That many processes that write the bot `main`, waited for at the end."""
    command = [sys.executable, "-m", "tests.fakes.busy_writer", url, str(WRITES)]
    started = [subprocess.Popen(command) for _ in range(count)]
    try:
        yield started
        assert [process.wait(60) for process in started] == [0] * count
    finally:
        for process in started:
            process.kill()
            process.wait()


def test_a_reading_shows_one_moment_while_another_process_writes(store: Store, tables_url: str) -> None:
    torn, seen = [], set()
    with writers(tables_url, 1) as (writer,):
        while writer.poll() is None:
            with store.reading("main") as r:
                seq = r.seq()
                account = accounts.find_account(r)
                last = changes.list_changes(r, max(seq - 1, 0), 10)
                version = r.version()
            if account is not None:
                numbers = {seq, version, account.day_trade_count, int(account.account_balance), *(e.seq for e in last)}
                seen.add(seq)
                if len(numbers) != 1:
                    torn.append(numbers)

    assert torn == []
    assert len(seen) > 5


def test_events_are_numbered_without_gaps_under_two_writers(store: Store, tables_url: str) -> None:
    with writers(tables_url, 2):
        pass

    with store.reading("main") as r:
        events = changes.list_changes(r, 0, 1000)
        assert [event.seq for event in events] == list(range(1, 2 * WRITES + 1))
        assert (r.seq(), r.version()) == (2 * WRITES, 2 * WRITES)


def test_an_event_is_stored_with_its_wall_clock(store: Store, clock: SetClock) -> None:
    with store.writing("main") as w:
        assert w.changed(EventKind.PLAN, "p-1", "Plan opened.", {"symbol": "ACME"}) == 1
        assert w.seq() == 1

    with store.reading("main") as r:
        (event,) = changes.list_changes(r, 0, 10)
    assert (event.seq, event.at, event.kind, event.subject, event.summary, event.data) == (
        1,
        clock.now(),
        EventKind.PLAN,
        "p-1",
        "Plan opened.",
        {"symbol": "ACME"},
    )


def test_events_can_be_read_from_a_number_on_and_by_kind(store: Store) -> None:
    with store.writing("main") as w:
        for kind in (EventKind.ORDER, EventKind.FILL, EventKind.ORDER, EventKind.TRADE):
            w.changed(kind, "x", "Something.", {})

    with store.reading("main") as r:
        assert [event.seq for event in changes.list_changes(r, 1, 2)] == [2, 3]
        assert [event.seq for event in changes.list_changes(r, 0, 10, {EventKind.ORDER, EventKind.TRADE})] == [1, 3, 4]
        assert changes.list_changes(r, 0, 10, ()) == ()


def test_nothing_of_a_failed_writing_is_kept(store: Store) -> None:
    with store.writing("main") as w:
        w.changed(EventKind.HEALTH, "main", "Kept.", {})

    def fail(w: Writing) -> None:
        w.changed(EventKind.HEALTH, "main", "Lost.", {})
        w.log("orders", {"a": 1})
        accounts.save_account(w, sample_account())
        raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"), store.writing("main") as w:
        fail(w)

    with store.reading("main") as r:
        assert [event.summary for event in changes.list_changes(r, 0, 10)] == ["Kept."]
        assert (r.seq(), r.version(), accounts.find_account(r), outbox.list_outbox(r, 10)) == (1, 1, None, ())


def test_a_refused_event_leaves_no_gap(store: Store) -> None:
    with store.writing("main") as w:
        with pytest.raises(Exception, match="Expected JSON data"):
            w.changed(EventKind.HEALTH, "main", "Refused.", {"x": float("nan")})
        assert w.seq() == 0
        assert w.changed(EventKind.HEALTH, "main", "Taken.", {}) == 1


def test_bots_are_numbered_and_kept_apart(store: Store) -> None:
    with store.writing("a") as w:
        w.changed(EventKind.HEALTH, "a", "First.", {})
        accounts.save_account(w, sample_account(day_trade_count=1))
    with store.writing("b") as w:
        assert w.changed(EventKind.HEALTH, "b", "First.", {}) == 1

    with store.reading("b") as r:
        assert (r.seq(), accounts.find_account(r)) == (1, None)
    with store.reading("nobody") as r:
        assert (r.seq(), r.version(), changes.list_changes(r, 0, 10)) == (0, 0, ())


def test_a_writing_of_a_replaced_process_is_refused_and_writes_nothing(store: Store) -> None:
    with store.writing("main") as w:
        assert runtime.begin_generation(w, pid=100) == 1
    with store.writing("main", 1) as w:
        w.changed(EventKind.HEALTH, "main", "By the first.", {})
    with store.writing("main") as w:
        assert runtime.begin_generation(w, pid=200) == 2

    with pytest.raises(Fault) as refusal, store.writing("main", 1) as w:
        w.changed(EventKind.HEALTH, "main", "By a ghost.", {})

    assert (refusal.value.code, refusal.value.context) == ("BOT_002", {"generation": 1, "current": 2})
    with store.reading("main") as r:
        assert [event.summary for event in changes.list_changes(r, 0, 10)] == ["By the first."]
        assert r.version() == 3
    with store.writing("main", 2) as w:
        w.changed(EventKind.HEALTH, "main", "By the second.", {})


def test_writings_of_one_bot_wait_for_each_other(store: Store) -> None:
    is_writing, order = threading.Event(), []

    def second() -> None:
        assert is_writing.wait(5)
        with store.writing("main") as w:
            order.append(("second", w.changed(EventKind.HEALTH, "main", "Second.", {})))

    other = threading.Thread(target=second)
    other.start()
    with store.writing("main") as w:
        is_writing.set()
        other.join(0.05)  # long enough to run ahead, if it could
        order.append(("first", w.changed(EventKind.HEALTH, "main", "First.", {})))
    other.join(5)

    assert order == [("first", 1), ("second", 2)]


def test_a_record_waits_in_the_outbox_with_its_bot_and_in_its_order(store: Store, clock: SetClock) -> None:
    with store.writing("main") as w:
        assert not w.has_log
        w.log("trades", {"symbol": "ACME", "action": "BUY"})
        assert w.has_log
        w.log("orders", {"z": 1, "a": "2.50"})

    with store.reading("main") as r:
        first, second = outbox.list_outbox(r, 10)
    assert (first.stream, first.record, first.recorded_at) == (
        "trades",
        {"symbol": "ACME", "action": "BUY", "recorded_at": "2025-01-06T17:00:00Z", "bot_id": "main"},
        clock.now(),
    )
    assert (second.stream, list(second.record), second.id) == (
        "orders",
        ["z", "a", "recorded_at", "bot_id"],
        first.id + 1,
    )


def test_numbers_of_the_outbox_are_never_given_twice(store: Store) -> None:
    with store.writing("main") as w:
        w.log("orders", {"n": 1})
        (row,) = outbox.list_outbox(w, 10)
        outbox.delete_outbox(w, row.id)
    with store.writing("main") as w:
        assert outbox.list_outbox(w, 10) == ()
        w.log("orders", {"n": 2})

    with store.reading("main") as r:
        (later,) = outbox.list_outbox(r, 10)
    assert later.id > row.id


def test_deleting_from_the_outbox_leaves_later_records_and_other_bots(store: Store) -> None:
    for bot_id in ("a", "b", "a"):
        with store.writing(bot_id) as w:
            w.log("orders", {"of": bot_id})
    with store.writing("a") as w:
        outbox.delete_outbox(w, outbox.list_outbox(w, 1)[0].id)

    with store.reading("a") as r:
        assert len(outbox.list_outbox(r, 10)) == 1
    with store.reading("b") as r:
        assert len(outbox.list_outbox(r, 10)) == 1


@pytest.mark.parametrize(("stream", "record"), [("gossip", {}), ("orders", {"seq": 1}), ("orders", {"hash": "x"})])
def test_a_record_that_the_log_could_never_take_is_refused(
    store: Store, stream: str, record: dict[str, object]
) -> None:
    with store.writing("main") as w:
        with pytest.raises(ValueError, match="Expected a stream of orders"):
            w.log(stream, record)
        assert (w.has_log, outbox.list_outbox(w, 10)) == (False, ())
