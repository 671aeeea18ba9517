"""The paper exchange as a venue: it moves its clock when the bot asks, remembers everything, and fails when it is told to."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from trading_bot.calendar import is_open
from trading_bot.clock import Clock
from trading_bot.domain import config as configuration
from trading_bot.domain.account import Account
from trading_bot.domain.instruments import instrument
from trading_bot.domain.market import Bar, Quote, quote_of
from trading_bot.domain.orders import OrderRequest, OrderStatus
from trading_bot.errors.fault import Fault
from trading_bot.venues.feeds.feed import Feed
from trading_bot.venues.feeds.simulated import DEFAULT_SYMBOLS
from trading_bot.venues.paper.admission import Refusal, admit
from trading_bot.venues.paper.books import Books
from trading_bot.venues.paper.faults import FaultKind
from trading_bot.venues.paper.identity import bind, known_symbols, remember_break, tradable
from trading_bot.venues.paper.ledger import Ledger
from trading_bot.venues.paper.matching import terms_of, trade_minute
from trading_bot.venues.paper.pace import Pace
from trading_bot.venues.venue import (
    Confirmed,
    FeedEnded,
    MarketUpdate,
    NotYet,
    Rejected,
    Unknown,
    VenueFill,
    VenueOrder,
    VenuePosition,
)

_BARS_KEPT = 1_000  # of each symbol that was asked for, in memory
_RETRY_SECONDS = 1.0  # after a refusal for too many calls
_CARRIED_OUT = 0.5  # share of commands without an answer that were carried out all the same


class PaperVenue:
    """The exchange of one ledger and one feed."""

    def __init__(
        self, path: Path, config: configuration.PaperVenue, clock: Clock, feed: Feed, symbols: tuple[str, ...]
    ) -> None:
        """Open the exchange whose ledger is at `path`, trading `symbols` or, when there are none, all that the feed has.

        CFG_004 when the ledger belongs to another feed or starting cash, CFG_001 for a symbol that the feed does not have, SYS_002 when
        the ledger is held or can't be used, DATA_001 and DATA_002 when not even the feed's first minute can be read.
        """
        self._config = config
        self._feed = feed
        self._terms = terms_of(config)
        self._pace = Pace(config.speed, clock)
        self._minutes: Iterator[tuple[Bar, ...]] | None = None
        self._recent: dict[str, deque[Bar]] = {}
        self._reads: dict[str, int] = {}
        self._ledger = Ledger(path)
        try:
            known = known_symbols(self._ledger, config, feed)
            books = self._ledger.load()
            self._symbols = tradable(symbols, known, books)
            self._books = books or self._opened()
            self._warm_up(self._books)
            self._is_stale = False
            bind(self._ledger, config, feed, known)
            self._known = known
            self._ledger.save(self._books)
        except BaseException:
            self._ledger.close()
            raise

    @property
    def name(self) -> str:
        """Its short name."""
        return "paper"

    @property
    def dedupes(self) -> bool:
        """It answers a repeated client order id with the first order."""
        return True

    @property
    def replay_of(self) -> str | None:
        """Name of the file that is replayed."""
        return self._feed.replay_of

    async def next_update(self, after: datetime | None) -> MarketUpdate | NotYet | FeedEnded:
        """The minute after `after`; the clock moves only when the bot has handled the last one, and only as fast as it is told to."""
        books = self._read("next_update")
        if books.last_minute is not None and (after is None or after < books.clock):
            return self._update(books)
        if self._strikes("stale_feed", "next_update"):
            return NotYet(wait_seconds=self._pace.bar_seconds, stale=True)
        wait = self._pace.wait_seconds()
        if wait > 0:
            return NotYet(wait_seconds=wait)
        minute = self._next_minute(books)
        if minute is None:
            return FeedEnded(reason="feed ended")
        with self._step() as moved:
            trade_minute(moved, minute, self._terms)
        self._pace.moved()
        self._reads.clear()
        for bar in minute:
            if bar.symbol in self._recent:
                self._recent[bar.symbol].append(bar)
        return self._update(moved)

    async def symbols(self) -> tuple[str, ...]:
        """What can be traded, sorted; what is held stays tradable when the configuration leaves it out."""
        return self._symbols

    async def listed(self) -> frozenset[str] | None:
        """What the candle file has; the simulated market has any symbol."""
        return frozenset(self._known) if self._feed.replay_of else None

    async def follow(self, symbols: tuple[str, ...]) -> None:
        """Trade these from the next minute on, or all when there are none, and what is still held or ordered. CFG_001, SYS_002."""
        asked = symbols or (() if self._feed.replay_of else DEFAULT_SYMBOLS)
        known = self._known if self._feed.replay_of else tuple(sorted(asked))
        self._symbols = tradable(asked, known, self._current())
        self._minutes = None
        with self._step() as books:
            self._warm_up(books)

    async def account(self) -> Account:
        """Money, as of the last minute."""
        books = self._read("account")
        return Account(
            account_id="paper",
            buying_power=books.buying_power(self._terms.fees),
            account_balance=books.equity(),
            cash_balance=books.cash,
            day_trade_count=books.day_trade_count(),
            last_updated=books.clock,
        )

    async def positions(self) -> tuple[VenuePosition, ...]:
        """What is held, by symbol."""
        held = sorted(self._read("positions").holdings.items())
        return tuple(VenuePosition(symbol=symbol, quantity=holding.quantity) for symbol, holding in held)

    async def open_orders(self) -> tuple[VenueOrder, ...]:
        """Live orders, oldest first."""
        return tuple(working.order for working in self._read("open_orders").orders.values())

    async def order(self, client_order_id: str) -> VenueOrder | None:
        """Any order that was ever taken."""
        return self._find(self._read(f"order/{client_order_id}"), client_order_id)

    async def fills_since(self, since: datetime) -> tuple[VenueFill, ...]:
        """Executions at or after `since`, oldest first."""
        self._read("fills_since")
        return self._ledger.fills_since(since.astimezone(UTC))

    async def place(self, request: OrderRequest) -> Confirmed | Rejected | Unknown:
        """Take an order, unless it breaks a rule of the exchange; a repeated client id is answered with the first order."""

        def placed(books: Books, attempt: int) -> Confirmed | Rejected:
            first = self._find(books, request.client_order_id)
            if first is not None:
                return Confirmed(order=first)
            if self._terms.faults.strikes("rejection", request.client_order_id, attempt):
                return Rejected(code="ORD_001", reason="refused by an injected fault")
            outcome = admit(request, books, symbols=self._symbols, fees=self._terms.fees)
            if isinstance(outcome, Refusal):
                return Rejected(code="ORD_001", reason=outcome.reason)
            books.order_count = outcome.number
            books.put(outcome)
            return Confirmed(order=outcome.order)

        return self._command("place", request.client_order_id, placed)

    async def cancel(self, client_order_id: str) -> Confirmed | Rejected | Unknown:
        """Cancel what is left of an order."""

        def cancelled(books: Books, attempt: int) -> Confirmed | Rejected:
            working = books.orders.get(client_order_id)
            if working is not None:
                return Confirmed(order=books.end(working, OrderStatus.CANCELLED, "cancelled on request", books.clock))
            ended = self._find(books, client_order_id)
            return Confirmed(order=ended) if ended else Rejected(code="ORD_004", reason="there is no such order")

        return self._command("cancel", client_order_id, cancelled)

    async def quote(self, symbol: str) -> Quote:
        """The close of the latest bar; candles have no bid and ask."""
        bar = self._read(f"quote/{symbol}").last_bars.get(symbol)
        if bar is None:
            raise Fault("DATA_004", "The symbol has had no price yet.", context={"symbol": symbol})
        return quote_of(bar)

    async def bars(self, symbol: str, *, until: datetime, count: int) -> tuple[Bar, ...]:
        """The last bars that were over at `until`, never one from beyond the exchange's own clock."""
        books = self._read(f"bars/{symbol}")
        until = min(until, books.clock)
        if symbol not in self._symbols or count <= 0:
            return ()
        if symbol not in self._recent:
            latest = self._feed.history(symbol, until=books.clock, count=_BARS_KEPT)
            self._recent[symbol] = deque(latest, maxlen=_BARS_KEPT)
        recent = self._recent[symbol]
        over = [bar for bar in recent if bar.known_at <= until]
        if len(over) < count and len(recent) == _BARS_KEPT:
            return self._feed.history(symbol, until=until, count=count)
        return tuple(over[-count:])

    async def close(self) -> None:
        """Let go of the ledger."""
        self._ledger.close()

    def _command(
        self, command: str, client_order_id: str, act: Callable[[Books, int], Confirmed | Rejected]
    ) -> Confirmed | Rejected | Unknown:
        """Carry a command out in one transaction with the count of its attempts, by which its faults are drawn."""
        faults, what = self._terms.faults, f"{command}/{client_order_id}"
        try:
            attempt = self._ledger.attempts(command, client_order_id) + 1
            with self._step(attempt=(command, client_order_id)) as books:
                if faults.strikes("rate_limit", what, attempt):
                    return Rejected(code="API_429", reason="too many calls")
                if not faults.strikes("timeout", what, attempt):
                    return act(books, attempt)
                if faults.share("timeout-outcome", what, attempt) < _CARRIED_OUT:
                    act(books, attempt)
                return Unknown(reason="the exchange did not answer in time")
        except Fault as fault:
            return Unknown(reason=fault.cause)

    @contextmanager
    def _step(self, *, attempt: tuple[str, str] | None = None) -> Iterator[Books]:
        """The books to change; committed at the end of the block, read anew from the ledger when that fails."""
        books = self._current()
        try:
            yield books
            self._ledger.save(books, attempt=attempt)
        except BaseException:
            self._is_stale = True
            self._minutes = None
            self._recent.clear()
            raise

    def _current(self) -> Books:
        if self._is_stale:
            self._books = self._ledger.load() or self._books
            self._warm_up(self._books)
            self._is_stale = False
        return self._books

    def _read(self, call: str) -> Books:
        """The books for a read; API_429 or DATA_004 where a fault is injected."""
        books = self._current()
        self._reads[call] = self._reads.get(call, 0) + 1
        if self._strikes("rate_limit", call):
            raise Fault("API_429", "The paper exchange was called too often.", after_seconds=_RETRY_SECONDS)
        if self._strikes("disconnect", call):
            raise Fault("DATA_004", "The connection to the paper exchange broke off.", context={"call": call[:60]})
        return books

    def _strikes(self, kind: FaultKind, call: str) -> bool:
        return self._terms.faults.strikes(kind, f"{call}/{self._books.clock.isoformat()}", self._reads[call])

    def _find(self, books: Books, client_order_id: str) -> VenueOrder | None:
        working = books.orders.get(client_order_id)
        return working.order if working else self._ledger.order(client_order_id)

    def _update(self, books: Books) -> MarketUpdate:
        """The update of the clock as it stands."""
        bars = (books.last_bars[symbol] for symbol in sorted(books.last_bars))
        return MarketUpdate(
            time=books.clock,
            bars=tuple(bar for bar in bars if bar.timestamp == books.last_minute),
            market_open=frozenset(
                symbol for symbol in self._symbols if is_open(instrument(symbol).asset_class, books.clock)
            ),
        )

    def _next_minute(self, books: Books) -> tuple[Bar, ...] | None:
        """The feed's next minute; null at its end."""
        try:
            if self._minutes is None:
                self._minutes = self._feed.minutes(books.last_minute, symbols=self._symbols)
            return next(self._minutes, None)
        except Fault as fault:
            self._minutes = None  # an iterator that failed is at its end, the feed is not
            remember_break(self._ledger, self._feed, fault)
            raise

    def _opened(self) -> Books:
        """The books of a new account, at the moment when the feed begins."""
        first = next(self._feed.minutes(None, symbols=self._symbols), None)
        if first is None:
            raise Fault("DATA_001", "The candle file has no rows.", context={"file": self._feed.replay_of})
        cash = self._config.starting_cash
        return Books(clock=first[0].timestamp, last_minute=None, cash=cash, order_count=0, fill_count=0)

    def _warm_up(self, books: Books) -> None:
        """Give every symbol a price that had one before the feed began."""
        for symbol in self._symbols:
            if symbol not in books.last_bars:
                for bar in self._feed.history(symbol, until=books.clock, count=1):
                    books.see(bar)
