"""Differences that an operator settles while the venue owes fills, can't be read, or lies about prices and quantities."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.scripted import bar, proposal
from tests.fakes.scripted_bot import ScriptedBot, scripted_bot
from trading_bot.domain.commands import CommandKind, CommandStatus
from trading_bot.domain.orders import Leg, OrderStatus, Side
from trading_bot.errors.fault import Fault
from trading_bot.venues.venue import VenuePosition

pytestmark = pytest.mark.anyio

CALM = [bar(index, "100") for index in range(40)]


async def with_five_more(bot: ScriptedBot) -> None:
    await bot.bar(2)
    await bot.trade_by_hand(Side.BUY, "5")
    await bot.bar(4)
    assert bot.books.suspended("ACME") is not None


def unreadable(error: Exception) -> Callable[[object], object]:
    def fails(_: object) -> object:
        raise error

    return fails


@pytest.mark.parametrize("error", [Fault("DATA_004", "too busy"), ConnectionError()], ids=["fault", "anything"])
async def test_an_adoption_that_worked_is_done_although_nothing_could_be_counted(home: Path, error: Exception) -> None:
    async with scripted_bot(home, CALM) as bot:
        await with_five_more(bot)
        bot.venue.tampering["open_orders"] = unreadable(error)
        adopted = bot.command(CommandKind.RECONCILE, action="adopt", symbol="ACME")
        await bot.bar()

        done = bot.told(adopted)
        assert (done.status, bot.held(), bot.books.suspensions) == (CommandStatus.DONE, 5, {})
        assert done.outcome is not None
        assert (done.outcome["differences"], done.outcome["differs"][0][:11]) == (1, "not counted")


async def test_a_count_alone_that_cannot_be_read_has_failed(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar(2)
        bot.venue.tampering["open_orders"] = unreadable(Fault("DATA_004", "too busy"))
        counted = bot.command(CommandKind.RECONCILE)
        await bot.bar()
        assert bot.told(counted).status is CommandStatus.FAILED


@pytest.mark.parametrize("price", ["NaN", "-5", "0", "Infinity"])
async def test_nothing_is_adopted_at_a_price_that_cannot_be_true(home: Path, price: str) -> None:
    async with scripted_bot(home, CALM) as bot:
        await with_five_more(bot)
        bot.venue.tampering["quote"] = lambda quote: replace(quote, price=Decimal(price))
        refused = bot.command(CommandKind.RECONCILE, action="adopt", symbol="ACME")
        await bot.bar()

        error = bot.told(refused).error
        assert error is not None
        assert (error.error_code, bot.held(), bot.books.plans) == ("DATA_005", 0, {})


async def test_a_difference_beyond_all_steps_is_refused_by_name(home: Path) -> None:
    async with scripted_bot(home, [bar(index, "100", symbol="BTC/USD") for index in range(20)]) as bot:
        huge = (VenuePosition(symbol="BTC/USD", quantity=Decimal("1E+25")),)
        bot.venue.tampering["positions"] = lambda _: huge
        await bot.bar(3)
        refused = bot.command(CommandKind.RECONCILE, action="adopt", symbol="BTC/USD")
        await bot.bar()

        error = bot.told(refused).error
        assert error is not None
        assert (error.error_code, bot.books.positions) == ("BOT_003", {})


async def with_an_exit_whose_fill_is_owed(bot: ScriptedBot) -> str:
    """The venue has sold all ten and says so; it reports no sale. The id of the close that waits for it."""
    await bot.bar()
    await bot.enter(proposal())
    await bot.bar(3)

    def purchases(seen: Any) -> Any:
        return tuple(fill for fill in seen if fill.side is Side.BUY)

    bot.venue.tampering["fills_since"] = purchases
    close = bot.command(CommandKind.CLOSE_POSITIONS, symbols=["ACME"])
    await bot.bar(6)
    assert (bot.held(), await bot.at_venue()) == (10, 0)
    return close


async def test_nothing_is_adopted_while_the_venue_owes_the_fills_that_explain_it(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        close = await with_an_exit_whose_fill_is_owed(bot)
        plan = bot.plan()
        refused = bot.command(CommandKind.RECONCILE, action="adopt", symbol="ACME")
        await bot.bar()
        [order] = bot.orders(plan, Leg.EXIT)
        error = bot.told(refused).error
        assert error is not None
        assert (error.error_code, error.context["orders"], bot.held()) == ("BOT_003", [order.client_order_id], 10)

        bot.venue.tampering.clear()
        await bot.bar(3)
        assert (bot.held(), bot.books.suspensions, bot.told(close).status) == (0, {}, CommandStatus.DONE)
        assert bot.books.session is not None
        assert bot.books.session.gross_pnl == 0


async def test_an_owed_fill_that_was_given_up_goes_to_its_plan_when_it_comes_after_all(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        close = await with_an_exit_whose_fill_is_owed(bot)
        plan = bot.plan()
        bot.command(CommandKind.RECONCILE, action="ignore", symbol="ACME")
        await bot.bar()
        [order] = bot.orders(plan, Leg.EXIT)
        assert (order.status, order.reason) == (OrderStatus.FILLED, "settled by an operator")
        adopted = bot.command(CommandKind.RECONCILE, action="adopt", symbol="ACME")
        await bot.bar(2)
        assert (bot.told(adopted).status, bot.told(close).status) == (CommandStatus.DONE, CommandStatus.DONE)
        assert (bot.held(), bot.books.live_orders) == (0, ())

        bot.venue.tampering.clear()
        await bot.bar(3)
        assert (bot.held(), bot.errors("ORD_003")) == (-10, [])
        assert bot.books.session is not None
        assert bot.books.session.gross_pnl == 0
        assert bot.books.suspended("ACME") is not None


async def test_an_operator_moves_target_and_stop_and_they_are_watched_at_once(home: Path) -> None:
    async with scripted_bot(
        home, [*CALM[:10], bar(10, "104", high="104.5"), *[bar(n, "104") for n in range(11, 40)]]
    ) as bot:
        await bot.bar()
        plan = await bot.enter(proposal(stop="98", target="110"), "10")
        await bot.bar(2)
        moved = bot.command(CommandKind.UPDATE_TARGETS, symbol="ACME", target="103.5", stop="97")
        await bot.bar(2)

        done, before = bot.told(moved), {"stopBefore": "98", "targetBefore": "110"}
        assert (done.status, done.error) == (CommandStatus.DONE, None)
        assert done.outcome is not None
        told = {name: done.outcome[name] for name in ("planId", "symbol", "version", "stop", "target", *before)}
        assert told == {
            "planId": plan.id,
            "symbol": "ACME",
            "version": 2,
            "stop": "97.00",
            "target": "103.50",
            **before,
        }
        again = bot.command(CommandKind.UPDATE_TARGETS, symbol="ACME", target="103.5")
        await bot.bar(2)
        second = bot.told(again).outcome
        assert second is not None
        assert second["version"] == 2  # nothing was moved
        await bot.bar(10)
        assert bot.held() == 0
        assert bot.plan().exit_reason == "target: traded at 104.5, target was 103.50"


@pytest.mark.parametrize(
    ("levels", "code", "cause"),
    [
        ({"target": "99"}, "ORD_010", "The target has to stand above the price of 100."),
        ({"stop": "100"}, "ORD_010", "The stop has to stand below the price of 100."),
        ({"target": "0"}, "ORD_010", "The target has to stand above zero, was 0."),
        ({"target": "NaN"}, "ORD_010", "target: "),
        ({"symbol": "BETA", "target": "120"}, "QRY_005", "There is no open plan on `BETA`."),
    ],
)
async def test_levels_that_would_end_the_plan_or_mean_nothing_are_refused_and_nothing_moves(
    home: Path, levels: dict[str, str], code: str, cause: str
) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        before = await bot.enter(proposal(stop="98", target="110"), "10")
        await bot.bar(2)
        refused = bot.command(CommandKind.UPDATE_TARGETS, **{"symbol": "ACME", **levels})
        await bot.bar()

        error = bot.told(refused).error
        assert error is not None
        assert (error.error_code, error.cause[: len(cause)]) == (code, cause)
        after = bot.plan()
        assert (after.stop_price, after.target_price, after.version) == (before.stop_price, before.target_price, 1)
