"""The table of the latest prices."""

import sqlalchemy as sa

from trading_bot.store.columns import Exact, Utc
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
