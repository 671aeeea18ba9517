"""Trades: from entry to flat, and how to find them again."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from functools import partial

import sqlalchemy as sa

from trading_bot.domain.trades import Outcome, Trade
from trading_bot.errors.fault import Fault
from trading_bot.store.columns import at_least, at_most, storable
from trading_bot.store.paging import Page, page_of
from trading_bot.store.rows import made, of_bot, put, select_of, values_of
from trading_bot.store.tables import trades
from trading_bot.store.transaction import Reading, Writing

LONGEST_SEARCH = 200
"""Characters that a search may have."""
_ROWS_AT_A_TIME = 500


def save_trade(w: Writing, trade: Trade) -> None:
    """Add the trade, or renew it."""
    texts = (trade.symbol, trade.strategy_name, trade.decision_reasoning, trade.exit_reasoning or "")
    put(w, trades, {**values_of(trade), "words": "\n".join(texts).casefold()})


def find_trade(r: Reading, id: str) -> Trade | None:
    """The trade of that id (its plan's)."""
    row = r.connection.execute(_all(r).where(trades.c.id == id)).one_or_none()
    return None if row is None else made(Trade, row)


def list_trades(
    r: Reading,
    first: int,
    after: str | None = None,
    *,
    symbol: str | None = None,
    strategy_name: str | None = None,
    outcome: Outcome | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    min_profit_loss: Decimal | None = None,
    max_profit_loss: Decimal | None = None,
    search: str | None = None,
) -> Page[Trade]:
    """Trades, newest entry first, that pass every filter which is not null.

    `start` (inclusive) and `end` (exclusive) are venue times of the entry; the profit limits (inclusive) hold the net result, so an open
    trade passes neither; `search` is found in symbol, strategy, reasoning or exit reasoning, whatever the case. QRY_004 when it is longer
    than 200 characters.
    """
    c = trades.c
    filters = (
        symbol is not None and c.symbol == symbol,
        strategy_name is not None and c.strategy_name == strategy_name,
        outcome is not None and c.outcome == outcome,
        start is not None and c.timestamp >= start,
        end is not None and c.timestamp < end,
        min_profit_loss is not None and at_least(c.net_profit_loss, min_profit_loss),
        max_profit_loss is not None and at_most(c.net_profit_loss, max_profit_loss),
        search is not None and c.words.contains(_sought(search), autoescape=True),
    )
    query = _all(r).where(*(wanted for wanted in filters if wanted is not False))
    return page_of(r, query, (c.timestamp, c.id), first=first, after=after, load=partial(made, Trade))


def list_closed_trades(r: Reading) -> Iterator[Trade]:
    """Every closed trade, in the order of their exits, read as they are taken."""
    closed = _all(r).where(trades.c.exit_timestamp.is_not(None))
    in_order = closed.order_by(trades.c.exit_timestamp, trades.c.recorded_at, trades.c.id)
    rows = r.connection.execute(in_order.execution_options(yield_per=_ROWS_AT_A_TIME))
    return (made(Trade, row) for row in rows)


def count_closed_in_session(r: Reading, session_start: datetime) -> int:
    """Trades that were closed at or after a session's start, in venue time."""
    closed = sa.select(sa.func.count()).where(of_bot(r, trades), trades.c.exit_timestamp >= session_start)
    return r.connection.execute(closed).scalar_one()


def _all(r: Reading) -> sa.Select[tuple[object, ...]]:
    return select_of(Trade, trades).where(of_bot(r, trades))


def _sought(search: str) -> str:
    if len(search) > LONGEST_SEARCH:
        raise Fault(
            "QRY_004",
            f"Expected `search` of at most {LONGEST_SEARCH} characters, was {len(search)}.",
            context={"argument": "search", "max": LONGEST_SEARCH},
        )
    return storable(search).casefold()
