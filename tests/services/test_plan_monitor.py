"""Stops and targets: armed again at every start, moved by versions only, and driven until flat."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from tests.fakes.scripted import bar, proposal
from tests.fakes.scripted_bot import scripted_bot
from trading_bot.domain.books import with_plan
from trading_bot.domain.commands import CommandKind, CommandStatus
from trading_bot.domain.health import RunState
from trading_bot.domain.orders import Leg, OrderStatus, OrderType
from trading_bot.domain.plans import PlanStatus
from trading_bot.errors.fault import Fault

pytestmark = pytest.mark.anyio

CALM = [bar(index, "100") for index in range(60)]


async def test_a_stop_is_armed_again_after_a_restart(home: Path) -> None:
    market = [*CALM[:6], bar(6, "100", low="98.5"), *(bar(index, "98.5") for index in range(7, 20))]
    async with scripted_bot(home, market) as bot:
        await bot.bar()
        await bot.enter(proposal())
        await bot.bar(2)
    async with scripted_bot(home, market) as bot:
        await bot.bar(6)
        assert (bot.held(), bot.plan().exit_reason) == (0, "stop: traded at 98.5, stop was 99")


async def test_a_moved_stop_is_a_new_version_that_outlives_the_process(home: Path) -> None:
    market = [*CALM[:6], bar(6, "100", low="99.4"), *(bar(index, "99.4") for index in range(7, 20))]
    async with scripted_bot(home, market) as bot:
        await bot.bar()
        plan = await bot.enter(proposal())
        await bot.bar(2)
        moved = bot.bot.loop._monitor.move(plan.id, stop=Decimal("99.50"), target=Decimal(103), reason="tighter")
        assert (moved.stop_price, moved.target_price, moved.version) == (Decimal("99.50"), 103, 2)
    async with scripted_bot(home, market) as bot:
        assert (bot.plan().stop_price, bot.plan().version) == (Decimal("99.50"), 2)
        await bot.bar(6)
        assert (bot.held(), bot.plan().exit_reason) == (0, "stop: traded at 99.4, stop was 99.50")


async def test_a_stop_is_only_ever_tightened_unless_an_operator_says_otherwise(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        plan = await bot.enter(proposal())
        await bot.bar()
        monitor = bot.bot.loop._monitor

        for stop, target in (("98", None), ("102", None), ("99.5", "99.5")):
            with pytest.raises(Fault, match="ORD_010"):
                monitor.move(plan.id, stop=Decimal(stop), target=Decimal(target) if target else None, reason="no")
        with pytest.raises(Fault, match="QRY_005"):
            monitor.move("nosuchplan", stop=Decimal(99), reason="no")
        assert bot.plan().version == 1

        assert monitor.move(plan.id, stop=Decimal(98), reason="wider", by_operator=True).stop_price == 98
        assert bot.plan().version == 2
        assert monitor.move(plan.id, stop=Decimal(98), reason="the same", by_operator=True).version == 2


async def test_a_gap_through_the_stop_exits_at_the_next_price_and_says_so(home: Path) -> None:
    market = [*CALM[:4], *(bar(index, price) for index, price in ((4, "95"), (5, "94"), (6, "94")))]
    async with scripted_bot(home, market) as bot:
        await bot.bar()
        await bot.enter(proposal())
        await bot.bar(6)

        plan = bot.plan()
        [sale] = bot.orders(plan, Leg.EXIT)
        assert (plan.status, sale.average_price) == (PlanStatus.CLOSED, 94)
        assert plan.exit_reason == "stop: opened at 95, through the stop at 99 (gap); exit at the next price"


async def test_of_the_entry_bar_only_the_close_counts(home: Path) -> None:
    """Entry, stop and target may all lie in one bar: what came before the fill can't end the plan, the close can."""
    market = [*CALM[:2], bar(2, "100", low="98.5", high="103"), *(bar(index, "100") for index in range(3, 9))]
    async with scripted_bot(home, market) as bot:
        await bot.bar()
        await bot.enter(proposal(order_type=OrderType.LIMIT))
        await bot.bar(4)
        assert (bot.held(), bot.plan().exit_reason) == (10, None)


async def test_the_bar_after_the_entry_counts_wholly(home: Path) -> None:
    market = [*CALM[:3], bar(3, "100", low="98.5"), *(bar(index, "100") for index in range(4, 9))]
    async with scripted_bot(home, market) as bot:
        await bot.bar()
        await bot.enter(proposal())
        await bot.bar(4)
        assert (bot.held(), bot.plan().exit_reason) == (0, "stop: traded at 98.5, stop was 99")


async def test_a_stop_is_watched_while_the_entry_is_still_filling(home: Path) -> None:
    market = [
        *CALM[:2],
        *(bar(index, "100", low="98.5" if index == 4 else None, volume="30") for index in range(2, 20)),
    ]
    async with scripted_bot(home, market) as bot:
        await bot.bar(2)
        plan = await bot.enter(proposal(order_type=OrderType.LIMIT, good_for_bars=50), "300")
        await bot.bar(2)
        assert bot.held() == 60
        await bot.bar(12)

        assert bot.plan().exit_reason == "stop: traded at 98.5, stop was 99"
        assert [order.status for order in bot.orders(plan, Leg.ENTRY)] == [OrderStatus.CANCELLED]
        assert (bot.held(), await bot.at_venue(), bot.plan().status) == (0, 0, PlanStatus.CLOSED)
        assert bot.plan().size == 60


async def test_what_a_partial_exit_leaves_is_sold_by_the_next(home: Path) -> None:
    """The close comes while the exit is half filled: a day order expires, and the rest leaves in the next session."""
    evening = [bar(index, "100") for index in range(385)]
    evening += [bar(385, "100", low="98"), *(bar(index, "98", volume="30") for index in range(386, 390))]
    morning = [bar(index, "98") for index in range(1440, 1450)]
    async with scripted_bot(home, [*evening[380:], *morning]) as bot:
        await bot.bar(2)
        plan = await bot.enter(proposal(), "200")
        await bot.bar(8)
        assert bot.held() == 80
        await bot.bar(8)

        assert [(o.quantity, o.filled, o.status) for o in bot.orders(plan, Leg.EXIT)] == [
            (200, 120, OrderStatus.EXPIRED),
            (80, 80, OrderStatus.FILLED),
        ]
        assert (bot.held(), await bot.at_venue(), bot.plan().status) == (0, 0, PlanStatus.CLOSED)


async def test_two_plans_of_one_symbol_are_both_watched(home: Path) -> None:
    """A late fill opens an old plan again while a new one is open: both stops hold."""
    market = [*CALM[:10], bar(10, "100", low="98"), *(bar(index, "100") for index in range(11, 30))]
    async with scripted_bot(home, market) as bot:
        await bot.bar()
        bot.venue.unsent.add("place")
        first = await bot.enter(proposal())
        await bot.bar(3)
        bot.venue.unsent.clear()
        second = await bot.enter(proposal(), "5")
        await bot.venue.deliver()
        await bot.bar()
        assert {plan.id for plan in bot.books.plans_of("ACME")} == {first.id, second.id}
        assert bot.held() == 15
        await bot.bar(10)

        assert (bot.held(), await bot.at_venue(), bot.books.plans) == (0, 0, {})


async def test_closing_by_command_runs_until_the_venue_is_flat(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        await bot.enter(proposal())
        await bot.bar(2)
        close = bot.command(CommandKind.CLOSE_POSITIONS, symbols=["ACME", "BOLT"])
        await bot.bar()
        running = bot.told(close)
        assert (running.status, running.outcome) == (
            CommandStatus.RUNNING,
            {"waitingFor": {"positions": {"ACME": "10"}}},
        )
        await bot.bar(3)

        done = bot.told(close)
        assert (done.status, done.outcome["closed"], done.outcome["held"]) == (  # type: ignore[index]
            CommandStatus.DONE,
            ["ACME", "BOLT"],
            {},
        )
        assert (await bot.at_venue(), bot.plan().exit_reason) == (0, "closed by command: an operator wants it")


async def test_closing_while_the_market_is_closed_waits_and_says_so(home: Path) -> None:
    market = [*(bar(index, "100") for index in range(386, 394)), *(bar(index, "100") for index in range(1440, 1446))]
    async with scripted_bot(home, market) as bot:
        await bot.bar()
        await bot.enter(proposal())
        await bot.bar(3)
        close = bot.command(CommandKind.CLOSE_POSITIONS, symbols=["ACME"])
        await bot.bar(2)
        assert bot.told(close).outcome == {"waitingFor": {"positions": {"ACME": "10"}, "marketClosed": ["ACME"]}}
        await bot.bar(7)
        assert (bot.told(close).status, bot.held()) == (CommandStatus.DONE, 0)


async def test_closing_goes_on_after_a_restart(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        await bot.enter(proposal())
        await bot.bar(2)
        close = bot.command(CommandKind.CLOSE_POSITIONS, symbols=["ACME"])
        await bot.bar()
    async with scripted_bot(home, CALM) as bot:
        await bot.bar(4)
        assert (bot.told(close).status, bot.held()) == (CommandStatus.DONE, 0)


async def test_a_stopped_bot_closes_and_cancels_nothing(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        plan = await bot.enter(proposal(entry="90", stop="89", target=None, order_type=OrderType.LIMIT))
        bot.command(CommandKind.STOP)
        await bot.bar()
        assert bot.bot.loop.run_state is RunState.STOPPED
        [entry] = bot.orders(plan, Leg.ENTRY)
        refused = [
            bot.command(CommandKind.CLOSE_POSITIONS, symbols=["ACME"]),
            bot.command(CommandKind.CANCEL_ORDERS, orderIds=[entry.client_order_id]),
        ]
        await bot.bar()

        assert [bot.told(one).status for one in refused] == [CommandStatus.FAILED] * 2
        assert len(await bot.venue.honest.open_orders()) == 1


async def test_cancelling_an_entry_by_command_verifies_that_it_ended(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        plan = await bot.enter(proposal(entry="90", stop="89", target=None, order_type=OrderType.LIMIT))
        [entry] = bot.orders(plan, Leg.ENTRY)
        bot.venue.unanswered.add("cancel")
        cancel = bot.command(CommandKind.CANCEL_ORDERS, orderIds=[entry.order_id])
        await bot.bar()
        assert bot.told(cancel).outcome == {"waitingFor": {"liveOrders": [entry.client_order_id]}}
        await bot.bar(2)

        done = bot.told(cancel)
        assert (done.status, done.outcome["live"]) == (CommandStatus.DONE, [])  # type: ignore[index]
        assert bot.books.plans == {}


async def test_cancelling_an_exit_by_command_keeps_the_plan_under_its_stop(home: Path) -> None:
    market = [
        *CALM[:4],
        bar(4, "102.5"),
        *(bar(index, "101", volume="0") for index in range(5, 10)),
        bar(10, "101", low="98"),
        *(bar(index, "98") for index in range(11, 20)),
    ]
    async with scripted_bot(home, market) as bot:
        await bot.bar()
        plan = await bot.enter(proposal())
        await bot.bar(4)
        [sale] = bot.orders(plan, Leg.EXIT)
        cancel = bot.command(CommandKind.CANCEL_ORDERS, orderIds=[sale.order_id])
        await bot.bar(2)
        assert bot.told(cancel).status is CommandStatus.DONE
        assert (bot.held(), bot.plan().exit_reason, bot.books.live_orders) == (10, None, ())
        await bot.bar(6)
        assert (bot.held(), bot.plan().exit_reason) == (0, "stop: traded at 98, stop was 99")


async def test_flattening_sells_also_what_waits_for_an_operator_and_says_when_the_market_is_closed(home: Path) -> None:
    market = [*(bar(index, "100") for index in range(384, 394)), *(bar(index, "100") for index in range(1440, 1446))]
    async with scripted_bot(home, market) as bot:
        await bot.bar()
        await bot.enter(proposal())
        await bot.bar(2)
        plan = bot.plan()
        bot.bot.journal.books = with_plan(bot.books, replace(plan, status=PlanStatus.SUSPENDED))
        await bot.bar(3)
        stop = bot.command(CommandKind.STOP, onStop="FLATTEN")
        await bot.bar(2)
        assert bot.bot.loop.run_state is RunState.STOPPING
        assert bot.told(stop).outcome == {"waitingFor": {"positions": {"ACME": "10"}, "marketClosed": ["ACME"]}}
        await bot.bar(6)

        assert (bot.bot.loop.run_state, bot.told(stop).status) == (RunState.STOPPED, CommandStatus.DONE)
        assert (bot.held(), await bot.at_venue()) == (0, 0)


async def test_a_held_symbol_whose_bars_stop_is_reported_once_and_watched_again_when_they_return(home: Path) -> None:
    gone = range(4, 20)
    market = [bar(index, "50", symbol="BOLT") for index in range(40)]
    market += [bar(index, "100") for index in range(40) if index not in gone]
    market[-18] = bar(22, "97")
    async with scripted_bot(home, sorted(market, key=lambda one: (one.timestamp, one.symbol))) as bot:
        await bot.bar()
        await bot.enter(proposal())
        await bot.bar(15)
        [error] = bot.errors("DATA_003")
        assert (error.context["symbol"], bot.held()) == ("ACME", 10)
        assert error.cause == "ACME is held and has had no bar for 240 s although its market is open."
        await bot.bar(12)

        assert len(bot.errors("DATA_003")) == 1
        assert bot.held() == 0
