"""Quotes: the latest price of each symbol, as the bot last saw it."""

from collections.abc import Iterable

from trading_bot.domain.market import Quote
from trading_bot.store.market_tables import quotes
from trading_bot.store.rows import made, of_bot, put_all, select_of, values_of
from trading_bot.store.transaction import Reading, Writing


def save_quotes(w: Writing, latest: Iterable[Quote]) -> None:
    """Keep the latest price of some symbols; of the others the last one stays."""
    put_all(w, quotes, [values_of(quote) for quote in latest])


def find_quote(r: Reading, symbol: str) -> Quote | None:
    """The latest price of a symbol; null for one that was never seen."""
    row = r.connection.execute(
        select_of(Quote, quotes).where(of_bot(r, quotes), quotes.c.symbol == symbol)
    ).one_or_none()
    return None if row is None else made(Quote, row)


def list_quotes(r: Reading) -> tuple[Quote, ...]:
    """The latest price of every symbol that was seen, by symbol."""
    rows = r.connection.execute(select_of(Quote, quotes).where(of_bot(r, quotes)).order_by(quotes.c.symbol))
    return tuple(made(Quote, row) for row in rows)
