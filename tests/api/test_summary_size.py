"""A summary at its worst is under 10,240 bytes, printed with an indent of 2."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from graph.schema import build_schema
from tests.api.client import Api
from tests.api.conftest import NOW
from tests.api.selection import everything
from tests.fakes.seeded_trades import account
from tests.fakes.seeded_watch import error, running
from trading_bot.domain.health import HealthCheck, RunState
from trading_bot.store import accounts, errors, runtime

LARGEST = 10_240


@pytest.mark.parametrize("letter", ["m", "é", "\N{CHART WITH UPWARDS TREND}", '"'])
@pytest.mark.parametrize("is_offline", [False, True])
def test_the_longest_summary_fits(api: Api, letter: str, is_offline: bool) -> None:  # noqa: FBT001
    fill_up(api, letter)
    api.clock.advance(400 if is_offline else 0)
    selection = everything(build_schema()._schema.type_map["BotSummary"])
    answer = api.post("{ botSummary " + selection + " }").json()
    printed = json.dumps(answer["data"]["botSummary"], indent=2, ensure_ascii=False).encode()

    assert len(answer["data"]["botSummary"]["recentErrors"]) == 3
    assert 4000 < len(printed) < LARGEST


def fill_up(api: Api, letter: str) -> None:
    """Make every text of the bot as long as it may be, and longer."""
    long = letter * 600
    now = api.clock.now()
    state = replace(
        running(now),
        run_state=RunState.HALTED,
        run_state_reason=long,
        circuit_breaker_reason=long,
        observed_at=now - timedelta(days=9999),
        checks=tuple(
            HealthCheck(name=name, ok=False, detail=long, observed_at=now) for name in ("venue", "store", "orders")
        ),
    )
    with api.store.writing("main") as w:
        runtime.save_runtime(w, state)
        accounts.save_account(w, replace(account(), account_balance=Decimal("-99999999999.99"), day_trade_count=9))
        for number in range(3):
            worst = error("ORD_001", NOW)
            cause = f"{number}{long}"  # another cause each time, or the second would only be counted
            errors.save_error(w, replace(worst, message=long, cause=cause, impact=long, remediation=long))
