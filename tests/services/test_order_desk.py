"""Commands to a venue that loses them, loses its answers, refuses, and answers with what can't be true."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.scripted import bar, proposal
from tests.fakes.scripted_bot import scripted_bot
from trading_bot.domain.commands import CommandKind, CommandStatus
from trading_bot.domain.health import RunState
from trading_bot.domain.orders import Leg, OrderStatus, OrderType
from trading_bot.domain.plans import PlanStatus
from trading_bot.venues.venue import Confirmed, Rejected, Unknown, VenuePosition

pytestmark = pytest.mark.anyio

CALM = [bar(index, "100") for index in range(60)]
FALLING = [*CALM[:5], bar(5, "100", low="98"), *(bar(index, "98") for index in range(6, 60))]
"""The stop at 99 trades in the sixth bar."""
RESTING = proposal(entry="90", stop="89", target=None, order_type=OrderType.LIMIT, good_for_bars=30)


async def test_an_entry_that_was_lost_on_the_way_is_sent_again_once_with_the_same_id(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        bot.venue.unsent.add("place")
        plan = await bot.enter(proposal())
        assert [order.status for order in bot.orders(plan, Leg.ENTRY)] == [OrderStatus.UNKNOWN]
        bot.venue.unsent.clear()
        await bot.bar(2)

        assert [order.status for order in bot.orders(plan, Leg.ENTRY)] == [OrderStatus.FILLED]
        assert (bot.held(), await bot.at_venue(), len(bot.errors("ORD_002"))) == (10, 10, 1)


async def test_an_entry_whose_answer_was_lost_is_found_by_look_up_and_not_sent_again(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        bot.venue.unanswered.add("place")
        plan = await bot.enter(proposal())
        await bot.bar(3)

        assert [order.status for order in bot.orders(plan, Leg.ENTRY)] == [OrderStatus.FILLED]
        assert (bot.held(), await bot.at_venue()) == (10, 10)


async def test_a_pause_while_an_entry_is_unknown_ends_it_without_a_position(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        bot.venue.unanswered.add("place")
        plan = await bot.enter(RESTING)
        bot.venue.unanswered.clear()
        bot.command(CommandKind.PAUSE)
        await bot.bar(3)

        assert bot.bot.loop.run_state is RunState.PAUSED
        assert [order.status for order in bot.orders(plan, Leg.ENTRY)] == [OrderStatus.CANCELLED]
        assert (await bot.venue.honest.open_orders(), bot.books.plans) == ((), {})


async def test_an_exit_whose_answer_was_lost_sells_once(home: Path) -> None:
    async with scripted_bot(home, FALLING) as bot:
        await bot.bar()
        plan = await bot.enter(proposal())
        await bot.bar(2)
        bot.venue.unanswered.add("place")
        await bot.bar(6)

        assert [order.status for order in bot.orders(plan, Leg.EXIT)] == [OrderStatus.FILLED]
        assert (bot.held(), await bot.at_venue()) == (0, 0)


async def test_an_exit_that_is_refused_is_tried_for_ever_with_longer_pauses(home: Path) -> None:
    async with scripted_bot(home, FALLING) as bot:
        await bot.bar()
        plan = await bot.enter(proposal())
        await bot.bar(2)
        refused: list[Any] = []

        async def refuse(request: Any) -> Rejected:
            refused.append(request.client_order_id)
            return Rejected(code="ORD_001", reason="not today")

        bot.venue.place = refuse  # type: ignore[method-assign]
        await bot.bar(20)
        assert len(refused) == len(set(refused)) == 7  # at minutes 0, 1, 2, 3, 5, 9 and 17

        del bot.venue.place
        await bot.bar(20)
        assert (bot.held(), await bot.at_venue(), bot.plan().status) == (0, 0, PlanStatus.CLOSED)
        assert [order.status for order in bot.orders(plan, Leg.EXIT)] == [OrderStatus.REJECTED] * 7 + [
            OrderStatus.FILLED
        ]


async def test_an_entry_that_cannot_be_cancelled_does_not_trap_what_it_bought(home: Path) -> None:
    """The venue fills 40 of 100 and then loses every cancel: the stop sells the 40 all the same, and later whatever follows."""
    market = [
        *CALM[:3],
        bar(3, "100", volume="40"),
        bar(4, "101", low="98", volume="0"),
        *(bar(index, "101", low="98", volume="1000") for index in range(5, 30)),
    ]
    async with scripted_bot(home, market) as bot:
        await bot.bar(2)
        plan = await bot.enter(proposal(order_type=OrderType.LIMIT, target=None, good_for_bars=60), "100")
        bot.venue.unsent.add("cancel")
        await bot.bar(2)
        assert bot.held() == 40
        exits = bot.orders(plan, Leg.EXIT)
        assert [(order.quantity, order.is_live) for order in exits] == [(40, True)]
        await bot.bar(4)

        assert (bot.held(), await bot.at_venue()) == (0, 0)
        bot.venue.unsent.clear()
        await bot.bar(2)
        assert bot.plan().status is PlanStatus.CLOSED


async def test_a_cancel_whose_answer_was_lost_is_settled_by_look_up(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        plan = await bot.enter(replace(RESTING, good_for_bars=1))
        bot.venue.unanswered.add("cancel")
        await bot.bar()
        assert [order.status for order in bot.orders(plan, Leg.ENTRY)] == [OrderStatus.PENDING_CANCEL]
        await bot.bar()

        assert [order.status for order in bot.orders(plan, Leg.ENTRY)] == [OrderStatus.CANCELLED]
        assert bot.books.plans == {}


async def test_an_order_that_the_venue_forgets_counts_as_live_until_an_operator_settles_it(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        plan = await bot.enter(replace(RESTING, good_for_bars=2))
        bot.venue.tampering |= {
            "order": lambda _: None,
            "open_orders": lambda _: (),
            "cancel": lambda _: Rejected(code="ORD_004", reason="there is no such order"),
        }
        await bot.bar(8)
        [entry] = bot.orders(plan, Leg.ENTRY)
        assert (entry.is_live, len(bot.errors("ORD_006"))) == (True, 1)

        bot.venue.tampering["positions"] = lambda _: (VenuePosition(symbol="ACME", quantity=Decimal(1)),)
        await bot.bar(2)
        settled = bot.command(CommandKind.RECONCILE, action="ignore", symbol="ACME")
        await bot.bar()
        assert bot.told(settled).status is CommandStatus.DONE
        [entry] = bot.orders(plan, Leg.ENTRY)
        assert (entry.status, bot.books.plans) == (OrderStatus.EXPIRED, {})


@pytest.mark.parametrize(
    "lie",
    [
        {"client_order_id": "somebody-else"},
        {"symbol": "BOLT"},
        {"quantity": Decimal(1000)},
        {"filled": Decimal("NaN")},
        {"filled": Decimal(-1)},
        {"filled": Decimal(11)},
        {"order_id": ""},
        {"order_id": "x" * 1000},
    ],
    ids=str,
)
async def test_a_confirmation_that_cannot_be_true_is_none(home: Path, lie: dict[str, Any]) -> None:
    def lied(outcome: Any) -> Any:
        return Confirmed(order=replace(outcome.order, **lie))

    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        bot.venue.tampering["place"] = lied
        plan = await bot.enter(proposal())
        [entry] = bot.orders(plan, Leg.ENTRY)
        assert (entry.status, entry.venue_order_id) == (OrderStatus.UNKNOWN, None)
        await bot.bar(2)

        assert [order.status for order in bot.orders(plan, Leg.ENTRY)] == [OrderStatus.FILLED]
        assert (bot.held(), await bot.at_venue()) == (10, 10)


async def test_one_order_that_cannot_be_looked_up_does_not_hold_up_the_others(home: Path) -> None:
    market = [bar(index, "100", symbol=symbol) for index in range(20) for symbol in ("ACME", "BOLT")]
    async with scripted_bot(home, market) as bot:
        await bot.bar()
        bot.venue.unanswered.add("place")
        first = await bot.enter(replace(RESTING, symbol="ACME"))
        second = await bot.enter(replace(RESTING, symbol="BOLT"))
        bot.venue.unanswered.clear()

        def broken(seen: Any) -> Any:
            if seen.symbol == "ACME":
                return replace(seen, symbol="NOPE")
            return seen

        bot.venue.tampering["order"] = broken
        await bot.bar()

        assert [order.status for order in bot.orders(first, Leg.ENTRY)] == [OrderStatus.UNKNOWN]
        assert [order.status for order in bot.orders(second, Leg.ENTRY)] == [OrderStatus.ACCEPTED]
        assert len(bot.errors("DATA_005")) == 1


async def test_a_cancel_is_stored_with_its_reason_before_it_is_sent_and_a_lost_answer_keeps_it(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        plan = await bot.enter(replace(RESTING, good_for_bars=1))
        stored = []

        def sent(outcome: Any) -> Any:
            stored.extend(bot.orders(plan, Leg.ENTRY))
            return Unknown(reason="The answer was lost.")

        bot.venue.tampering["cancel"] = sent
        await bot.bar()
        assert [(order.status, order.reason) for order in stored] == [
            (OrderStatus.PENDING_CANCEL, "not filled in time")
        ]
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()

        [entry] = bot.orders(plan, Leg.ENTRY)
        assert (entry.status, entry.reason) == (OrderStatus.CANCELLED, "not filled in time")


async def test_a_cancel_that_the_venue_refuses_leaves_the_order_as_it_was(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        plan = await bot.enter(replace(RESTING, good_for_bars=1))
        [before] = bot.orders(plan, Leg.ENTRY)
        bot.venue.tampering["cancel"] = lambda _: Rejected(code="ORD_001", reason="not now")
        await bot.bar()
        assert bot.orders(plan, Leg.ENTRY) == [before]

        del bot.venue.tampering["cancel"]
        await bot.bar()
        assert [order.status for order in bot.orders(plan, Leg.ENTRY)] == [OrderStatus.CANCELLED]
