import dataclasses
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.samples import HASH, NOON, PLAN_ID, SESSION_ID, sample_fill, sample_plan
from trading_bot.domain.account import TradingMode
from trading_bot.domain.fills import Fill
from trading_bot.domain.money import ZERO
from trading_bot.domain.orders import Side
from trading_bot.domain.plans import PlanStatus, TradePlan
from trading_bot.domain.trades import RECORD_FIELDS, Outcome, Trade, trade_of

CLOSED = sample_plan(
    status=PlanStatus.CLOSED, exit_reason="target: traded at 102.00, target was 102.00", closed_at=NOON
)
BUY_100 = sample_fill(id="f-1", price=Decimal("100.00"), quantity=Decimal(100), value=Decimal("10000.00"))
BUY_50 = sample_fill(
    id="f-2",
    price=Decimal("100.30"),
    quantity=Decimal(50),
    value=Decimal("5015.00"),
    timestamp=NOON + timedelta(minutes=1),
)


def sale(quantity: int, realized: str, *, seconds: int = 600, fee: str = "1.00", price: str = "102.00") -> Fill:
    return sample_fill(
        id=f"s-{seconds}",
        action=Side.SELL,
        order_id="v-2",
        quantity=Decimal(quantity),
        price=Decimal(price),
        value=quantity * Decimal(price),
        fee=Decimal(fee),
        realized_pnl=Decimal(realized),
        timestamp=NOON + timedelta(seconds=seconds),
    )


def trade(plan: TradePlan, *fills: Fill) -> Trade:
    made = trade_of(plan, fills, mode=TradingMode.PAPER, account_id="acc", bot_version="1.0.0", recorded_at=NOON)
    assert made is not None
    return made


def test_the_record_has_these_27_fields_in_this_order() -> None:
    assert len(RECORD_FIELDS) == 27
    assert tuple(field.name for field in dataclasses.fields(Trade))[:27] == RECORD_FIELDS


def test_a_plan_without_an_entry_fill_is_no_trade_yet() -> None:
    def made(*fills: Fill) -> Trade | None:
        return trade_of(
            sample_plan(), fills, mode=TradingMode.PAPER, account_id=None, bot_version="1.0.0", recorded_at=NOON
        )

    assert made() is None
    assert made(sale(100, "0.00")) is None


def test_an_entered_trade_is_open_with_the_averages_of_its_fills() -> None:
    found = trade(sample_plan(), BUY_100, BUY_50)

    assert {name: getattr(found, name) for name in RECORD_FIELDS} == {
        "timestamp": NOON,
        "symbol": "ACME",
        "action": Side.BUY,
        "quantity": Decimal(150),
        "price": Decimal("100.1"),
        "total_value": Decimal("15015.00"),
        "order_id": "v-1",
        "execution_mode": TradingMode.PAPER,
        "account_id": "acc",
        "strategy_name": "bull-flag-breakout",
        "entry_type": "breakout",
        "stop_loss": Decimal("99.00"),
        "target": Decimal("102.00"),
        "decision_reasoning": "A flag.",
        "indicators_used": ("POLE_PCT", "RESISTANCE"),
        "risk_reward_ratio": 2.0,
        "outcome": Outcome.OPEN,
        "profit_loss": None,
        "hold_duration_seconds": None,
        "exit_timestamp": None,
        "exit_reasoning": None,
        "slippage": Decimal("0.1"),
        "commission": Decimal("2.00"),
        "net_profit_loss": None,
        "session_id": SESSION_ID,
        "bot_version": "1.0.0",
        "config_hash": HASH,
    }
    assert (found.id, found.recorded_at, found.config_version) == (PLAN_ID, NOON, 1)


def test_a_trade_sold_in_part_is_open_and_says_what_it_realised() -> None:
    found = trade(sample_plan(), BUY_100, sale(40, "80.00"))

    assert found.outcome is Outcome.OPEN
    assert found.profit_loss == Decimal("80.00")
    assert found.net_profit_loss is None
    assert found.exit_timestamp is None
    assert found.exit_reasoning is None
    assert found.hold_duration_seconds is None


def test_a_trade_is_closed_by_its_last_exit() -> None:
    found = trade(CLOSED, BUY_100, sale(40, "80.00"), sale(60, "120.00", seconds=725))

    assert found.outcome is Outcome.WIN
    assert found.profit_loss == Decimal("200.00")
    assert found.commission == Decimal("3.00")
    assert found.net_profit_loss == Decimal("197.00")
    assert found.exit_timestamp == NOON + timedelta(seconds=725)
    assert found.hold_duration_seconds == 725
    assert found.exit_reasoning == "target: traded at 102.00, target was 102.00"


@pytest.mark.parametrize(
    ("realized", "fee", "outcome"),
    [
        ("1.01", "0.00", Outcome.WIN),
        ("1.00", "0.00", Outcome.BREAKEVEN),
        ("1.00", "0.01", Outcome.LOSS),
        ("-5.00", "0.00", Outcome.LOSS),
    ],
)
def test_the_net_result_decides_the_outcome(realized: str, fee: str, outcome: Outcome) -> None:
    assert trade(CLOSED, BUY_100, sale(100, realized, fee=fee)).outcome is outcome


def test_a_flat_trade_stays_open_while_its_plan_may_still_enter() -> None:
    assert trade(sample_plan(), BUY_100, sale(100, "200.00")).outcome is Outcome.OPEN


def test_a_closed_plan_that_still_holds_is_an_open_trade() -> None:
    assert trade(CLOSED, BUY_100, sale(99, "198.00")).outcome is Outcome.OPEN


def test_a_cheaper_entry_than_planned_is_negative_slippage() -> None:
    assert trade(sample_plan(entry_price=Decimal("100.05")), BUY_100).slippage == Decimal("-0.05")


def test_the_order_id_is_the_same_at_entry_and_exit() -> None:
    assert trade(sample_plan(), BUY_100).order_id == trade(CLOSED, BUY_100, sale(100, "200.00")).order_id == "v-1"


@given(
    st.lists(
        st.tuples(st.integers(1, 500), st.decimals("0.01", 900, places=2), st.decimals(0, 9, places=2)),
        min_size=1,
        max_size=12,
    ),
    st.lists(st.decimals(-5000, 5000, places=2), min_size=1, max_size=5),
)
def test_a_closed_trade_adds_up(entries: list[tuple[int, Decimal, Decimal]], results: list[Decimal]) -> None:
    bought = [
        sample_fill(quantity=Decimal(size), price=price, value=size * price, fee=fee) for size, price, fee in entries
    ]
    whole = sum(size for size, _, _ in entries)
    sales = [sale(whole if index == 0 else 0, str(result)) for index, result in enumerate(results)]

    found = trade(CLOSED, *bought, *sales)

    assert found.quantity == whole
    assert min(price for _, price, _ in entries) <= found.price <= max(price for _, price, _ in entries)
    assert found.profit_loss == sum(results, ZERO)
    assert found.net_profit_loss == sum(results, ZERO) - sum((fee for _, _, fee in entries), ZERO) - len(sales)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"quantity": Decimal("1.5")}, "Expected a quantity in steps of 1 up to 10000, was 1.5"),
        ({"quantity": Decimal(0)}, "Expected a quantity"),
        ({"quantity": Decimal(10_001)}, "Expected a quantity"),
        ({"price": Decimal(0)}, "Expected a positive price, was 0"),
        ({"timestamp": NOON.replace(tzinfo=None)}, "Expected `timestamp` in UTC"),
        ({"outcome": Outcome.WIN}, "Expected an exit time exactly for a closed trade, was win with None"),
        ({"exit_timestamp": NOON}, "Expected an exit time exactly for a closed trade, was open with"),
        ({"symbol": "acme"}, "Expected one to five capital letters"),
    ],
)
def test_a_trade_that_can_not_be_is_refused(changes: dict[str, Any], text: str) -> None:
    entered = trade(sample_plan(), BUY_100)

    with pytest.raises(ValueError, match=text):
        dataclasses.replace(entered, **changes)


def test_a_trade_of_coins_may_have_a_fraction() -> None:
    coins = trade(sample_plan(symbol="BTC/USD"), sample_fill(symbol="BTC/USD", quantity=Decimal("0.12345678")))

    assert coins.quantity == Decimal("0.12345678")
