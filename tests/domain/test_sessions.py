from datetime import date
from decimal import Decimal
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from tests.domain.samples import NOON, sample_session
from trading_bot.domain.positions import Lot, Position
from trading_bot.domain.sessions import daily_pnl, equity, session_id


def test_the_id_of_a_session_is_the_same_for_ever() -> None:
    assert session_id("main", date(2025, 1, 6)) == "d2e33d8a-b4e3-5000-ae22-9456939af332"


@given(st.dates(), st.dates(), st.sampled_from(["main", "b"]), st.sampled_from(["main", "b"]))
def test_each_bot_has_one_session_a_day(one: date, other: date, bot: str, another: str) -> None:
    first, second = session_id(bot, one), session_id(another, other)

    assert (first == second) == ((one, bot) == (other, another))
    assert UUID(first).version == 5
    assert session_id(bot, one) == first


SESSION = sample_session(
    starting_balance=Decimal("90000.00"),
    start_of_day_equity=Decimal("100500.00"),
    gross_pnl=Decimal("12.50"),
    total_fees=Decimal("3.00"),
    total_llm_cost=Decimal("0.75"),
    total_trades=2,
)


def test_what_a_session_earned_is_after_fees_and_models() -> None:
    assert SESSION.net_pnl == Decimal("8.75")


def test_capital_is_what_the_start_had_plus_realised_minus_fees() -> None:
    assert SESSION.capital == Decimal("100009.50")


def test_equity_is_capital_plus_what_is_not_realised_yet() -> None:
    held = Position(
        symbol="ACME",
        lots=(Lot(quantity=Decimal(100), cost=Decimal("10000.00")),),
        current_price=Decimal("100.25"),
        last_updated=NOON,
    )

    assert equity(SESSION, [held]) == Decimal("100034.50")
    assert equity(SESSION, []) == SESSION.capital
    assert daily_pnl(SESSION, [held]) == Decimal("-465.50")
