from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.domain.samples import NOON, sample_bar
from trading_bot.domain.advice import Enter, proposal_of
from trading_bot.domain.decisions import Verdict, decision_id
from trading_bot.domain.orders import OrderType

ADVICE = Enter(
    symbol="ACME",
    order_type=OrderType.LIMIT,
    entry_price=Decimal("100.009"),
    stop_price=Decimal("99.019"),
    target_price=Decimal("102.001"),
    good_for_bars=5,
    reasoning="A higher low.",
)


def test_an_id_is_the_same_for_ever_and_differs_with_each_of_its_parts() -> None:
    assert decision_id("main", "ACME", "language-model", NOON) == "rqltisckyoupq"
    others = {
        decision_id("other", "ACME", "language-model", NOON),
        decision_id("main", "BOLT", "language-model", NOON),
        decision_id("main", "ACME", "vwap-pullback", NOON),
        decision_id("main", "ACME", "language-model", NOON + timedelta(minutes=1)),
    }
    assert len(others | {"rqltisckyoupq"}) == 5


def test_the_words_for_what_became_of_a_decision_are_the_published_ones() -> None:
    assert " ".join(verdict.value for verdict in Verdict) == "approved refused nothing dropped failed"


def test_prices_are_cut_to_the_steps_of_the_instrument() -> None:
    proposal = proposal_of(ADVICE, sample_bar())

    assert (proposal.entry_price, proposal.stop_price, proposal.target_price) == (
        Decimal("100.00"),
        Decimal("99.01"),
        Decimal("102.00"),
    )
    assert (proposal.strategy_name, proposal.entry_type, proposal.good_for_bars) == ("language-model", "limit", 5)


@pytest.mark.parametrize("named", ["0.01", "1", "100", "1000000"])
def test_a_market_order_is_taken_at_the_last_price_whatever_price_is_named(named: str) -> None:
    advice = replace(ADVICE, order_type=OrderType.MARKET, entry_price=Decimal(named), target_price=None)

    assert proposal_of(advice, sample_bar(close=Decimal("100.50"))).entry_price == Decimal("100.50")


@pytest.mark.parametrize("named", ["0.01", "100.49"])
def test_a_stop_order_below_the_last_price_would_be_a_market_order_in_disguise(named: str) -> None:
    advice = replace(
        ADVICE, order_type=OrderType.STOP, entry_price=Decimal(named), stop_price=Decimal("0.005"), target_price=None
    )

    with pytest.raises(ValueError, match=r"Expected a stop order at or above the last price of 100\.50, was "):
        proposal_of(advice, sample_bar(close=Decimal("100.50")))


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"stop_price": Decimal(100)}, "below the entry"),
        ({"stop_price": Decimal(200)}, "below the entry"),
        ({"target_price": Decimal("100.001")}, "a target above the entry"),
    ],
)
def test_prices_that_contradict_each_other_are_refused(changes: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        proposal_of(replace(ADVICE, **changes), sample_bar())
