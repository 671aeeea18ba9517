"""Listings: every symbol that the bot's venue has, traded or not, as it was at the bot's last start."""

import sqlalchemy as sa

from trading_bot.store.market_tables import listings
from trading_bot.store.rows import of_bot, put
from trading_bot.store.transaction import Reading, Writing


def save_listed(w: Writing, symbols: frozenset[str] | None) -> None:
    """Keep what the venue has; null for a venue that has any symbol, which is then not known to lack one."""
    if symbols is None:
        w.connection.execute(listings.delete().where(of_bot(w, listings)))
    else:
        put(w, listings, {"symbols": sorted(symbols)})


def find_listed(r: Reading) -> frozenset[str] | None:
    """What the venue has; null where it has any symbol, or where nobody has looked."""
    symbols = r.connection.execute(sa.select(listings.c.symbols).where(of_bot(r, listings))).scalar()
    return None if symbols is None else frozenset(symbols)
