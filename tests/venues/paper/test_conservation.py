"""Whatever is ordered and however the market moves: nothing is lost, borrowed or sold short, and what is written down reads back."""

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.venues.hand_made import OPEN, PLAIN, Exchange, request, run
from trading_bot.domain.config import FaultRates
from trading_bot.domain.config import PaperVenue as PaperConfig
from trading_bot.domain.instruments import instrument
from trading_bot.domain.market import Bar
from trading_bot.domain.money import floored, rounded
from trading_bot.domain.orders import LIVE, OrderStatus, OrderType, Side
from trading_bot.venues.feeds.simulated import SimulatedFeed
from trading_bot.venues.paper.admission import Refusal, admit
from trading_bot.venues.paper.books import Books
from trading_bot.venues.paper.ledger import Ledger
from trading_bot.venues.paper.matching import terms_of, trade_minute
from trading_bot.venues.venue import VenueFill

SYMBOLS = ("ACME", "BTC/USD")
CENTS = Decimal("0.01")

prices = st.integers(min_value=50, max_value=20_000).map(lambda ticks: Decimal(ticks) * CENTS)


@st.composite
def bars(draw: st.DrawFn, symbol: str, minute: int) -> Bar:
    four = sorted(draw(st.lists(prices, min_size=4, max_size=4)))
    opened, close = draw(st.permutations(four[1:3]))
    return Bar(
        symbol=symbol,
        timestamp=OPEN + timedelta(minutes=minute),
        open=opened,
        high=four[3],
        low=four[0],
        close=close,
        volume=Decimal(draw(st.integers(min_value=0, max_value=300))),
    )


@st.composite
def orders(draw: st.DrawFn) -> dict[str, str | Side | None]:
    symbol = draw(st.sampled_from(SYMBOLS))
    shares, coins = (
        st.integers(1, 80).map(str),
        st.integers(1, 80 * 10**8).map(lambda n: format(Decimal(n).scaleb(-8), "f")),
    )
    return {
        "side": draw(st.sampled_from(Side)),
        "quantity": draw(shares if symbol == "ACME" else coins),
        "limit": draw(st.none() | prices.map(str)),
        "stop": draw(st.none() | prices.map(str)),
        "symbol": symbol,
    }


@st.composite
def runs(draw: st.DrawFn) -> list[tuple[list[Bar], list[dict[str, str | Side | None]], list[int]]]:
    """Minutes: the bars of each, the orders sent before it, and which earlier orders are cancelled before it."""
    minutes = draw(st.integers(min_value=1, max_value=12))
    return [
        (
            [draw(bars(symbol, minute)) for symbol in draw(st.sampled_from([SYMBOLS, SYMBOLS[:1], SYMBOLS[1:]]))],
            draw(st.lists(orders(), max_size=4)),
            draw(st.lists(st.integers(0, 20), max_size=1)),
        )
        for minute in range(minutes)
    ]


configs = st.builds(
    PaperConfig,
    starting_cash=st.sampled_from([Decimal(500), Decimal(24_000), Decimal(100_000)]),
    slippage_bps=st.sampled_from([Decimal(0), Decimal(1), Decimal(1000)]),
    commission_bps=st.sampled_from([Decimal(0), Decimal(3), Decimal(1000)]),
    commission_per_share=st.sampled_from([Decimal(0), Decimal("0.005"), Decimal(1000)]),
    volume_share=st.sampled_from([Decimal("0.1"), Decimal(1)]),
    faults=st.sampled_from([FaultRates(), FaultRates(partial_fill=0.5)]),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(config=configs, run_of=runs())
def test_cash_and_holdings_are_what_the_executions_say_after_every_minute(
    config: PaperConfig, run_of: list[tuple[list[Bar], list[dict[str, str | Side | None]], list[int]]]
) -> None:
    terms = terms_of(config)
    books = Books(clock=OPEN, last_minute=None, cash=config.starting_cash, order_count=0, fill_count=0)
    fills: list[VenueFill] = []
    for minute, (market, wanted, cancelled) in enumerate(run_of):
        for number, one in enumerate(wanted):
            outcome = admit(request(f"{minute}-{number}", **one), books, symbols=SYMBOLS, fees=terms.fees)  # type: ignore[arg-type] # a row of its parameters
            if not isinstance(outcome, Refusal):
                books.order_count = outcome.number
                books.put(outcome)
        for number in cancelled:
            for working in [working for working in books.orders.values() if working.number == number]:
                books.end(working, OrderStatus.CANCELLED, "test", books.clock)
        trade_minute(books, tuple(market), terms)
        check_minute(books, market, config)
        fills += books.new_fills
        check_totals(books, fills, config)
        books.written()


def check_minute(books: Books, market: list[Bar], config: PaperConfig) -> None:
    traded: dict[str, Decimal] = defaultdict(Decimal)
    by_symbol = {bar.symbol: bar for bar in market}
    for fill in books.new_fills:
        bar = by_symbol[fill.symbol]
        traded[fill.symbol] += fill.quantity
        assert bar.low <= fill.price <= bar.high
        assert fill.quantity > 0
        assert fill.quantity % instrument(fill.symbol).quantity_step == 0
        order = books.changed_orders[fill.client_order_id].order
        if order.price is not None and order.order_type is not OrderType.MARKET:
            assert fill.price <= order.price if fill.side is Side.BUY else fill.price >= order.price
    for symbol, quantity in traded.items():
        known = instrument(symbol)
        assert quantity <= floored(by_symbol[symbol].volume * config.volume_share, known.quantity_step)


def check_totals(books: Books, fills: list[VenueFill], config: PaperConfig) -> None:
    cash = config.starting_cash
    held: dict[str, Decimal] = defaultdict(Decimal)
    for fill in fills:
        value = rounded(fill.quantity * fill.price, instrument(fill.symbol).cash_step)
        cash += -value - fill.fee if fill.side is Side.BUY else value - fill.fee
        held[fill.symbol] += fill.quantity if fill.side is Side.BUY else -fill.quantity
        assert cash >= 0
        assert held[fill.symbol] >= 0
        assert fill.fee >= 0
    assert books.cash == cash
    assert {symbol: holding.quantity for symbol, holding in books.holdings.items()} == {
        s: q for s, q in held.items() if q
    }
    assert books.fill_count == len(fills)
    assert books.buying_power(terms_of(config).fees) >= 0
    for symbol in SYMBOLS:
        assert books.promised(symbol) <= books.held(symbol)
    for working in books.orders.values():
        assert working.order.status in LIVE
        assert working.order.filled < working.order.quantity


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(config=configs, run_of=runs())
def test_the_ledger_reads_back_as_it_was_written_after_every_minute(
    config: PaperConfig, run_of: list[tuple[list[Bar], list[dict[str, str | Side | None]], list[int]]]
) -> None:
    terms = terms_of(config)
    books = Books(clock=OPEN, last_minute=None, cash=config.starting_cash, order_count=0, fill_count=0)
    with TemporaryDirectory() as name:
        ledger = Ledger(Path(name) / "venue.db")
        for minute, (market, wanted, _) in enumerate(run_of):
            for number, one in enumerate(wanted):
                outcome = admit(request(f"{minute}-{number}", **one), books, symbols=SYMBOLS, fees=terms.fees)  # type: ignore[arg-type] # a row of its parameters
                if not isinstance(outcome, Refusal):
                    books.order_count = outcome.number
                    books.put(outcome)
            trade_minute(books, tuple(market), terms)
            ledger.save(books)
            assert ledger.load() == books
            read = ledger.load()
            assert read is not None
            assert digits(read) == digits(books)
            books = read
        ledger.close()


def digits(books: Books) -> str:
    """All that decides what happens next, to the last digit."""
    return repr(
        (books.cash, list(books.orders.values()), sorted(books.holdings), sorted(books.last_bars), books.day_trades)
    ) + repr([(books.holdings.get(symbol), books.last_bars.get(symbol)) for symbol in SYMBOLS])


def test_the_account_adds_up_over_real_trading(tmp_path: Path) -> None:
    """A simulated day with an order in every minute: equity is cash and holdings at their last price, minute by minute."""
    market = islice(SimulatedFeed(seed=3).minutes(None), 390)
    exchange = Exchange(tmp_path, [bar for minute in market for bar in minute], PLAIN)
    for number in range(389):
        update = exchange.tick()
        symbol = update.bars[number % 4].symbol
        side = Side.BUY if number % 5 < 3 else Side.SELL
        run(exchange.venue.place(request(f"o{number}", side, "7", symbol=symbol)))
        last = {bar.symbol: bar.close for bar in update.bars}
        worth = sum((quantity * last[held] for held, quantity in exchange.held.items()), Decimal(0))
        assert run(exchange.venue.account()).account_balance == exchange.cash + worth
    assert len(exchange.fills()) > 250
