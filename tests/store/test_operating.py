"""Bots, their processes, errors, commands, intents and configurations: in as they were, out as they are asked for."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from tests.domain.samples import NOON, sample_check, sample_error, sample_runtime
from tests.fakes.set_clock import SetClock
from tests.store.seeding import minutes, sample_command, sample_intent
from trading_bot.domain.account import TradingMode
from trading_bot.domain.commands import Addressee, CommandKind, CommandStatus, Intent
from trading_bot.domain.errors import RemediationAction, Retry, RetryKind, Scope, Severity
from trading_bot.domain.events import EventKind
from trading_bot.domain.health import RunState
from trading_bot.domain.state import Bot
from trading_bot.errors.fault import Fault
from trading_bot.store import bots, changes, commands, configs, errors, outbox, runtime
from trading_bot.store.runtime import Progress
from trading_bot.store.store import Store, Writing


def begin(store: Store, pid: int = 100, bot_id: str = "main") -> int:
    with store.writing(bot_id) as w:
        bots.register_bot(w, name=bot_id.title(), mode=TradingMode.PAPER, venue="paper", replay_of="candles.csv")
        return runtime.begin_generation(w, pid=pid)


def test_a_bot_is_who_it_last_said_it_is(store: Store) -> None:
    begin(store)
    with store.writing("main") as w:
        bots.register_bot(w, name="Renamed", mode=TradingMode.LIVE, venue="alpaca", replay_of=None)
        runtime.save_runtime(w, sample_runtime(run_state=RunState.PAUSED))

    with store.reading("main") as r:
        assert bots.find_bot(r) == Bot(
            id="main", name="Renamed", mode=TradingMode.LIVE, venue="alpaca", run_state=RunState.PAUSED
        )
        assert bots.find_replay_of(r) is None
    with store.reading("nobody") as r:
        assert (bots.find_bot(r), bots.find_replay_of(r)) == (None, None)


def test_bots_are_listed_by_id_and_start_as_starting(store: Store) -> None:
    for bot_id in ("b", "c", "a"):
        begin(store, bot_id=bot_id)

    assert store.bot_ids() == ("a", "b", "c")
    assert [(bot.id, bot.run_state) for bot in store.list_bots(2)] == [
        ("a", RunState.STARTING),
        ("b", RunState.STARTING),
    ]
    with store.reading("b") as r:
        assert bots.find_replay_of(r) == "candles.csv"


def test_a_start_counts_the_generation_and_keeps_the_run_state(store: Store, clock: SetClock) -> None:
    with store.reading("main") as r:
        assert (runtime.find_runtime(r), runtime.find_process(r)) == (None, None)
    assert begin(store, 100) == 1
    with store.writing("main") as w:
        runtime.save_runtime(w, sample_runtime(run_state=RunState.HALTED, ticks=7, circuit_breaker_reason="Loss."))
        runtime.mark_process_ended(w, generation=1)
    clock.move(60)
    assert begin(store, 200) == 2

    with store.reading("main") as r:
        assert runtime.find_runtime(r) == sample_runtime(
            run_state=RunState.HALTED,
            circuit_breaker_reason="Loss.",
            generation=2,
            ticks=0,
            started_at=clock.now(),
            process_ended_at=None,
        )
        assert runtime.find_process(r) == (2, 200)


def test_what_the_bot_says_of_itself_does_not_touch_what_others_decide(store: Store) -> None:
    begin(store)
    said = sample_runtime(
        generation=99,
        process_ended_at=minutes(5),
        checks=(sample_check(), sample_check(name="venue", ok=False, detail="No answer.")),
        loop_latency_ms=(None, 1.5, 2.25),
        last_heartbeat=None,
    )
    with store.writing("main") as w:
        runtime.save_runtime(w, said)

    with store.reading("main") as r:
        assert runtime.find_runtime(r) == replace(said, generation=1, process_ended_at=None)


def test_the_end_of_a_process_is_noted(store: Store, clock: SetClock) -> None:
    begin(store)
    with store.writing("main") as w:
        runtime.mark_process_ended(w, generation=1)

    with store.reading("main") as r:
        found = runtime.find_runtime(r)
    assert found is not None
    assert found.process_ended_at == clock.now()


@pytest.mark.parametrize(("generation", "heartbeat"), [(1, NOON), (2, minutes(1))], ids=["replaced", "alive"])
def test_the_end_of_a_process_that_lives_or_was_replaced_is_not_noted(
    store: Store, generation: int, heartbeat: object
) -> None:
    begin(store)
    begin(store)
    with store.writing("main") as w:
        runtime.save_runtime(w, replace(sample_runtime(), last_heartbeat=heartbeat))  # type: ignore[arg-type]
        runtime.mark_process_ended(w, generation=generation)

    with store.reading("main") as r:
        found = runtime.find_runtime(r)
    assert found is not None
    assert found.process_ended_at is None


def test_progress_is_the_last_one_saved(store: Store) -> None:
    with store.writing("main") as w:
        assert runtime.find_progress(w) == Progress(cursor=None, last_sync_at=None)
        runtime.save_progress(w, Progress(cursor=NOON, last_sync_at=None))
        runtime.save_progress(w, Progress(cursor=minutes(1), last_sync_at=NOON))

    with store.reading("main") as r:
        assert runtime.find_progress(r) == Progress(cursor=minutes(1), last_sync_at=NOON)


ACTION = RemediationAction(
    title="Pause", operation="bot-pause", variables={"reason": "x"}, scope=Scope.OPERATE, writes=True
)


def test_an_error_is_stored_with_an_event_and_a_line_for_the_log(store: Store) -> None:
    error = sample_error(
        actions=(ACTION,),
        retry=Retry(kind=RetryKind.AFTER_DELAY, after_seconds=1.5),
        context={"symbol": "ACME", "n": 1},
    )
    with store.writing("main") as w:
        assert errors.save_error(w, error) == error

    with store.reading("main") as r:
        assert errors.list_recent_errors(r, 3) == (error,)
        assert errors.find_error(r, str(error.id)) == error
        assert errors.find_error(r, "nothing") is None
        (event,) = changes.list_changes(r, 0, 10)
        (row,) = outbox.list_outbox(r, 10)
    assert (event.kind, event.subject, event.summary, event.data) == (
        EventKind.ERROR,
        error.id,
        "The venue rejected an order",
        {"errorCode": "ORD_001", "severity": "MEDIUM"},
    )
    assert (row.stream, row.record["error_code"], row.record["timestamp"], row.record["retry"]) == (
        "errors",
        "ORD_001",
        "2025-01-06T17:00:00+00:00",
        {"kind": "AFTER_DELAY", "after_seconds": 1.5},
    )


def test_an_error_without_an_id_is_given_one(store: Store) -> None:
    with store.writing("main") as w:
        first = errors.save_error(w, sample_error(id=None))
        second = errors.save_error(w, sample_error(id=None, cause="Another."))

    assert first.id is not None
    assert len(first.id) == 32
    assert first.id != second.id


def test_the_same_error_in_a_loop_is_one_row_with_a_count(store: Store) -> None:
    last = None
    for n in range(200):
        with store.writing("main") as w:
            last = errors.save_error(w, sample_error(id=None, timestamp=NOON + timedelta(seconds=30 * n)))

    with store.reading("main") as r:
        (kept,) = errors.list_recent_errors(r, 10)
        assert kept == last
        assert (kept.timestamp, kept.context) == (NOON, {"count": 200, "last_seen": "2025-01-06T18:39:30+00:00"})
        assert len(changes.list_changes(r, 0, 10)) == len(outbox.list_outbox(r, 10)) == 1
        assert errors.count_errors_since(r, minutes(60)) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"cause": "Another cause."},
        {"error_code": "ORD_002"},
        {"timestamp": NOON + timedelta(seconds=61)},
    ],
)
def test_an_error_that_differs_or_comes_later_is_a_row_of_its_own(store: Store, other: dict[str, object]) -> None:
    with store.writing("main") as w:
        errors.save_error(w, sample_error(id="1"))
        errors.save_error(w, replace(sample_error(id="2"), **other))  # type: ignore[arg-type]

    with store.reading("main") as r:
        assert [error.id for error in errors.list_recent_errors(r, 10)] == ["2", "1"]


def test_the_same_cause_on_another_order_is_another_error(store: Store) -> None:
    with store.writing("main") as w:
        for order in ("o-1", "o-1", "o-2", "o-2"):
            fault = Fault(
                "ORD_004", "The venue does not know it.", context={"symbol": "ACME", "client_order_id": order}
            )
            errors.save_error(w, fault.semantic(now=NOON))
    with store.reading("main") as r:
        kept = [(e.context["client_order_id"], e.context["count"]) for e in errors.list_recent_errors(r, 5)]
    assert kept == [("o-2", 2), ("o-1", 2)]


def test_an_error_that_was_acknowledged_is_not_counted_up(store: Store) -> None:
    with store.writing("main") as w:
        errors.save_error(w, sample_error(id="1", acknowledged_at=NOON))
        errors.save_error(w, sample_error(id="2"))

    with store.reading("main") as r:
        assert [error.id for error in errors.list_recent_errors(r, 10)] == ["2", "1"]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, ["3", "2", "1"]),
        ({"error_code": "ORD_001"}, ["1"]),
        ({"severity": Severity.HIGH}, ["2"]),
        ({"acknowledged": True}, ["3"]),
        ({"acknowledged": False}, ["2", "1"]),
        ({"symbol": "ACME"}, ["1"]),
        ({"start": minutes(1), "end": minutes(2)}, ["2"]),
    ],
)
def test_errors_are_found_by_filters(store: Store, filters: dict[str, object], found: list[str]) -> None:
    with store.writing("main") as w:
        errors.save_error(w, sample_error(id="1", context={"symbol": "ACME"}))
        errors.save_error(w, sample_error(id="2", error_code="DATA_001", severity=Severity.HIGH, timestamp=minutes(1)))
        errors.save_error(
            w, sample_error(id="3", error_code="SYS_001", timestamp=minutes(2), acknowledged_at=minutes(3))
        )

    with store.reading("main") as r:
        assert [error.id for error in errors.list_errors(r, 10, **filters).items] == found  # type: ignore[arg-type]


def test_a_command_is_followed_from_its_request_to_its_end(store: Store) -> None:
    asked = sample_command()
    failed = replace(
        asked,
        status=CommandStatus.FAILED,
        executed_at=minutes(1),
        outcome={"runState": "RUNNING"},
        error=sample_error(actions=(ACTION,)),
    )
    with store.writing("main") as w:
        commands.add_command(w, asked)
        assert commands.find_command(w, "c-1") == asked
        commands.save_command(w, failed)

    with store.reading("main") as r:
        assert commands.find_command(r, "c-1") == failed
        assert commands.find_command(r, "c-2") is None
        assert commands.list_pending_commands(r) == ()


def test_a_command_is_stored_once(store: Store) -> None:
    with store.writing("main") as w:
        commands.add_command(w, sample_command())
    with pytest.raises(sa.exc.IntegrityError), store.writing("main") as w:
        commands.add_command(w, sample_command(reason="Again."))

    with store.reading("main") as r:
        assert [command.reason for command in commands.list_commands(r, 10).items] == ["Lunch."]


def test_each_addressee_sees_its_own_unfinished_commands_oldest_first(store: Store) -> None:
    with store.writing("main") as w:
        for n, kind in enumerate((CommandKind.STOP, CommandKind.RESTART_PROCESS, CommandKind.PAUSE)):
            commands.add_command(w, sample_command(id=f"c-{n}", kind=kind))
        commands.add_command(w, sample_command(id="c-3", status=CommandStatus.RUNNING))
        commands.add_command(w, sample_command(id="c-4", status=CommandStatus.DONE))

    with store.reading("main") as r:
        assert [command.id for command in commands.list_pending_commands(r)] == ["c-0", "c-2", "c-3"]
        assert [command.id for command in commands.list_pending_commands(r, Addressee.SUPERVISOR)] == ["c-1"]
        assert [command.id for command in commands.list_commands(r, 2).items] == ["c-4", "c-3"]


def test_an_intent_is_remembered_for_24_hours_and_then_its_key_is_free(store: Store, clock: SetClock) -> None:
    with store.writing("main") as w:
        commands.add_intent(w, sample_intent(), subject_id="c-1")
    clock.move(24 * 3600 - 1)
    with store.reading("other") as r:
        found = commands.find_intent(r, key_id="first", idempotency_key="key-1")
        assert commands.find_intent(r, key_id="second", idempotency_key="key-1") is None
    assert found is not None
    assert (found.digest, found.subject_id, found.created_at) == ("d1", "c-1", NOON)

    clock.move(1)
    with store.writing("main") as w:
        assert commands.find_intent(w, key_id="first", idempotency_key="key-1") is None
        commands.add_intent(w, sample_intent(digest="d2"), subject_id="c-2")
        found = commands.find_intent(w, key_id="first", idempotency_key="key-1")
    assert found is not None
    assert found.subject_id == "c-2"


@pytest.mark.parametrize(
    "second", [sample_intent(digest="d2"), sample_intent(idempotency_key="key-2", token_id="t-1")], ids=["key", "token"]
)
def test_a_key_or_token_that_was_used_undoes_the_whole_write(store: Store, second: Intent) -> None:
    with store.writing("main") as w:
        commands.add_intent(w, sample_intent(token_id="t-1"), subject_id="c-1")

    def write(w: Writing) -> None:
        commands.add_command(w, sample_command(id="c-2"))
        commands.add_intent(w, second, subject_id="c-2")

    with pytest.raises(Fault) as refusal, store.writing("main") as w:
        write(w)

    assert refusal.value.code == "QRY_007"
    with store.reading("main") as r:
        assert commands.list_commands(r, 10).items == ()


def test_intents_without_a_token_do_not_collide(store: Store) -> None:
    with store.writing("main") as w:
        commands.add_intent(w, sample_intent(), subject_id="c-1")
        commands.add_intent(w, sample_intent(idempotency_key="key-2"), subject_id="c-2")
        assert commands.find_intent(w, key_id="first", idempotency_key="key-2") is not None


def test_configurations_are_kept_version_by_version(store: Store, clock: SetClock) -> None:
    with store.writing("main") as w:
        assert configs.find_config(w) is None
        configs.save_config(
            w, version=1, values={"b": "1.50", "a": [1]}, config_hash="h1", user="first", reason="Start."
        )
    clock.move(60)
    with store.writing("main") as w:
        configs.save_config(w, version=2, values={}, config_hash="h2", user="import", reason="Change.")

    with store.reading("main") as r:
        first, latest = configs.find_config(r, 1), configs.find_config(r)
        assert configs.find_config(r, 3) is None
    assert first is not None
    assert latest is not None
    assert (list(first.values.items()), first.updated_at) == ([("b", "1.50"), ("a", [1])], NOON)
    assert (latest.version, latest.config_hash, latest.user, latest.reason) == (2, "h2", "import", "Change.")


def test_a_version_of_the_configuration_never_changes(store: Store) -> None:
    with store.writing("main") as w:
        configs.save_config(w, version=1, values={"x": "1"}, config_hash="h", user="a", reason="b")
    with pytest.raises(sa.exc.IntegrityError), store.writing("main") as w:
        configs.save_config(w, version=1, values={"x": "2"}, config_hash="h", user="a", reason="b")

    with store.reading("main") as r:
        kept = configs.find_config(r)
    assert kept is not None
    assert kept.values == {"x": "1"}


def test_a_decimal_in_json_data_is_refused_by_name(store: Store) -> None:
    with pytest.raises(sa.exc.StatementError, match="decimals and times as text"), store.writing("main") as w:
        errors.save_error(w, sample_error(context={"price": Decimal("1.5")}))
    with store.reading("main") as r:
        assert errors.list_recent_errors(r, 1) == ()
