from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tests.domain.samples import sample_fill
from trading_bot.domain.fills import ADOPTED, Fill
from trading_bot.domain.instruments import instrument
from trading_bot.domain.money import ZERO
from trading_bot.domain.orders import Side
from trading_bot.domain.positions import Lot, bought, sold
from trading_bot.domain.tax_lots import Disposal, disposals

START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def fill(number: int, action: Side, quantity: str, value: str, fee: str = "0", *, symbol: str = "ACME") -> Fill:
    amount = Decimal(value)
    return replace(
        sample_fill(),
        id=f"f{number}",
        trade_id=f"t{number}",
        symbol=symbol,
        action=action,
        quantity=Decimal(quantity),
        value=amount,
        price=amount / Decimal(quantity),
        fee=Decimal(fee),
        reason="test",
        timestamp=START + timedelta(days=number),
    )


def buy(number: int, quantity: str, value: str, fee: str = "0") -> Fill:
    return fill(number, Side.BUY, quantity, value, fee)


def sell(number: int, quantity: str, value: str, fee: str = "0") -> Fill:
    return fill(number, Side.SELL, quantity, value, fee)


def shown(found: list[Disposal]) -> list[tuple[str, ...]]:
    return [
        (one.purchase_id or "-", one.sale_id, *(f"{x:f}" for x in (one.quantity, one.proceeds, one.cost, one.fees)))
        for one in found
    ]


def test_a_sale_takes_the_oldest_purchases_first() -> None:
    found = list(disposals([buy(1, "10", "100.00", "1.00"), buy(2, "10", "120.00"), sell(3, "15", "195.00", "1.50")]))

    assert shown(found) == [
        ("f1", "f3", "10", "130.00", "100.00", "2.00"),
        ("f2", "f3", "5", "65.00", "60.00", "0.50"),
    ]
    assert [one.gain for one in found] == [Decimal("28.00"), Decimal("4.50")]
    assert (found[0].acquired_at, found[0].sold_at) == (START + timedelta(days=1), START + timedelta(days=3))
    assert found[0].trade_id == "t3"


def test_what_rounding_leaves_goes_to_the_last_part() -> None:
    found = list(
        disposals([buy(1, "3", "10.00", "0.01"), sell(2, "1", "5.00"), sell(3, "1", "5.00"), sell(4, "1", "5.00")])
    )

    assert [str(one.cost) for one in found] == ["3.33", "3.34", "3.33"]
    assert sum((one.fees for one in found), ZERO) == Decimal("0.01")


def test_symbols_have_lots_of_their_own() -> None:
    fills = [
        buy(1, "1", "10"),
        fill(2, Side.BUY, "1", "20", symbol="BOLT"),
        fill(3, Side.SELL, "1", "25", symbol="BOLT"),
    ]

    assert shown(list(disposals(fills))) == [("f2", "f3", "1", "25", "20", "0")]


def test_a_sale_without_a_purchase_says_so() -> None:
    found = list(disposals([buy(1, "1", "10.00"), sell(2, "3", "30.00", "0.30")]))

    assert shown(found) == [("f1", "f2", "1", "10.00", "10.00", "0.10"), ("-", "f2", "2", "20.00", "0", "0.20")]
    assert found[1].acquired_at is None


def test_a_split_changes_the_quantity_and_neither_cost_nor_date() -> None:
    bonus = replace(buy(3, "15", "15"), price=ZERO, value=ZERO, reason=ADOPTED)
    found = list(disposals([buy(1, "10", "100.00"), buy(2, "5", "60.00"), bonus, sell(4, "30", "180.00")]))

    assert shown(found) == [
        ("f1", "f4", "20", "120.00", "100.00", "0.00"),
        ("f2", "f4", "10", "60.00", "60.00", "0.00"),
    ]


def test_a_reverse_split_takes_from_every_lot() -> None:
    taken = replace(sell(3, "10", "10"), price=ZERO, value=ZERO, reason=ADOPTED)
    found = list(disposals([buy(1, "10", "100.00"), buy(2, "10", "120.00"), taken, sell(4, "10", "250.00")]))

    assert shown(found) == [
        ("f1", "f4", "5", "125.00", "100.00", "0.00"),
        ("f2", "f4", "5", "125.00", "120.00", "0.00"),
    ]


@st.composite
def histories(draw: st.DrawFn) -> list[Fill]:
    """Purchases and sales of one symbol that never sell more than is held."""
    fills: list[Fill] = []
    held = 0
    for number in range(draw(st.integers(1, 25))):
        value = str(Decimal(draw(st.integers(1, 1_000_000))) / 100)
        fee = str(Decimal(draw(st.integers(0, 500))) / 100)
        if held and draw(st.booleans()):
            quantity = draw(st.integers(1, held))
            held -= quantity
            fills.append(sell(number, str(quantity), value, fee))
        else:
            quantity = draw(st.integers(1, 500))
            held += quantity
            fills.append(buy(number, str(quantity), value, fee))
    return fills


@given(histories())
def test_gains_add_up_to_what_the_books_realise(fills: list[Fill]) -> None:
    found = list(disposals(fills))

    lots: tuple[Lot, ...] = ()
    realised = ZERO
    for one in fills:
        if one.action is Side.BUY:
            lots = bought(lots, quantity=one.quantity, value=one.value)
        else:
            step = instrument(one.symbol).cash_step
            lots, gain = sold(lots, quantity=one.quantity, value=one.value, cash_step=step)
            realised += gain
    assert sum((one.proceeds - one.cost for one in found), ZERO) == realised
    assert sum((one.quantity for one in found), ZERO) == sum((f.quantity for f in fills if f.action is Side.SELL), ZERO)
    sale_fees = sum((f.fee for f in fills if f.action is Side.SELL), ZERO)
    assert sale_fees <= sum((one.fees for one in found), ZERO) <= sum((f.fee for f in fills), ZERO)
