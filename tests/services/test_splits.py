"""Splits: quantity and price jump by one ratio, which costs nothing; a price that falls alone is none."""

from decimal import Decimal
from pathlib import Path

import pytest

from tests.fakes.scripted import bar, proposal
from tests.fakes.scripted_bot import holding, scripted_bot
from trading_bot.domain.commands import CommandKind
from trading_bot.domain.health import RunState
from trading_bot.domain.orders import Leg
from trading_bot.domain.plans import PlanStatus
from trading_bot.venues.venue import VenuePosition

pytestmark = pytest.mark.anyio

CALM = [bar(index, "100") for index in range(40)]


async def test_a_split_suspends_the_plan_and_costs_nothing(home: Path) -> None:
    market = [*CALM[:6], *(bar(index, "50", low="49.9") for index in range(6, 20))]
    async with scripted_bot(home, market) as bot:
        await holding(bot)
        await bot.bar(3)
        bot.venue.tampering["positions"] = lambda _: (VenuePosition(symbol="ACME", quantity=Decimal(20)),)
        await bot.bar(2)

        [error] = bot.errors("ORD_008")
        assert (error.context["ours"], error.context["theirs"]) == ("10", "20")
        plan = bot.plan()
        assert (plan.status, plan.exit_reason, bot.orders(plan, Leg.EXIT)) == (PlanStatus.SUSPENDED, None, [])
        assert bot.books.positions["ACME"].unrealized_pl == 0
        assert bot.bot.loop.run_state is RunState.RUNNING
        assert bot.books.suspended("ACME") is not None

        bot.command(CommandKind.RECONCILE, action="adopt", symbol="ACME")
        await bot.bar()
        plan, position = bot.plan(), bot.books.positions["ACME"]
        assert (plan.status, plan.stop_price, plan.target_price, plan.version) == (
            PlanStatus.OPEN, Decimal("49.50"), Decimal("51.00"), 2,
        )  # fmt: skip
        assert (position.quantity, position.cost, position.unrealized_pl) == (20, 1000, 0)
        assert bot.books.held_for(plan.id) == 20
        assert bot.books.suspensions == {}


async def test_a_reverse_split_keeps_what_was_paid(home: Path) -> None:
    market = [*CALM[:6], *(bar(index, "200") for index in range(6, 20))]
    async with scripted_bot(home, market) as bot:
        await bot.bar()
        await bot.enter(proposal(target=None), "10")
        await bot.bar(4)
        bot.venue.tampering["positions"] = lambda _: (VenuePosition(symbol="ACME", quantity=Decimal(5)),)
        await bot.bar(2)
        bot.command(CommandKind.RECONCILE, action="adopt", symbol="ACME")
        await bot.bar()

        plan, position = bot.plan(), bot.books.positions["ACME"]
        assert (position.quantity, position.cost, plan.stop_price, plan.status) == (5, 1000, 198, PlanStatus.OPEN)
        assert bot.books.session is not None
        assert bot.books.session.gross_pnl == 0


async def test_a_crash_of_the_price_alone_is_no_split(home: Path) -> None:
    market = [*CALM[:6], *(bar(index, "50") for index in range(6, 20))]
    async with scripted_bot(home, market) as bot:
        await holding(bot)
        await bot.bar(8)

        assert (bot.errors("ORD_008"), bot.held(), bot.plan().status) == ([], 0, PlanStatus.CLOSED)
        assert bot.plan().exit_reason == "stop: opened at 50, through the stop at 99 (gap); exit at the next price"
