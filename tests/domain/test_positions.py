from dataclasses import dataclass
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.samples import NOON
from trading_bot.domain.instruments import instrument
from trading_bot.domain.money import ZERO, rounded
from trading_bot.domain.positions import Lot, Position, bought, sold, traded

CENT = Decimal("0.01")
LOTS = (
    Lot(quantity=Decimal(100), cost=Decimal("1000.00")),
    Lot(quantity=Decimal(50), cost=Decimal("600.00")),
)


def position(lots: tuple[Lot, ...], price: str, symbol: str = "ACME") -> Position:
    return Position(symbol=symbol, lots=lots, current_price=Decimal(price), last_updated=NOON)


def test_a_buying_fill_adds_the_youngest_lot() -> None:
    assert bought(LOTS[:1], quantity=Decimal(50), value=Decimal("600.00")) == LOTS


def test_a_sale_takes_the_oldest_lots_first() -> None:
    lots, realized = sold(LOTS, quantity=Decimal(120), value=Decimal("1500.00"), cash_step=CENT)

    assert lots == (Lot(quantity=Decimal(30), cost=Decimal("360.00")),)
    assert realized == Decimal("260.00")  # 1500 - (1000 + 240)


def test_a_sale_of_everything_leaves_no_lots() -> None:
    assert sold(LOTS, quantity=Decimal(150), value=Decimal("1500.00"), cash_step=CENT) == ((), Decimal("-100.00"))


def test_a_lot_sold_in_thirds_costs_what_it_cost() -> None:
    lots: tuple[Lot, ...] = (Lot(quantity=Decimal(3), cost=Decimal("10.00")),)
    costs = []
    for _ in range(3):
        lots, realized = sold(lots, quantity=Decimal(1), value=Decimal("0.00"), cash_step=CENT)
        costs.append(-realized)

    assert costs == [Decimal("3.33"), Decimal("3.34"), Decimal("3.33")]
    assert lots == ()


def test_coins_are_split_to_the_step_of_their_cash() -> None:
    lots = (Lot(quantity=Decimal("0.3"), cost=Decimal("0.00000010")),)

    kept, realized = sold(lots, quantity=Decimal("0.1"), value=ZERO, cash_step=Decimal("0.00000001"))

    assert kept == (Lot(quantity=Decimal("0.2"), cost=Decimal("0.00000007")),)
    assert realized == Decimal("-0.00000003")


def test_more_than_is_held_can_not_be_sold() -> None:
    with pytest.raises(ValueError, match="Expected to hold at least 151, 1 more was sold than is held"):
        sold(LOTS, quantity=Decimal(151), value=Decimal("1.00"), cash_step=CENT)


def test_a_position_shows_what_its_lots_are_worth() -> None:
    held = position(LOTS, "11.00")

    assert held.quantity == 150
    assert held.cost == Decimal("1600.00")
    assert held.entry_price == Decimal("10.66666667")
    assert held.market_value == Decimal("1650.00")
    assert held.unrealized_pl == Decimal("50.00")
    assert str(held.unrealized_pl_pct) == "3.12"  # 3.125, half to even


def test_an_entry_price_has_no_exponent_and_no_idle_zeros() -> None:
    assert str(position((Lot(quantity=Decimal(10), cost=Decimal("1000.00")),), "1").entry_price) == "100"
    assert str(position((Lot(quantity=Decimal(4), cost=Decimal("10.00")),), "1").entry_price) == "2.5"


def test_a_worth_is_rounded_to_the_cash_of_its_instrument() -> None:
    thin = (Lot(quantity=Decimal("0.5"), cost=Decimal("1.00")),)

    assert str(position(thin, "10.005").market_value) == "5.00"
    assert str(position(thin, "10.005", "BTC/USD").market_value) == "5.00250000"


def test_what_is_sold_and_not_held_earns_nothing_until_it_is_bought_back() -> None:
    over, nothing = traded((), quantity=Decimal(5), value=Decimal("50.00"), is_sale=True, cash_step=CENT)
    part, first = traded(over, quantity=Decimal(2), value=Decimal("18.00"), is_sale=False, cash_step=CENT)
    held, second = traded(part, quantity=Decimal(4), value=Decimal("44.00"), is_sale=False, cash_step=CENT)

    assert (over, nothing) == ((Lot(quantity=Decimal(-5), cost=Decimal("-50.00")),), 0)
    assert (part, first) == ((Lot(quantity=Decimal(-3), cost=Decimal("-30.00")),), Decimal("2.00"))
    assert (held, second) == ((Lot(quantity=Decimal(1), cost=Decimal("11.00")),), Decimal("-3.00"))
    assert traded(held, quantity=Decimal(1), value=Decimal("9.00"), is_sale=False, cash_step=CENT)[1] is None


# ---- nothing is lost, whatever is traded ----


@dataclass(frozen=True, kw_only=True)
class Deal:
    """A purchase, or the sale of a share of what is held."""

    buys: bool
    size: int
    price: Decimal
    fee: Decimal


DEALS = st.lists(
    st.builds(
        Deal,
        buys=st.booleans(),
        size=st.integers(1, 10_000),
        price=st.decimals("0.01", 5000, places=8),
        fee=st.decimals(0, 5, places=2),
    ),
    max_size=30,
)


@given(DEALS, st.sampled_from(["ACME", "BTC/USD"]), st.decimals("0.01", 5000, places=8))
def test_cash_and_positions_are_start_and_results_less_fees_to_the_last_digit(
    deals: list[Deal], symbol: str, last: Decimal
) -> None:
    known = instrument(symbol)
    start = cash = Decimal("100000.00")
    lots: tuple[Lot, ...] = ()
    realized = fees = ZERO
    for deal in deals:
        held = sum((lot.quantity for lot in lots), ZERO)
        quantity = known.quantity(Decimal(deal.size) if deal.buys else held * deal.size / 10_000)
        value = rounded(quantity * deal.price, known.cash_step)
        if quantity == 0:
            continue
        fees += deal.fee
        cash -= deal.fee
        if deal.buys:
            lots = bought(lots, quantity=quantity, value=value)
            cash -= value
        else:
            lots, result = sold(lots, quantity=quantity, value=value, cash_step=known.cash_step)
            realized += result
            cash += value
    held_at_last = position(lots, str(last), symbol)

    assert cash + held_at_last.cost == start + realized - fees
    assert cash + held_at_last.market_value == start + realized + held_at_last.unrealized_pl - fees
    assert all(lot.quantity > 0 and lot.cost >= 0 for lot in lots)


@given(st.lists(st.integers(1, 500), min_size=1, max_size=8), st.integers(1, 4000), st.decimals("0.01", 900, places=2))
def test_selling_at_once_or_share_by_share_realises_the_same(sizes: list[int], count: int, price: Decimal) -> None:
    """The cost of a lot is split with rounding, but what is left keeps the remainder: the parts add up once a lot is gone."""
    lots: tuple[Lot, ...] = ()
    for index, size in enumerate(sizes):
        lots = bought(lots, quantity=Decimal(size), value=rounded(size * (price + index), CENT))
    whole = sum(sizes)
    first = min(count, whole)

    at_once = sold(lots, quantity=Decimal(whole), value=ZERO, cash_step=CENT)
    kept, one = sold(lots, quantity=Decimal(first), value=ZERO, cash_step=CENT)
    rest, other = sold(kept, quantity=Decimal(whole - first), value=ZERO, cash_step=CENT) if kept else (kept, ZERO)

    assert rest == at_once[0] == ()
    assert one + other == at_once[1]


@given(DEALS, st.sampled_from(["ACME", "BTC/USD"]))
def test_cash_and_cost_are_start_and_results_also_where_more_is_sold_than_held(deals: list[Deal], symbol: str) -> None:
    step = instrument(symbol).cash_step
    cash = realized = quantity = ZERO
    lots: tuple[Lot, ...] = ()
    for deal in deals:
        sign = 1 if deal.buys else -1
        value = rounded(deal.size * deal.price, step)
        lots, result = traded(lots, quantity=Decimal(deal.size), value=value, is_sale=not deal.buys, cash_step=step)
        cash -= sign * value
        quantity += sign * deal.size
        realized += result or ZERO

    assert cash + sum((lot.cost for lot in lots), ZERO) == realized
    assert sum((lot.quantity for lot in lots), ZERO) == quantity
    assert all((lot.quantity > 0) == (quantity > 0) for lot in lots)
