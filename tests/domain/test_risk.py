from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.samples import NOON, sample_proposal
from trading_bot.domain.instruments import instrument
from trading_bot.domain.limits import RiskLimits
from trading_bot.domain.risk import Approved, Exposure, Refused, check_entry

# Of $100,000: 5 % a position, 50 % in all, $500 at risk a trade.
LIMITS = RiskLimits()
CALM = Exposure(
    equity=Decimal("100000.00"),
    buying_power=Decimal("100000.00"),
    committed=Decimal("0.00"),
    open_plans=0,
    daily_pnl=Decimal("0.00"),
    venue_time=NOON,
    bar_known_at=NOON,
)
ENTRY = sample_proposal(entry_price=Decimal("100.00"), stop_price=Decimal("99.00"))


@pytest.mark.parametrize(
    ("what", "exposure", "limits", "quantity"),
    [
        ("a position's largest worth", CALM, LIMITS, 50),
        ("the risk of a trade", CALM, replace(LIMITS, risk_per_trade_pct=0.03), 30),
        ("what the exposure leaves", replace(CALM, committed=Decimal("48000.00")), LIMITS, 20),
        ("the buying power", replace(CALM, buying_power=Decimal("1099.00")), LIMITS, 10),
    ],
)
def test_the_smallest_of_all_limits_is_the_quantity(
    what: str, exposure: Exposure, limits: RiskLimits, quantity: int
) -> None:
    assert check_entry(ENTRY, exposure, limits) == Approved(quantity=Decimal(quantity)), what


def test_the_instrument_has_a_largest_quantity_too() -> None:
    cheap = sample_proposal(entry_price=Decimal("0.10"), stop_price=Decimal("0.09"), target_price=None)

    assert check_entry(cheap, CALM, LIMITS) == Approved(quantity=Decimal(10_000))


def test_coins_are_bought_in_fractions() -> None:
    coins = sample_proposal(symbol="BTC/USD", entry_price=Decimal(7_000), stop_price=Decimal(6_900), target_price=None)

    assert check_entry(coins, CALM, LIMITS) == Approved(quantity=Decimal("0.71428571"))


def test_an_old_bar_is_not_acted_on() -> None:
    at_limit = replace(CALM, venue_time=NOON + timedelta(seconds=180))
    late = replace(CALM, venue_time=NOON + timedelta(seconds=181))

    assert isinstance(check_entry(ENTRY, at_limit, LIMITS), Approved)
    assert check_entry(ENTRY, late, LIMITS) == Refused(
        code="RISK_004",
        cause="The last bar is too old to act on: limit 180.0, is 181.0.",
        figures={"limit": "180.0", "value": "181.0"},
    )


def test_nothing_is_entered_once_the_day_has_lost_its_limit() -> None:
    near = replace(CALM, daily_pnl=Decimal("-1999.99"))
    there = replace(CALM, daily_pnl=Decimal("-2000.00"))

    assert isinstance(check_entry(ENTRY, near, LIMITS), Approved)
    assert check_entry(ENTRY, there, LIMITS) == Refused(
        code="RISK_003",
        cause="The daily loss limit is reached: limit -2000.00, is -2000.00.",
        figures={"limit": "-2000.00", "value": "-2000.00"},
    )


def test_there_are_only_so_many_plans() -> None:
    assert isinstance(check_entry(ENTRY, replace(CALM, open_plans=9), LIMITS), Approved)
    assert check_entry(ENTRY, replace(CALM, open_plans=10), LIMITS) == Refused(
        code="RISK_002",
        cause="Too many plans are open: limit 10, is 10.",
        figures={"limit": "10", "value": "10"},
    )


def test_a_full_exposure_refuses_in_the_currency_of_both_figures() -> None:
    assert check_entry(ENTRY, replace(CALM, committed=Decimal("50000.00")), LIMITS) == Refused(
        code="RISK_002",
        cause="The exposure limit is reached: limit 50000.00, is 50000.00.",
        figures={"limit": "50000.00", "value": "50000.00"},
    )


@pytest.mark.parametrize(
    ("exposure", "limits", "left"),
    [
        (replace(CALM, buying_power=Decimal("99.99")), LIMITS, "99.99"),
        (replace(CALM, buying_power=Decimal("-5.00")), LIMITS, "-5.00"),
        (replace(CALM, committed=Decimal("49950.00")), LIMITS, "50.00"),
        (replace(CALM, equity=Decimal("1999.00")), LIMITS, "99.95"),
        (replace(CALM, equity=Decimal("5000.00")), replace(LIMITS, risk_per_trade_pct=0.01), "50.00"),
    ],
)
def test_less_than_one_unit_is_refused_with_what_is_left_and_what_one_costs(
    exposure: Exposure, limits: RiskLimits, left: str
) -> None:
    assert check_entry(ENTRY, exposure, limits) == Refused(
        code="RISK_001",
        cause=f"The limits leave less than one unit costs: limit {left}, is 100.00.",
        figures={"limit": left, "value": "100.00"},
    )


MONEY = st.decimals(-10_000, 200_000, places=2)


@given(
    st.builds(
        Exposure,
        equity=MONEY,
        buying_power=MONEY,
        committed=st.decimals(0, 200_000, places=2),
        open_plans=st.integers(0, 12),
        daily_pnl=st.decimals(-3_000, 3_000, places=2),
        venue_time=st.integers(0, 300).map(lambda seconds: NOON + timedelta(seconds=seconds)),
        bar_known_at=st.just(NOON),
    ),
    st.tuples(st.integers(2, 90_000), st.integers(1, 89_999)),
    st.sampled_from(["ACME", "BTC/USD"]),
    st.floats(1, 10),
    st.floats(0.01, 5),
)
def test_what_is_let_through_keeps_every_limit(
    exposure: Exposure, entry_and_risk: tuple[int, int], symbol: str, position_pct: float, risk_pct: float
) -> None:
    limits = RiskLimits(max_position_size_pct=position_pct, risk_per_trade_pct=risk_pct)
    entry, risk = entry_and_risk
    price = Decimal(entry) / 100
    stop = max(price - Decimal(risk) / 100, Decimal("0.01"))
    proposal = sample_proposal(symbol=symbol, entry_price=price, stop_price=stop, target_price=None)

    verdict = check_entry(proposal, exposure, limits)

    if isinstance(verdict, Approved):
        dust = Decimal("1e-15")
        cost = verdict.quantity * price
        assert instrument(symbol).allows(verdict.quantity)
        assert cost <= exposure.equity * Decimal(str(position_pct)) / 100 + dust
        assert cost + exposure.committed <= exposure.equity / 2 + dust
        assert cost <= exposure.buying_power + dust
        assert verdict.quantity * (price - stop) <= exposure.equity * Decimal(str(risk_pct)) / 100 + dust
        assert exposure.daily_pnl > -2_000
        assert exposure.open_plans < 10
    else:
        assert verdict.code in {"RISK_001", "RISK_002", "RISK_003", "RISK_004"}
        assert len(verdict.cause.encode()) <= 160


@given(st.integers(1, 100_000), st.integers(1, 100_000))
def test_more_buying_power_never_buys_less(one: int, other: int) -> None:
    def bought(power: int) -> Decimal:
        verdict = check_entry(ENTRY, replace(CALM, buying_power=Decimal(power)), LIMITS)
        return verdict.quantity if isinstance(verdict, Approved) else Decimal(0)

    less, more = sorted((one, other))
    assert bought(less) <= bought(more)
