"""Sessions: the trading days."""

from datetime import datetime
from decimal import Decimal

import strawberry

from graph.describes import describes
from graph.types.paging import PageInfo
from resolvers import paging
from trading_bot.domain import sessions


@describes(sessions.BotSession)
class BotSession:
    id: strawberry.ID
    date: str
    starting_balance: Decimal
    start_of_day_equity: Decimal
    gross_pnl: Decimal
    total_fees: Decimal
    total_llm_cost: Decimal
    net_pnl: Decimal
    total_trades: int
    created_at: datetime
    closed_at: datetime | None


@describes(paging.Edge)
class BotSessionEdge:
    """A session, and where it stands in the list."""

    node: BotSession
    cursor: str


@describes(paging.Connection)
class BotSessionConnection:
    """A page of sessions, newest first."""

    edges: list[BotSessionEdge]
    page_info: PageInfo
