import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.domain.samples import NOON, SESSION_ID
from trading_bot.domain.decisions import Decision, Verdict
from trading_bot.domain.records import record_of, value_of
from trading_bot.store.decisions import find_decision, list_decisions, list_plan_decisions, save_decision
from trading_bot.store.store import Store

SOME = Decision(
    id="d0",
    session_id=SESSION_ID,
    symbol="ACME",
    strategy_name="language-model",
    plan_id=None,
    verdict=Verdict.NOTHING,
    seen={"price": "100.10", "mayEnter": ["ACME"]},
    decided={"action": "none"},
    reasoning="Nothing stands out. \U0001d11e",
    result={"status": "nothing"},
    prompt='two\nlines and "quotes"',
    cost_usd=Decimal("0.000150"),
    latency_ms=812.5,
    created_at=NOON,
)


def made(number: int, **changes: Any) -> Decision:
    return replace(SOME, id=f"d{number}", created_at=NOON + timedelta(minutes=number), **changes)


def test_a_decision_comes_back_as_it_was_and_is_renewed_by_its_id(store: Store) -> None:
    renewed = replace(SOME, verdict=Verdict.APPROVED, plan_id="p", result={"status": "open", "filled": "10"})

    with store.writing("main") as w:
        save_decision(w, SOME)
        assert find_decision(w, "d0") == SOME
        save_decision(w, renewed)

    with store.reading("main") as r:
        assert find_decision(r, "d0") == renewed
        assert list_decisions(r, 10).items == (renewed,)
        assert find_decision(r, "another") is None
    with store.reading("other") as r:
        assert find_decision(r, "d0") is None


def test_a_decision_survives_its_record_in_the_log_to_the_last_digit() -> None:
    assert value_of(Decision, json.loads(json.dumps(record_of(SOME)))) == SOME


def test_the_decisions_of_a_plan_are_the_ones_that_opened_and_end_it(store: Store) -> None:
    first, last = made(1, plan_id="d1"), made(3, plan_id="d1")
    with store.writing("main") as w:
        for decision in (last, made(2), first):
            save_decision(w, decision)
        assert list_plan_decisions(w, "d1") == (first, last)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, "d4 d3 d2 d1"),
        ({"symbol": "BOLT"}, "d2"),
        ({"strategy_name": "bull-flag-breakout"}, "d3"),
        ({"acted": True}, "d3 d1"),
        ({"acted": False}, "d4 d2"),
        ({"start": NOON + timedelta(minutes=2), "end": NOON + timedelta(minutes=4)}, "d3 d2"),
        ({"acted": True, "strategy_name": "language-model"}, "d1"),
    ],
)
def test_decisions_are_found_newest_first_by_any_filter(store: Store, filters: dict[str, Any], expected: str) -> None:
    with store.writing("main") as w:
        save_decision(w, made(1, verdict=Verdict.APPROVED))
        save_decision(w, made(2, symbol="BOLT", verdict=Verdict.REFUSED))
        save_decision(w, made(3, strategy_name="bull-flag-breakout", verdict=Verdict.APPROVED))
        save_decision(w, made(4, symbol=None, verdict=Verdict.FAILED))

    with store.reading("main") as r:
        assert " ".join(decision.id for decision in list_decisions(r, 10, **filters).items) == expected
        page = list_decisions(r, 1, **filters)
        rest = list_decisions(r, 10, page.cursors[0], **filters)
    assert " ".join(decision.id for decision in (*page.items, *rest.items)) == expected
