"""A whole bot on a market that a test wrote down, at the paper exchange behind a venue that may lie; it goes on when the test says so."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any
from unittest import mock
from uuid import uuid4

from tests.fakes.lying_venue import LyingVenue
from tests.fakes.scripted import proposal
from tests.venues.hand_made import HandMadeFeed
from trading_bot import bootstrap
from trading_bot.bootstrap import Bot, bot_of
from trading_bot.clock import SystemClock
from trading_bot.domain.books import Books
from trading_bot.domain.commands import Command, CommandKind, CommandStatus
from trading_bot.domain.config import BotConfig
from trading_bot.domain.config import PaperVenue as PaperConfig
from trading_bot.domain.errors import SemanticError
from trading_bot.domain.market import Bar
from trading_bot.domain.orders import Leg, Order, OrderRequest, OrderType, Side
from trading_bot.domain.plans import TradePlan
from trading_bot.domain.proposals import EntryProposal
from trading_bot.logs.secrets import Secrets
from trading_bot.services.config_file import write_config
from trading_bot.settings import load_settings
from trading_bot.store import commands, errors, plans
from trading_bot.venues.paper.venue import PaperVenue
from trading_bot.venues.venue import Confirmed, VenueOrder

PLAIN = PaperConfig(speed=None, slippage_bps=Decimal(0), volume_share=Decimal(1))
"""No pace, no slippage, no fees, the whole volume."""


class TurnClock(SystemClock):
    """The loop rests at each of its sleeps until the test lets it go on."""

    def __init__(self) -> None:
        self.resting = asyncio.Event()
        self._go = asyncio.Event()
        self._ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self._ahead

    def monotonic(self) -> float:
        return super().monotonic() + self._ahead.total_seconds()

    def advance(self, seconds: float) -> None:
        """Let that much time pass, on the wall and beside it."""
        self._ahead += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        """Wait for the test, however long that takes."""
        self.resting.set()
        await self._go.wait()
        self._go.clear()

    async def turn(self) -> None:
        """Let the loop run to its next sleep."""
        self.resting.clear()
        self._go.set()
        await self.resting.wait()


class ScriptedBot:
    """One running bot; `bar` lets it handle the next."""

    def __init__(self, bot: Bot, venue: LyingVenue, clock: TurnClock) -> None:
        self.bot = bot
        self.venue = venue
        self.clock = clock

    @property
    def books(self) -> Books:
        return self.bot.journal.books

    @property
    def now(self) -> datetime:
        """Venue time of the last bar that was handled."""
        moment = self.bot.loop._progress.cursor
        assert moment is not None
        return moment

    async def bar(self, count: int = 1) -> None:
        """Handle that many turns of the loop: bars, or looks at a market that has none."""
        for _ in range(count):
            await self.clock.turn()

    async def enter(self, proposal: EntryProposal, quantity: str = "10") -> TradePlan:
        """Send an entry as a strategy would, and give its plan back."""
        session = self.books.session
        assert session is not None
        await self.bot.loop._desk.enter(proposal, Decimal(quantity), at=self.now, session_id=session.id)
        return self.plan(proposal.symbol)

    def plan(self, symbol: str = "ACME") -> TradePlan:
        """The symbol's plan in the books, or the latest one in the store."""
        found = self.books.plan_of(symbol)
        if found is not None:
            return found
        with self.bot.store.reading("main") as r:
            return next(plan for plan in plans.list_plans(r, 100).items if plan.symbol == symbol)

    def orders(self, plan: TradePlan, leg: Leg) -> list[Order]:
        """All orders of one leg, as stored."""
        from trading_bot.store import orders  # noqa: PLC0415 (the name is taken)

        with self.bot.store.reading("main") as r:
            return [order for order in orders.list_plan_orders(r, plan.id) if order.leg is leg]

    def held(self, symbol: str = "ACME") -> Decimal:
        position = self.books.positions.get(symbol)
        return position.quantity if position is not None else Decimal(0)

    async def at_venue(self, symbol: str = "ACME") -> Decimal:
        """What the honest venue holds."""
        held = {position.symbol: position.quantity for position in await self.venue.honest.positions()}
        return held.get(symbol, Decimal(0))

    async def trade_by_hand(
        self, side: Side, quantity: str, *, symbol: str = "ACME", name: str = "by-hand", limit: str | None = None
    ) -> VenueOrder:
        """Somebody else's order at the venue."""
        request = OrderRequest(
            client_order_id=name,
            symbol=symbol,
            side=side,
            order_type=OrderType.LIMIT if limit else OrderType.MARKET,
            quantity=Decimal(quantity),
            price=Decimal(limit) if limit else None,
        )
        outcome = await self.venue.honest.place(request)
        assert isinstance(outcome, Confirmed)
        return outcome.order

    def command(self, kind: CommandKind, **parameters: Any) -> str:
        """Ask for something as an operator does; the id of the command."""
        command = Command(
            id=str(uuid4()),
            bot_id="main",
            kind=kind,
            status=CommandStatus.PENDING,
            user="k-1",
            reason="an operator wants it",
            parameters=parameters,
            created_at=self.clock.now(),
            executed_at=None,
            outcome=None,
            error=None,
        )
        with self.bot.store.writing("main") as w:
            commands.add_command(w, command)
        return command.id

    def told(self, command_id: str) -> Command:
        """What has become of a command."""
        with self.bot.store.reading("main") as r:
            found = commands.find_command(r, command_id)
        assert found is not None
        return found

    def errors(self, code: str) -> list[SemanticError]:
        """The stored errors of that code, oldest first."""
        with self.bot.store.reading("main") as r:
            return list(reversed(errors.list_errors(r, 100, error_code=code).items))


async def holding(bot: ScriptedBot, quantity: str = "10") -> None:
    """Have it buy so many ACME at the first bars, with its stop and target."""
    await bot.bar()
    await bot.enter(proposal(), quantity)
    await bot.bar()
    assert bot.held() == Decimal(quantity)


@asynccontextmanager
async def scripted_bot(
    home: Path,
    bars: Sequence[Bar],
    *,
    venue: PaperConfig = PLAIN,
    config: BotConfig | None = None,
    tampering: Mapping[str, Callable[[Any], Any]] = MappingProxyType({}),
    secrets: Secrets | None = None,
) -> AsyncIterator[ScriptedBot]:
    """A bot of `home` without strategies on these bars, started and resting after its first turn; `tampering` begins before it."""
    settings = load_settings(home=home)
    settings.make_folders()
    if not settings.config_file.exists():
        write_config(settings.config_file, config or BotConfig(strategies=(), venue=venue))
    clock = TurnClock()
    with trading_on(bars) as venues:
        async with bot_of(settings, clock, secrets=secrets) as bot:
            venues[0].tampering.update(tampering)
            running = asyncio.create_task(bot.loop.run())
            try:
                await clock.resting.wait()
                yield ScriptedBot(bot, venues[0], clock)
            finally:
                bot.loop.end()
                while not running.done():
                    clock._go.set()
                    await asyncio.sleep(0)
                await running


@contextmanager
def trading_on(bars: Sequence[Bar]) -> Iterator[list[LyingVenue]]:
    """Bootstrap's paper exchange on these bars instead of its feed, behind a venue that may lie."""
    venues: list[LyingVenue] = []

    def made(path: Path, config: PaperConfig, clock: Any, feed: object, symbols: tuple[str, ...]) -> LyingVenue:
        venues.append(LyingVenue(PaperVenue(path, config, clock, HandMadeFeed(bars), symbols)))
        return venues[-1]

    with (
        mock.patch.object(bootstrap, "PaperVenue", made),
        mock.patch.object(bootstrap, "open_feed", return_value=None),
    ):
        yield venues
