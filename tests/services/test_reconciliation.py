"""What the venue says and what the books hold, on a hand-written market with other people's trades and lost reports."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import NoReturn

import pytest

from tests.fakes.scripted import bar, proposal
from tests.fakes.scripted_bot import PLAIN, holding, scripted_bot
from trading_bot.domain.commands import CommandKind, CommandStatus
from trading_bot.domain.config import BotConfig
from trading_bot.domain.fills import ADOPTED, UNATTRIBUTED
from trading_bot.domain.health import RunState
from trading_bot.domain.orders import ClientOrderId, Leg, OrderStatus, OrderType, Side, plan_id_from
from trading_bot.domain.plans import PlanStatus
from trading_bot.domain.suspensions import SuspensionStatus
from trading_bot.errors.fault import Fault
from trading_bot.services.reconciliation import cutoff
from trading_bot.store import fills
from trading_bot.venues.venue import VenueFill, VenuePosition

pytestmark = pytest.mark.anyio

CALM = [bar(index, "100") for index in range(40)]
OURS = ClientOrderId(prefix="bg", bot="main", plan_id=plan_id_from(b"lost-one"), leg=Leg.ENTRY, attempt=0)


async def test_orders_and_fills_of_others_are_never_touched(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        resting = await bot.trade_by_hand(Side.BUY, "5", name="somebody-1", limit="50")
        other = ClientOrderId(prefix="zz", bot="main", plan_id=OURS.plan_id, leg=Leg.ENTRY, attempt=0)
        await bot.trade_by_hand(Side.BUY, "3", name=str(other), symbol="ACME")
        await bot.bar(3)
        bot.command(CommandKind.STOP, onStop="CANCEL_ORDERS")
        await bot.bar(2)

        assert bot.bot.loop.run_state is RunState.STOPPED
        assert [order.order_id for order in await bot.venue.honest.open_orders()] == [resting.order_id]
        assert (bot.held(), bot.books.plans, bot.books.orders) == (0, {}, {})
        with bot.bot.store.reading("main") as r:
            assert list(fills.list_all_fills(r)) == []


async def test_more_at_the_venue_than_our_fills_suspends_the_symbol_and_leaves_its_plan_alone(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await holding(bot)
        await bot.trade_by_hand(Side.BUY, "7")
        await bot.bar()

        assert bot.books.suspensions["ACME"].status is SuspensionStatus.DOUBTED  # fills may be late: no error yet
        assert bot.books.suspended("ACME") is not None
        assert bot.errors("ORD_007") == []
        await bot.bar(3)

        [error] = bot.errors("ORD_007")
        assert error.context == {"symbol": "ACME", "ours": "10", "theirs": "17", "difference": "7"}
        assert bot.books.suspensions["ACME"].status is SuspensionStatus.SUSPENDED
        assert bot.plan().status is PlanStatus.OPEN


async def test_a_suspension_outlives_the_process(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        await bot.trade_by_hand(Side.BUY, "7")
        await bot.bar(3)
        before = bot.books.suspensions
    async with scripted_bot(home, CALM) as bot:
        assert bot.books.suspensions == before
        assert bot.books.suspended("ACME") == ("a position that differs: our fills add up to 0 ACME, the venue holds 7")
        await bot.bar(2)
        assert len(bot.errors("ORD_007")) == 1


async def test_a_difference_that_goes_away_lifts_the_suspension(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        await bot.trade_by_hand(Side.BUY, "7", name="in")
        await bot.bar(3)
        await bot.trade_by_hand(Side.SELL, "7", name="out")
        await bot.bar(2)

        assert bot.books.suspensions == {}
        assert bot.books.suspended("ACME") is None


async def test_with_less_at_the_venue_the_exit_sells_what_is_there_and_the_rest_waits_for_an_operator(
    home: Path,
) -> None:
    market = [*CALM[:8], bar(8, "100", low="98"), *(bar(index, "98") for index in range(9, 20))]
    async with scripted_bot(home, market) as bot:
        await holding(bot)
        await bot.trade_by_hand(Side.SELL, "4")
        await bot.bar(3)
        assert bot.plan().status is PlanStatus.OPEN  # six are held and need their stop
        await bot.bar(7)

        plan = bot.plan()
        assert [(order.quantity, order.status) for order in bot.orders(plan, Leg.EXIT)] == [(6, OrderStatus.FILLED)]
        assert (await bot.at_venue(), bot.held(), plan.status) == (0, 4, PlanStatus.SUSPENDED)
        assert [error.context["difference"] for error in bot.errors("ORD_007")] == ["-4"]
        assert bot.errors("ORD_001") == []

        done = bot.command(CommandKind.RECONCILE, action="adopt", symbol="ACME")
        await bot.bar()

        assert bot.told(done).status is CommandStatus.DONE
        assert (bot.held(), bot.plan().status, bot.books.suspensions) == (0, PlanStatus.CLOSED, {})
        assert bot.told(done).outcome["differs"] == []  # type: ignore[index]


async def test_adopting_more_puts_it_under_the_open_plans_stop(home: Path) -> None:
    market = [*CALM[:8], bar(8, "100", low="98"), *(bar(index, "98") for index in range(9, 20))]
    async with scripted_bot(home, market) as bot:
        await holding(bot)
        await bot.trade_by_hand(Side.BUY, "7")
        done = bot.command(CommandKind.RECONCILE, action="adopt", symbol="ACME")
        await bot.bar(3)

        assert bot.told(done).status is CommandStatus.FAILED  # at that moment nothing differed yet
        done = bot.command(CommandKind.RECONCILE, action="adopt", symbol="ACME")
        await bot.bar()
        assert bot.told(done).status is CommandStatus.DONE
        assert (bot.held(), bot.plan().size, bot.books.suspensions) == (17, 17, {})
        with bot.bot.store.reading("main") as r:
            booked = list(fills.list_all_fills(r))
        assert [(fill.quantity, fill.price, fill.reason) for fill in booked] == [
            (10, 100, "a test wants it"),
            (7, 100, ADOPTED),
        ]
        await bot.bar(6)
        assert (bot.held(), await bot.at_venue(), bot.plan().status) == (0, 0, PlanStatus.CLOSED)


async def test_what_is_adopted_without_a_plan_waits_for_a_stop_or_for_its_close(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        await bot.trade_by_hand(Side.BUY, "7")
        await bot.bar(2)
        bot.command(CommandKind.RECONCILE, action="adopt", symbol="ACME")
        await bot.bar()

        plan = bot.plan()
        assert (plan.strategy_name, plan.status, plan.size, bot.held()) == (ADOPTED, PlanStatus.SUSPENDED, 7, 7)
        closed = bot.command(CommandKind.CLOSE_POSITIONS, symbols=["ACME"])
        await bot.bar(4)

        assert bot.told(closed).status is CommandStatus.DONE
        assert (bot.held(), await bot.at_venue(), bot.plan().status) == (0, 0, PlanStatus.CLOSED)


async def test_what_is_adopted_with_a_stop_is_watched(home: Path) -> None:
    market = [*CALM[:8], bar(8, "100", low="94"), *(bar(index, "95") for index in range(9, 20))]
    async with scripted_bot(home, market) as bot:
        await bot.bar()
        await bot.trade_by_hand(Side.BUY, "7")
        await bot.bar(2)
        bot.command(CommandKind.RECONCILE, action="adopt", symbol="ACME", stop="95")
        await bot.bar()

        assert (bot.plan().status, bot.plan().stop_price, bot.plan().version) == (PlanStatus.OPEN, 95, 1)
        await bot.bar(8)
        assert (bot.held(), bot.plan().exit_reason) == (0, "stop: traded at 94, stop was 95.00")


@pytest.mark.parametrize("stop", ["100", "150", "0", "-3", "NaN", "high"])
async def test_a_stop_that_could_not_be_watched_adopts_nothing(home: Path, stop: str) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        await bot.trade_by_hand(Side.BUY, "7")
        await bot.bar(2)
        refused = bot.command(CommandKind.RECONCILE, action="adopt", symbol="ACME", stop=stop)
        await bot.bar()

        error = bot.told(refused).error
        assert error is not None
        assert (error.error_code, bot.held(), bot.books.plans) == ("ORD_010", 0, {})


async def test_what_is_ignored_is_foreign_until_it_changes(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        await bot.trade_by_hand(Side.BUY, "7", name="first")
        await bot.bar(2)
        done = bot.command(CommandKind.RECONCILE, action="ignore", symbol="ACME")
        await bot.bar()

        assert bot.told(done).outcome["ignored"] == ["ACME: 0 here, 7 at the venue"]  # type: ignore[index]
        assert bot.books.suspended("ACME") is None
        await holding(bot)
        await bot.bar(3)
        assert (len(bot.errors("ORD_007")), bot.books.suspended("ACME")) == (1, None)

        await bot.trade_by_hand(Side.BUY, "1", name="second")
        await bot.bar(3)
        assert [error.context["difference"] for error in bot.errors("ORD_007")] == ["7", "8"]
        assert bot.books.suspended("ACME") is not None


async def test_a_comparison_counts_both_sides(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await holding(bot)
        await bot.trade_by_hand(Side.BUY, "5", name="theirs", limit="50")
        done = bot.command(CommandKind.RECONCILE)
        await bot.bar()

        command = bot.told(done)
        assert command.status is CommandStatus.DONE
        assert {name: command.outcome[name] for name in ("fills", "orders", "positions", "differs")} == {  # type: ignore[index]
            "fills": {"here": 1, "venue": 1, "foreign": 0},
            "orders": {"here": 0, "venue": 0, "foreign": 1},
            "positions": {"here": 1, "venue": 1},
            "differs": [],
        }


async def test_a_fill_of_ours_that_nothing_explains_gets_a_caretaker_that_can_be_closed(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        await bot.trade_by_hand(Side.BUY, "6", name=str(OURS))
        await bot.bar()

        plan = bot.plan()
        assert (plan.id, plan.status, plan.strategy_name) == (OURS.plan_id, PlanStatus.SUSPENDED, UNATTRIBUTED)
        assert [fill.reason for fill in bot.books.fills[plan.id]] == [UNATTRIBUTED]
        assert [error.context["quantity"] for error in bot.errors("ORD_003")] == ["6"]
        assert bot.books.suspensions == {}
        bot.command(CommandKind.CLOSE_POSITIONS, symbols=["ACME"])
        await bot.bar(3)
        assert (bot.held(), await bot.at_venue()) == (0, 0)


async def test_a_sale_of_ours_that_nothing_explains_is_one_of_the_open_plan(home: Path) -> None:
    exit_id = replace(OURS, leg=Leg.EXIT)
    async with scripted_bot(home, CALM) as bot:
        await holding(bot)
        plan = bot.plan()
        await bot.trade_by_hand(Side.SELL, "10", name=str(exit_id))
        await bot.bar(2)

        assert bot.plan().id == plan.id
        assert (bot.plan().status, bot.held(), len(bot.errors("ORD_003"))) == (PlanStatus.CLOSED, 0, 1)


async def test_fills_that_are_reported_again_and_again_are_booked_once(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        bot.venue.tampering["fills_since"] = lambda seen: (*seen, *reversed(seen), *seen)
        await holding(bot)
        await bot.bar(3)

        assert (bot.held(), len(bot.books.fills[bot.plan().id])) == (10, 1)


async def test_an_order_that_is_filled_before_its_fills_are_reported_stays_live_until_they_are(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        plan = await bot.enter(proposal(), "10")
        bot.venue.tampering["fills_since"] = lambda seen: ()
        await bot.bar(3)
        [entry] = bot.orders(plan, Leg.ENTRY)
        assert (entry.status, bot.held(), bot.plan().status) == (OrderStatus.ACCEPTED, 0, PlanStatus.OPEN)

        del bot.venue.tampering["fills_since"]
        await bot.bar()
        [entry] = bot.orders(plan, Leg.ENTRY)
        assert (entry.status, bot.held(), bot.books.suspensions) == (OrderStatus.FILLED, 10, {})


async def test_an_execution_that_no_trade_can_hold_halts_the_bot_and_holds_up_no_other(home: Path) -> None:
    """10,000 are the most that an order and a trade may have; the venue reports 100 more of it, and then that all was sold at the stop."""

    def one_more(seen: tuple[VenueFill, ...]) -> tuple[VenueFill, ...]:
        return (*seen[:1], *(replace(fill, id="one-more", quantity=Decimal(100)) for fill in seen[:1]), *seen[1:])

    market = [*(bar(index, "5") for index in range(5)), bar(5, "5", low="4.80"), *(bar(n, "5") for n in range(6, 20))]
    async with scripted_bot(home, market) as bot:
        bot.venue.tampering["fills_since"] = one_more
        await bot.bar()
        plan = await bot.enter(proposal(entry="5", stop="4.90", target=None), "10000")
        await bot.bar(3)
        assert (bot.held(), bot.bot.loop.run_state) == (10_000, RunState.HALTED)
        await bot.bar(4)

        assert (bot.held(), await bot.at_venue(), bot.plan().status) == (0, 0, PlanStatus.CLOSED)
        assert [order.status for order in bot.orders(plan, Leg.EXIT)] == [OrderStatus.FILLED]
        [told] = bot.errors("DATA_005")
        assert told.cause.startswith("The venue reports an execution that can't be booked.")
        assert told.context["fill_id"] == "one-more"


async def test_fills_are_read_from_before_the_oldest_open_order_however_late_they_are_reported(home: Path) -> None:
    """The cut-off is a minute; counted from now it would pass over a fill of a quarter of an hour ago."""
    config = BotConfig(strategies=(), venue=PLAIN, trade_sync_cutoff_minutes=1)
    async with scripted_bot(home, CALM, config=config) as bot:
        await bot.bar()
        plan = await bot.enter(proposal(), "10")
        bot.venue.tampering["fills_since"] = lambda seen: ()
        await bot.bar(15)
        assert bot.held() == 0
        bot.venue.tampering.clear()
        await bot.bar()

        [entry] = bot.orders(plan, Leg.ENTRY)
        assert (entry.status, bot.held()) == (OrderStatus.FILLED, 10)


async def test_fills_are_read_from_before_the_last_sync_however_long_ago_that_was(home: Path) -> None:
    """An order that nobody here knows is filled while the venue can't be read: no open order says from when on to ask."""

    def down(reply: object) -> NoReturn:
        raise Fault("DATA_004", "The venue is down.")

    config = BotConfig(strategies=(), venue=PLAIN, trade_sync_cutoff_minutes=1)
    async with scripted_bot(home, CALM, config=config) as bot:
        await bot.bar()
        bot.venue.tampering["fills_since"] = down
        await bot.trade_by_hand(Side.BUY, "5", name=str(OURS))
        await bot.bar(15)
        assert (bot.held(), bot.books.live_orders) == (0, ())
        bot.venue.tampering.clear()
        await bot.bar()

        assert (bot.held(), bot.bot.loop._progress.last_sync_at) == (5, bot.now)
        assert cutoff(config, bot.now, ()) == bot.now - timedelta(minutes=1)


async def test_an_exit_that_ended_with_fills_still_owed_is_not_sent_again(home: Path) -> None:
    """A venue that says EXPIRED, 10 filled, before it reports the fills must not be sold to twice."""

    def expired(order: object) -> object:
        return replace(order, status=OrderStatus.EXPIRED) if order is not None else None  # type: ignore[type-var]

    market = [*CALM[:5], bar(5, "100", low="98"), *(bar(index, "98") for index in range(6, 20))]
    async with scripted_bot(home, market) as bot:
        await holding(bot)
        await bot.bar(3)
        late = (VenuePosition(symbol="ACME", quantity=Decimal(10)),)
        bot.venue.tampering |= {"fills_since": lambda seen: seen[:1], "order": expired, "positions": lambda _: late}
        await bot.bar(4)

        assert len(bot.orders(bot.plan(), Leg.EXIT)) == 1
        bot.venue.tampering.clear()
        await bot.bar(2)
        assert (bot.held(), await bot.at_venue(), bot.plan().status) == (0, 0, PlanStatus.CLOSED)
        assert len(bot.orders(bot.plan(), Leg.EXIT)) == 1


async def test_fills_of_the_last_bar_are_booked_although_the_feed_has_ended(home: Path) -> None:
    async with scripted_bot(home, CALM[:3]) as bot:
        await bot.bar()
        await bot.enter(proposal(), "10")
        failed: list[int] = []

        def fails_twice(seen: object) -> object:
            failed.append(1)
            if len(failed) < 3:
                raise ConnectionError
            return seen

        bot.venue.tampering["open_orders"] = fails_twice
        while bot.bot.loop.run_state is not RunState.STOPPED:
            await bot.bar()

        assert len(failed) == 3
        assert (bot.held(), await bot.at_venue()) == (10, 10)


@pytest.mark.parametrize(
    ("symbol", "quantity", "why"),
    [("ACME", "0.5", "quantity"), ("ACME240119C00100000", "2", "symbol"), ("ACME", "-5", "quantity")],
)
async def test_what_the_bot_could_not_have_traded_is_ignored_but_never_adopted(
    home: Path, symbol: str, quantity: str, why: str
) -> None:
    async with scripted_bot(home, CALM) as bot:
        bot.venue.tampering["positions"] = lambda _: (VenuePosition(symbol=symbol, quantity=Decimal(quantity)),)
        await bot.bar(3)
        refused = bot.command(CommandKind.RECONCILE, action="adopt", symbol=symbol)
        await bot.bar()
        assert bot.told(refused).status is CommandStatus.FAILED
        assert bot.books.positions == {}

        done = bot.command(CommandKind.RECONCILE, action="ignore", symbol=symbol)
        await bot.bar()
        assert bot.told(done).status is CommandStatus.DONE
        assert bot.books.suspended(symbol) is None


async def test_a_stray_entry_that_arrives_late_is_taken_back(home: Path) -> None:
    """Not found twice, so EXPIRED here; then the lost request reaches the venue after all."""
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        bot.venue.unsent.add("place")
        wanted = proposal(entry="90", stop="89", target=None, order_type=OrderType.LIMIT)
        plan = await bot.enter(wanted, "10")
        await bot.bar(3)
        [entry] = bot.orders(plan, Leg.ENTRY)
        assert (entry.status, bot.books.plans) == (OrderStatus.EXPIRED, {})

        bot.venue.unsent.clear()
        await bot.venue.deliver()
        assert len(await bot.venue.honest.open_orders()) == 1
        await bot.bar(2)

        assert await bot.venue.honest.open_orders() == ()
        assert [error.context["client_order_id"] for error in bot.errors("ORD_009")] == [entry.client_order_id]


async def test_a_stray_entry_that_fills_at_once_is_held_under_its_stop(home: Path) -> None:
    market = [*CALM[:8], bar(8, "100", low="98"), *(bar(index, "98") for index in range(9, 20))]
    async with scripted_bot(home, market) as bot:
        await bot.bar()
        bot.venue.unsent.add("place")
        await bot.enter(proposal(), "10")
        await bot.bar(3)
        bot.venue.unsent.clear()
        await bot.venue.deliver()
        await bot.bar()
        assert (bot.held(), bot.plan().status) == (10, PlanStatus.OPEN)
        await bot.bar(6)
        assert (bot.held(), await bot.at_venue(), bot.plan().status) == (0, 0, PlanStatus.CLOSED)
