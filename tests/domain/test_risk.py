from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.samples import NOON, sample_proposal
from trading_bot.domain.instruments import instrument
from trading_bot.domain.limits import RiskLimits
from trading_bot.domain.risk import (
    EVENT_TYPES,
    Approved,
    Exposure,
    Refused,
    check_any_entry,
    check_entry,
    check_exit,
)
from trading_bot.errors.catalogue import entry

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
    last_price=Decimal("100.00"),
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

    assert check_entry(cheap, replace(CALM, last_price=Decimal("0.10")), LIMITS) == Approved(quantity=Decimal(10_000))


def test_coins_are_bought_in_fractions() -> None:
    coins = sample_proposal(symbol="BTC/USD", entry_price=Decimal(7_000), stop_price=Decimal(6_900), target_price=None)

    calm = replace(CALM, last_price=Decimal("6990.00"))
    assert check_entry(coins, calm, LIMITS) == Approved(quantity=Decimal("0.71428571"))


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


def test_a_symbol_that_is_not_settled_is_not_entered() -> None:
    reason = "the venue holds 120, the books 100"

    assert check_entry(ENTRY, replace(CALM, suspended=reason), LIMITS) == Refused(
        code="RISK_009",
        cause="The symbol takes no entries until its position is settled with the venue.",
        figures={"reason": reason},
    )


def test_a_tripped_breaker_refuses_whatever_the_figures_are() -> None:
    assert check_entry(ENTRY, replace(CALM, breaker="The daily loss limit is reached."), LIMITS) == Refused(
        code="RISK_010",
        cause="The circuit breaker is tripped.",
        figures={"reason": "The daily loss limit is reached."},
    )


def test_nothing_is_entered_after_too_many_losses_in_a_row() -> None:
    assert isinstance(check_entry(ENTRY, replace(CALM, consecutive_losses=19), LIMITS), Approved)
    assert check_entry(ENTRY, replace(CALM, consecutive_losses=20), LIMITS) == Refused(
        code="RISK_005",
        cause="Too many trades in a row lost: limit 20, is 20.",
        figures={"limit": "20", "value": "20"},
    )


def test_a_small_account_enters_only_what_it_may_sell_again_today() -> None:
    small = replace(CALM, equity=Decimal("24999.99"), day_trades=2)

    assert isinstance(check_entry(ENTRY, small, LIMITS), Approved)
    assert check_entry(ENTRY, replace(small, day_trades_pending=1), LIMITS) == Refused(
        code="RISK_006",
        cause="The entry might need a day trade too many: limit 3, is 3.",
        figures={"limit": "3", "value": "3"},
    )
    assert isinstance(check_entry(ENTRY, replace(CALM, equity=Decimal("25000.00"), day_trades=9), LIMITS), Approved)


def test_day_trades_are_no_matter_of_coins() -> None:
    coins = sample_proposal(symbol="BTC/USD", entry_price=Decimal(100), stop_price=Decimal(99), target_price=None)

    assert isinstance(
        check_entry(coins, replace(CALM, equity=Decimal("5000.00"), day_trades=3), LIMITS),
        Approved,
    )


def test_only_so_many_orders_leave_within_a_minute() -> None:
    assert isinstance(check_entry(ENTRY, replace(CALM, orders_last_minute=29), LIMITS), Approved)
    assert check_entry(ENTRY, replace(CALM, orders_last_minute=30), LIMITS) == Refused(
        code="RISK_007",
        cause="Too many orders left within a minute: limit 30, is 30.",
        figures={"limit": "30", "value": "30"},
    )


@pytest.mark.parametrize(("last_price", "distance"), [("95.23", "5.01"), ("105.27", "5.01"), ("1.00", "9900.00")])
def test_a_price_far_from_the_last_one_is_refused_on_either_side(last_price: str, distance: str) -> None:
    assert check_entry(ENTRY, replace(CALM, last_price=Decimal(last_price)), LIMITS) == Refused(
        code="RISK_008",
        cause=f"The entry price is {distance} % from the last price; 5.0 % are allowed.",
        figures={"limit": "5.0", "value": distance, "last_price": last_price},
    )


def test_a_price_at_the_edge_of_the_collar_passes() -> None:
    limits = replace(LIMITS, price_collar_pct=25.0)
    verdicts = [
        check_entry(ENTRY, replace(CALM, last_price=Decimal(last)), limits)
        for last in ("80.00", "79.99", "133.33", "133.34")
    ]

    assert [isinstance(verdict, Approved) for verdict in verdicts] == [True, False, True, False]


@pytest.mark.parametrize("price", ["Infinity", "1e40", "99999999999999999999999999999"])
def test_a_price_that_can_not_be_is_refused_and_not_calculated_with(price: str) -> None:
    mad = sample_proposal(entry_price=Decimal(price), stop_price=Decimal("99.00"), target_price=None)

    verdict = check_entry(mad, CALM, LIMITS)

    assert isinstance(verdict, Refused)
    assert verdict.code == "RISK_008"


def test_a_price_between_two_steps_is_refused() -> None:
    between = sample_proposal(entry_price=Decimal("100.005"), stop_price=Decimal("99.00"))

    assert check_entry(between, CALM, LIMITS) == Refused(
        code="RISK_008",
        cause="The entry price 100.005 is not a multiple of the price step 0.01.",
        figures={"limit": "0.01", "value": "100.005"},
    )


def test_every_refusal_has_a_name_for_its_event_and_an_entry_in_the_catalogue() -> None:
    assert [code for code in EVENT_TYPES if entry(code).error_type != "RiskError"] == []
    assert len(set(EVENT_TYPES.values())) == len(EVENT_TYPES)


QUANTITY = st.decimals("0.00000001", 1_000_000, places=8)


@given(QUANTITY, QUANTITY)
def test_an_exit_up_to_what_is_held_always_passes_and_one_beyond_it_never_does(one: Decimal, other: Decimal) -> None:
    less, more = sorted((one, other))

    assert check_exit(less, more) == Approved(quantity=less)
    if less < more:
        assert check_exit(more, less) == Refused(
            code="RISK_012",
            cause=f"An exit may sell what is held: {less:f} is held, {more:f} was asked for.",
            figures={"limit": f"{less:f}", "value": f"{more:f}"},
        )


MONEY = st.decimals(-10_000, 200_000, places=2)
EXPOSURES = st.builds(
    Exposure,
    equity=MONEY,
    buying_power=MONEY,
    committed=st.decimals(0, 200_000, places=2),
    open_plans=st.integers(0, 12),
    daily_pnl=st.decimals(-3_000, 3_000, places=2),
    venue_time=st.integers(0, 300).map(lambda seconds: NOON + timedelta(seconds=seconds)),
    bar_known_at=st.just(NOON),
    last_price=st.decimals("0.01", 1000, places=2),
    consecutive_losses=st.integers(0, 25),
    day_trades=st.integers(0, 4),
    day_trades_pending=st.integers(0, 3),
    orders_last_minute=st.integers(0, 40),
    suspended=st.sampled_from([None, None, None, "differs"]),
    breaker=st.sampled_from([None, None, None, "tripped"]),
)


@given(
    exposure=EXPOSURES,
    entry_and_risk=st.tuples(st.integers(2, 90_000), st.integers(1, 89_999)),
    symbol=st.sampled_from(["ACME", "BTC/USD"]),
    position_pct=st.floats(1, 10),
    risk_pct=st.floats(0.01, 5),
    collar_pct=st.floats(0.1, 50),
)
def test_what_is_let_through_keeps_every_limit(
    *,
    exposure: Exposure,
    entry_and_risk: tuple[int, int],
    symbol: str,
    position_pct: float,
    risk_pct: float,
    collar_pct: float,
) -> None:
    limits = RiskLimits(max_position_size_pct=position_pct, risk_per_trade_pct=risk_pct, price_collar_pct=collar_pct)
    price = Decimal(entry_and_risk[0]) / 100
    stop = max(price - Decimal(entry_and_risk[1]) / 100, Decimal("0.01"))
    proposal = sample_proposal(symbol=symbol, entry_price=price, stop_price=stop, target_price=None)
    exposure = replace(exposure, last_price=price * exposure.last_price / 500)  # often near the price, often not

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
        assert exposure.consecutive_losses < 20
        assert exposure.orders_last_minute < 30
        assert (exposure.suspended, exposure.breaker) == (None, None)
        assert abs(price - exposure.last_price) <= exposure.last_price * Decimal(str(collar_pct)) / 100 + dust
        small = symbol == "ACME" and exposure.equity < 25_000
        assert not small or exposure.day_trades + exposure.day_trades_pending < 3
    else:
        assert verdict.code in EVENT_TYPES
        assert len(verdict.cause.encode()) <= 160
    # What any entry would meet is known without one; the rest is about its prices.
    in_any_case = check_any_entry(symbol, exposure, limits)
    assert isinstance(verdict, Refused) or in_any_case is None
    if isinstance(verdict, Refused) and verdict.code not in ("RISK_001", "RISK_008"):
        assert in_any_case == verdict


@given(st.integers(1, 100_000), st.integers(1, 100_000))
def test_more_buying_power_never_buys_less(one: int, other: int) -> None:
    def bought(power: int) -> Decimal:
        verdict = check_entry(ENTRY, replace(CALM, buying_power=Decimal(power)), LIMITS)
        return verdict.quantity if isinstance(verdict, Approved) else Decimal(0)

    less, more = sorted((one, other))
    assert bought(less) <= bought(more)
