"""A change of the prefix of client order ids: it waits until nothing is open, and what left under the old one stays ours."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.config.changing import Operator
from tests.fakes.scripted import bar, proposal
from tests.fakes.scripted_bot import ScriptedBot, scripted_bot
from trading_bot.bootstrap import counts_at_rest
from trading_bot.domain.commands import CommandKind, CommandStatus
from trading_bot.domain.config_changes import AdoptionStatus
from trading_bot.domain.orders import ClientOrderId, Leg, OrderRequest, OrderStatus, OrderType, Side, plan_id_from
from trading_bot.domain.plans import PlanStatus
from trading_bot.settings import load_settings

pytestmark = pytest.mark.anyio

CALM = [bar(index, "100") for index in range(60)]


async def renamed(bot: ScriptedBot) -> None:
    """Ask for another prefix, which the next start may take on."""
    Operator(bot.bot.store, bot.clock).apply({"client_order_prefix": "zz"})
    await bot.bar()


def change(bot: ScriptedBot) -> tuple[str, AdoptionStatus]:
    """The prefix in force, and how far the bot has come with the change of it."""
    return bot.bot.config.client_order_prefix, Operator(bot.bot.store, bot.clock).change(2).status


async def counts(bot: ScriptedBot) -> dict[str, object]:
    """What `botgraph reconcile` says."""
    asked = bot.command(CommandKind.RECONCILE)
    await bot.bar()
    told = bot.told(asked)
    assert told.status is CommandStatus.DONE
    assert told.outcome is not None
    return {name: told.outcome[name] for name in ("fills", "orders", "positions", "differs")}


async def lost(bot: ScriptedBot, *, order_type: OrderType, entry: str) -> OrderRequest:
    """An entry whose request got lost on its way, and that was given up here."""
    await bot.bar()
    bot.venue.unsent.add("place")
    plan = await bot.enter(proposal(entry=entry, stop="90", target=None, order_type=order_type, good_for_bars=30))
    await bot.bar(4)
    bot.venue.unsent.clear()
    assert [order.status for order in bot.orders(plan, Leg.ENTRY)] == [OrderStatus.EXPIRED]
    return bot.venue.late[0]


async def test_an_entry_that_rests_keeps_its_prefix_in_force_over_restarts(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        resting = proposal(entry="95", stop="90", target=None, order_type=OrderType.LIMIT, good_for_bars=30)
        await bot.enter(resting)
        await renamed(bot)
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        assert change(bot) == ("bg", AdoptionStatus.PENDING)
        [order] = await bot.venue.honest.open_orders()
        assert order.client_order_id.startswith("bg-main-")
        bot.command(CommandKind.CANCEL_ORDERS, orderIds=[order.client_order_id])
        await bot.bar(2)
        assert await bot.venue.honest.open_orders() == ()
    async with scripted_bot(home, CALM) as bot:
        assert change(bot) == ("zz", AdoptionStatus.ADOPTED)


async def test_fills_of_the_old_prefix_are_ours_when_books_and_venue_are_compared(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        await bot.enter(proposal())
        await bot.bar(2)
        bot.command(CommandKind.CLOSE_POSITIONS, symbols=["ACME"])
        await bot.bar(3)
        assert bot.held() == 0
        await renamed(bot)
    both = {"fills": {"here": 2, "venue": 2, "foreign": 0}, "orders": {"here": 0, "venue": 0, "foreign": 0}}
    at_rest = counts_at_rest(load_settings(home=home)).outcome()
    assert {name: at_rest[name] for name in ("fills", "orders", "differs")} == {**both, "differs": []}
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        assert change(bot) == ("zz", AdoptionStatus.ADOPTED)
        assert await counts(bot) == {**both, "positions": {"here": 0, "venue": 0}, "differs": []}

        plan = await bot.enter(proposal())
        await bot.bar(2)

        assert [order.client_order_id[:8] for order in bot.orders(plan, Leg.ENTRY)] == ["zz-main-"]
        assert (await counts(bot))["fills"] == {"here": 3, "venue": 3, "foreign": 0}


async def test_an_order_of_the_old_prefix_that_comes_late_is_taken_back(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        late = await lost(bot, order_type=OrderType.LIMIT, entry="95")
        await renamed(bot)
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        assert change(bot) == ("zz", AdoptionStatus.ADOPTED)
        await bot.venue.honest.place(late)
        await bot.bar(2)

        assert await bot.venue.honest.open_orders() == ()
        assert [error.context["client_order_id"] for error in bot.errors("ORD_009")] == [late.client_order_id]


async def test_a_late_fill_of_the_old_prefix_is_booked_for_its_plan(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        late = await lost(bot, order_type=OrderType.MARKET, entry="100")
        plan = bot.plan()
        await renamed(bot)
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        assert change(bot) == ("zz", AdoptionStatus.ADOPTED)
        await bot.venue.honest.place(late)
        await bot.bar(3)

        assert (bot.held(), await bot.at_venue(), bot.books.suspensions) == (10, 10, {})
        assert (bot.plan().id, bot.plan().status) == (plan.id, PlanStatus.OPEN)


async def test_orders_of_somebody_else_who_has_the_old_prefix_now_are_left_alone(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        late = await lost(bot, order_type=OrderType.LIMIT, entry="95")
        await renamed(bot)
    theirs = ClientOrderId(prefix="bg", bot="main", plan_id=plan_id_from(b"not-ours"), leg=Leg.ENTRY, attempt=0)
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        await bot.venue.honest.place(replace(late, client_order_id=str(theirs)))
        bought = replace(theirs, attempt=1)
        await bot.trade_by_hand(Side.BUY, "3", name=str(bought))
        await bot.bar(3)

        assert [order.client_order_id for order in await bot.venue.honest.open_orders()] == [str(theirs)]
        assert (bot.held(), bot.books.plans, bot.errors("ORD_009"), bot.errors("ORD_003")) == (0, {}, [], [])
        assert [error.context["theirs"] for error in bot.errors("ORD_007")] == ["3"]
