"""A market, a clock and an exchange made by hand, for tests."""

from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TypeVar, cast

from trading_bot.domain.config import PaperVenue as PaperConfig
from trading_bot.domain.market import Bar
from trading_bot.domain.orders import OrderRequest, OrderType, Side
from trading_bot.errors.fault import Fault
from trading_bot.venues.paper.venue import PaperVenue
from trading_bot.venues.venue import Confirmed, MarketUpdate, VenueOrder

T = TypeVar("T")

OPEN = datetime(2025, 1, 6, 14, 30, tzinfo=UTC)  # a Monday's session in New York
MINUTE = timedelta(minutes=1)
PLAIN = PaperConfig(speed=None, slippage_bps=Decimal(0), volume_share=Decimal(1))
"""No pace, no slippage, no fees, the whole volume."""


class ManualClock:
    """A wall clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


class HandMadeFeed:
    """The bars that a test wrote down."""

    def __init__(self, bars: Sequence[Bar], *, name: str = "by hand") -> None:
        self._bars = tuple(bars)
        self._name = name

    @property
    def identity(self) -> dict[str, str]:
        return {"feed": self._name}

    @property
    def replay_of(self) -> str | None:
        return None

    def symbols(self) -> tuple[str, ...]:
        return tuple(sorted({bar.symbol for bar in self._bars}))

    def minutes(self, after: datetime | None, *, symbols: tuple[str, ...] = ()) -> Iterator[tuple[Bar, ...]]:
        wanted = [bar for bar in self._bars if not symbols or bar.symbol in symbols]
        for moment in sorted({bar.timestamp for bar in wanted}):
            if after is None or moment > after:
                yield tuple(sorted((bar for bar in wanted if bar.timestamp == moment), key=lambda bar: bar.symbol))

    def history(self, symbol: str, *, until: datetime, count: int) -> tuple[Bar, ...]:
        over = sorted(
            (bar for bar in self._bars if bar.symbol == symbol and bar.known_at <= until), key=lambda bar: bar.timestamp
        )
        return tuple(over[-count:]) if count else ()

    def digest(self, lines: int) -> str | None:
        return None


def bar(prices: str, *, at: int | datetime = 0, symbol: str = "ACME", volume: str = "100000") -> Bar:
    """A bar of "open high low close", `at` that minute after the open."""
    opened, high, low, close = map(Decimal, prices.split())
    moment = OPEN + at * MINUTE if isinstance(at, int) else at
    return Bar(symbol=symbol, timestamp=moment, open=opened, high=high, low=low, close=close, volume=Decimal(volume))


def flat(count: int, *, price: str = "100", symbol: str = "ACME", start: int = 0) -> list[Bar]:
    """Bars in which nothing moves."""
    return [bar(f"{price} {price} {price} {price}", at=start + index, symbol=symbol) for index in range(count)]


def request(
    name: str,
    side: Side = Side.BUY,
    quantity: str = "10",
    *,
    limit: str | None = None,
    stop: str | None = None,
    symbol: str = "ACME",
) -> OrderRequest:
    """An order whose type follows from its prices."""
    kinds = {
        (False, False): OrderType.MARKET,
        (True, False): OrderType.LIMIT,
        (False, True): OrderType.STOP,
        (True, True): OrderType.STOP_LIMIT,
    }
    return OrderRequest(
        client_order_id=name,
        symbol=symbol,
        side=side,
        order_type=kinds[limit is not None, stop is not None],
        quantity=Decimal(quantity),
        price=Decimal(limit) if limit else None,
        stop_price=Decimal(stop) if stop else None,
    )


class Exchange:
    """A paper exchange, driven without await."""

    def __init__(
        self,
        home: Path,
        bars: Sequence[Bar],
        config: PaperConfig = PLAIN,
        *,
        symbols: tuple[str, ...] = (),
        clock: ManualClock | None = None,
        **changes: object,
    ) -> None:
        self.path = home / "venue.db"
        self.clock = clock or ManualClock()
        self._bars, self._symbols = bars, symbols
        self._config = replace(config, **changes)  # type: ignore[arg-type] # any field of the configuration
        self.venue = self._open()
        self.after: datetime | None = None

    def _open(self) -> PaperVenue:
        return PaperVenue(self.path, self._config, self.clock, HandMadeFeed(self._bars), self._symbols)

    def reopen(self) -> None:
        """Another process takes the ledger over."""
        run(self.venue.close())
        self.venue = self._open()

    def tick(self, count: int = 1) -> MarketUpdate:
        """Move on; the last update."""
        for _ in range(count - 1):
            self.tick()
        update = run(self.venue.next_update(self.after))
        assert isinstance(update, MarketUpdate), update
        self.after = update.time
        return update

    def tick_through_faults(self) -> MarketUpdate:
        """Move on by one minute, asking until the exchange answers."""
        for _ in range(500):
            try:
                update = run(self.venue.next_update(self.after))
            except Fault:
                continue
            if isinstance(update, MarketUpdate):
                self.after = update.time
                return update
        raise AssertionError("the exchange never moved")

    def place(self, name: str, side: Side = Side.BUY, quantity: str = "10", **prices: str) -> VenueOrder:
        """Place an order that is taken."""
        outcome = run(self.venue.place(request(name, side, quantity, **prices)))
        assert isinstance(outcome, Confirmed), outcome
        return outcome.order

    def refusal(self, name: str, side: Side = Side.BUY, quantity: str = "10", **prices: str) -> str:
        """Place an order that is not taken; why, having checked that nothing happened."""
        before = self.state()
        outcome = run(self.venue.place(request(name, side, quantity, **prices)))
        assert not isinstance(outcome, Confirmed), outcome
        assert (self.state(), run(self.venue.order(name))) == (before, None)
        return outcome.reason

    def order(self, name: str) -> VenueOrder:
        found = run(self.venue.order(name))
        assert found is not None
        return found

    def fills(self) -> list[str]:
        """Every execution in short: client id, quantity @ price."""
        found = run(self.venue.fills_since(datetime(2000, 1, 1, tzinfo=UTC)))
        return [f"{fill.client_order_id} {fill.quantity:f} @ {fill.price:f}" for fill in found]

    def state(self) -> tuple[object, ...]:
        """Money, holdings and live orders."""
        return run(self.venue.account()), run(self.venue.positions()), run(self.venue.open_orders())

    @property
    def cash(self) -> Decimal:
        return run(self.venue.account()).cash_balance

    @property
    def buying_power(self) -> Decimal:
        return run(self.venue.account()).buying_power

    @property
    def held(self) -> dict[str, Decimal]:
        return {position.symbol: position.quantity for position in run(self.venue.positions())}


def run(call: Coroutine[object, object, T]) -> T:
    """What an async call of the exchange gives. It works in memory and on its own file, and never waits for anything."""
    try:
        call.send(None)
    except StopIteration as end:
        return cast("T", end.value)
    call.close()
    raise AssertionError("the exchange waited")
