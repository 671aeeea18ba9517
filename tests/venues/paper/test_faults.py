"""Misbehaviour on purpose: each kind does what it says, and a run with it can be repeated to the letter."""

from collections import Counter
from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path

import pytest

from tests.venues.hand_made import MINUTE, Exchange, flat, request, run
from trading_bot.domain.config import FaultRates
from trading_bot.errors.fault import Fault
from trading_bot.venues.paper.faults import Faults
from trading_bot.venues.paper.ledger import read_ledger
from trading_bot.venues.venue import Confirmed, MarketUpdate, NotYet, Rejected, Unknown


def test_a_fault_is_drawn_by_seed_kind_order_and_attempt() -> None:
    faults = Faults(seed=7, rates=FaultRates(timeout=0.5, rejection=0.5))
    drawn = [faults.strikes("timeout", "place/a", attempt) for attempt in range(12)]

    assert drawn == [faults.strikes("timeout", "place/a", attempt) for attempt in range(12)]
    assert {True, False} == set(drawn)
    others = [
        [Faults(seed=8, rates=faults.rates).strikes("timeout", "place/a", attempt) for attempt in range(12)],
        [faults.strikes("rejection", "place/a", attempt) for attempt in range(12)],
        [faults.strikes("timeout", "place/b", attempt) for attempt in range(12)],
    ]
    assert drawn not in others


def test_faults_strike_about_as_often_as_they_are_set_to() -> None:
    faults = Faults(seed=7, rates=FaultRates(timeout=0.2))

    assert 170 < sum(faults.strikes("timeout", f"order-{number}", 1) for number in range(1000)) < 230
    assert not any(faults.strikes("rejection", f"order-{number}", 1) for number in range(1000))


def test_a_command_that_comes_too_often_did_nothing(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path, flat(3), faults=FaultRates(rate_limit=0.5))
    exchange.tick_through_faults()
    outcomes = {name: run(exchange.venue.place(request(name))) for name in map(str, range(20))}
    refused = [name for name, outcome in outcomes.items() if isinstance(outcome, Rejected)]

    assert 4 < len(refused) < 16
    assert {outcome.code for outcome in outcomes.values() if isinstance(outcome, Rejected)} == {"API_429"}
    assert {order.client_order_id for order in read_ledger(exchange.path).orders} == outcomes.keys() - set(refused)
    for name in refused:  # a new attempt is another draw
        while not isinstance(run(exchange.venue.place(request(name))), Confirmed):
            pass
    assert len(read_ledger(exchange.path).orders) == 20


def test_of_the_commands_without_an_answer_half_were_carried_out(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path, flat(3), faults=FaultRates(timeout=0.9))
    exchange.tick()
    outcomes = {name: run(exchange.venue.place(request(name, quantity="1"))) for name in map(str, range(60))}
    unknown = {name for name, outcome in outcomes.items() if isinstance(outcome, Unknown)}
    there = {order.client_order_id for order in read_ledger(exchange.path).orders}

    assert len(unknown) > 45
    assert 15 < len(unknown & there) < len(unknown) - 15
    assert outcomes.keys() - unknown <= there


def test_a_cancel_without_an_answer_may_have_cancelled(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path, flat(3), faults=FaultRates(timeout=0.9))
    exchange.tick()
    names = [str(number) for number in range(40)]
    for name in names:
        while run(exchange.venue.order(name)) is None:
            run(exchange.venue.place(request(name, quantity="1", limit="1")))
    outcomes = [run(exchange.venue.cancel(name)) for name in names]
    ends = Counter(
        (type(outcome).__name__, exchange.order(name).status.value)
        for name, outcome in zip(names, outcomes, strict=True)
    )

    assert ends["Unknown", "CANCELLED"] > 8
    assert ends["Unknown", "ACCEPTED"] > 8
    assert ends["Confirmed", "ACCEPTED"] == 0


def test_an_order_is_refused_by_chance_and_taken_at_another_attempt(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path, flat(3), faults=FaultRates(rejection=0.9))
    exchange.tick()
    answers: list[Confirmed | Rejected | Unknown] = []
    while not answers or not isinstance(answers[-1], Confirmed):
        answers.append(run(exchange.venue.place(request("in"))))

    assert len(answers) > 1
    assert set(answers[:-1]) == {Rejected(code="ORD_001", reason="refused by an injected fault")}
    assert len(read_ledger(exchange.path).orders) == 1
    assert isinstance(run(exchange.venue.place(request("in"))), Confirmed)  # what exists is not refused any more


def test_a_stale_feed_moves_at_a_later_poll(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path, flat(40), faults=FaultRates(stale_feed=0.5))
    stale: list[object] = []
    times: list[datetime] = []
    while len(times) < 30:
        poll = run(exchange.venue.next_update(exchange.after))
        if isinstance(poll, MarketUpdate):
            exchange.after = poll.time
            times.append(poll.time)
        else:
            stale.append(poll)

    assert set(stale) == {NotYet(wait_seconds=0.0, stale=True)}
    assert 15 < len(stale) < 60
    assert times == [times[0] + n * MINUTE for n in range(30)]  # no minute is left out, and none comes twice


@pytest.mark.parametrize(
    ("rates", "code", "after"),
    [(FaultRates(disconnect=0.9), "DATA_004", None), (FaultRates(rate_limit=0.9), "API_429", 1.0)],
)
def test_reads_fail_and_succeed_at_a_later_attempt(
    tmp_path: Path, rates: FaultRates, code: str, after: float | None
) -> None:
    exchange = Exchange(tmp_path, flat(3), faults=rates)
    venue = exchange.venue
    reads: dict[str, Callable[[], Coroutine[object, object, object]]] = {
        "account": venue.account,
        "positions": venue.positions,
        "open_orders": venue.open_orders,
        "order": lambda: venue.order("a"),
        "fills": lambda: venue.fills_since(exchange.clock.now()),
        "quote": lambda: venue.quote("ACME"),
        "bars": lambda: venue.bars("ACME", until=exchange.clock.now(), count=3),
        "next_update": lambda: venue.next_update(None),
    }
    exchange.tick_through_faults()

    for name, read in reads.items():
        answered, failed = False, set()
        for _ in range(60):
            try:
                run(read())
            except Fault as fault:
                failed.add((fault.code, fault.after_seconds))
            else:
                answered = True
        assert (name, answered, failed) == (name, True, {(code, after)})


def test_a_run_with_every_fault_can_be_repeated_also_by_another_process(tmp_path: Path) -> None:
    rates = FaultRates(rate_limit=0.1, timeout=0.3, rejection=0.2, stale_feed=0.2, partial_fill=0.5, disconnect=0.1)
    ledgers = []
    for number in range(2):
        exchange = Exchange(tmp_path / str(number), flat(60), faults=rates)
        for minute in range(50):
            exchange.tick_through_faults()
            for attempt in range(2):
                run(exchange.venue.place(request(f"o{minute}", quantity=str(3 + attempt))))
            if minute % 4 == 3:
                run(exchange.venue.cancel(f"o{minute}"))
            if number and minute % 7 == 0:
                exchange.reopen()
        ledgers.append(repr(read_ledger(exchange.path)))

    assert ledgers[0] == ledgers[1]
    assert ledgers[0].count("VenueFill(") > 30


def test_another_seed_makes_other_faults(tmp_path: Path) -> None:
    taken = []
    for seed in (1, 2):
        exchange = Exchange(tmp_path / str(seed), flat(3), faults=FaultRates(rejection=0.5), seed=seed)
        exchange.tick()
        taken.append(
            [isinstance(run(exchange.venue.place(request(str(n), quantity="1"))), Confirmed) for n in range(20)]
        )

    assert taken[0] != taken[1]
