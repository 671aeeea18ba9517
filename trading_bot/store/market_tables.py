"""The tables of what a venue has: the latest prices, and every symbol."""

import sqlalchemy as sa

from trading_bot.store.columns import Exact, Json, Utc
from trading_bot.store.metadata import key, maybe, metadata, some

quotes = sa.Table(
    "quotes",
    metadata,
    key("bot_id"),
    key("symbol"),
    some("timestamp", Utc),
    some("price", Exact),
    maybe("bid", Exact),
    maybe("ask", Exact),
    maybe("bid_size", Exact),
    maybe("ask_size", Exact),
    maybe("volume", Exact),
)

listings = sa.Table("listings", metadata, key("bot_id"), some("symbols", Json))
