"""More sold than held, by the venue's word: the books stay the sum of our fills, earn nothing by it, and an operator settles it."""

from decimal import Decimal
from pathlib import Path

import pytest

from tests.fakes.scripted import bar, proposal
from tests.fakes.scripted_bot import ScriptedBot, scripted_bot
from trading_bot.domain.commands import CommandKind, CommandStatus
from trading_bot.domain.orders import ClientOrderId, Leg, Side, plan_id_from
from trading_bot.domain.sessions import daily_pnl
from trading_bot.venues.venue import VenueFill, VenuePosition

pytestmark = pytest.mark.anyio

CALM = [bar(index, "100") for index in range(40)]


def result(bot: ScriptedBot) -> tuple[Decimal, Decimal]:
    """What the session realised, and what it earned in all."""
    session = bot.books.session
    assert session is not None
    return session.gross_pnl, daily_pnl(session, bot.books.positions.values())


def a_sale(bot: ScriptedBot, quantity: str, price: str = "100") -> VenueFill:
    """A sale under our prefix that no plan explains."""
    name = ClientOrderId(prefix="bg", bot="main", plan_id=plan_id_from(b"lost-one"), leg=Leg.EXIT, attempt=0)
    return VenueFill(
        id="x-1",
        order_id="o-9",
        client_order_id=str(name),
        symbol="ACME",
        side=Side.SELL,
        quantity=Decimal(quantity),
        price=Decimal(price),
        fee=Decimal(0),
        liquidity=None,
        timestamp=bot.now,
    )


async def test_a_sale_of_what_is_not_held_earns_nothing_and_suspends_until_it_is_adopted(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar(3)
        sale = a_sale(bot, "5")
        bot.venue.tampering["fills_since"] = lambda seen: (*seen, sale)
        await bot.bar(3)

        assert (bot.held(), result(bot)) == (-5, (0, 0))
        assert bot.books.positions["ACME"].cost == -500
        assert [error.context["difference"] for error in bot.errors("ORD_007")] == ["5"]
        assert bot.books.suspended("ACME") is not None

        ignored = bot.command(CommandKind.RECONCILE, action="ignore", symbol="ACME")
        await bot.bar()
        assert bot.told(ignored).status is CommandStatus.FAILED
        adopted = bot.command(CommandKind.RECONCILE, action="adopt", symbol="ACME")
        await bot.bar(2)
        assert bot.told(adopted).status is CommandStatus.DONE
        assert (bot.held(), bot.books.plans, bot.books.suspensions, result(bot)) == (0, {}, {}, (0, 0))


async def test_only_the_part_that_was_held_is_realised(home: Path) -> None:
    market = [*CALM[:6], *(bar(index, "101") for index in range(6, 40))]
    async with scripted_bot(home, market) as bot:
        await bot.bar()
        await bot.enter(proposal(target=None), "10")
        await bot.bar(7)
        sale = a_sale(bot, "15", "101")
        bot.venue.tampering |= {"fills_since": lambda seen: (*seen, sale), "positions": lambda _: ()}
        await bot.bar(3)

        assert (bot.held(), bot.books.positions["ACME"].cost, result(bot)) == (-5, -505, (10, 10))


async def test_a_venue_that_is_short_as_well_agrees_and_is_suspended_all_the_same(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar(3)
        sale = a_sale(bot, "5")
        short = (VenuePosition(symbol="ACME", quantity=Decimal(-5)),)
        bot.venue.tampering |= {"fills_since": lambda seen: (*seen, sale), "positions": lambda _: short}
        await bot.bar(3)
        assert (bot.held(), len(bot.errors("ORD_007"))) == (-5, 1)
        assert bot.books.suspended("ACME") is not None

        adopted = bot.command(CommandKind.RECONCILE, action="adopt", symbol="ACME")
        await bot.bar()
        error = bot.told(adopted).error
        assert error is not None
        assert (error.error_code, bot.held()) == ("BOT_003", -5)


async def test_a_lost_exit_that_arrives_after_the_next_one_is_no_profit(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        plan = await bot.enter(proposal(), "10")
        await bot.bar(2)
        await bot.trade_by_hand(Side.BUY, "10")
        await bot.bar(3)
        bot.command(CommandKind.RECONCILE, action="ignore", symbol="ACME")
        await bot.bar()
        bot.venue.unsent.add("place")
        bot.command(CommandKind.CLOSE_POSITIONS, symbols=["ACME"])
        await bot.bar(4)
        bot.venue.unsent.clear()
        await bot.bar(3)
        assert (bot.held(), bot.books.suspended("ACME")) == (0, None)
        await bot.venue.deliver()
        await bot.bar(4)

        assert [order.filled for order in bot.orders(plan, Leg.EXIT)].count(Decimal(10)) == 2
        assert (bot.held(), await bot.at_venue(), result(bot)) == (-10, 0, (0, 0))
        assert (
            bot.books.suspended("ACME") is not None
        )  # the difference is the ignored one, but what was foreign was sold
        adopted = bot.command(CommandKind.RECONCILE, action="adopt", symbol="ACME")
        await bot.bar(2)
        assert bot.told(adopted).status is CommandStatus.DONE
        assert (bot.held(), bot.books.plans, bot.books.suspensions, result(bot)) == (0, {}, {}, (0, 0))
