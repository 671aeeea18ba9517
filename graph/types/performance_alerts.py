"""Performance alerts: figures over the last trades that an operator should know of."""

from datetime import datetime

import strawberry

from graph.describes import describes
from graph.types.paging import PageInfo
from resolvers import paging
from trading_bot.domain import watch


@describes(watch.PerformanceMetric)
class PerformanceMetric:
    id: strawberry.ID
    timestamp: datetime
    window_size: int
    win_rate: float | None
    profit_factor: float | None
    max_drawdown_pct: float
    consecutive_losses: int
    total_trades: int
    alert_triggered: bool
    alert_message: str | None


@describes(paging.Edge)
class PerformanceMetricEdge:
    """The figures after one closed trade, and where they stand in the list."""

    node: PerformanceMetric
    cursor: str


@describes(paging.Connection)
class PerformanceMetricConnection:
    """A page of figures, newest first."""

    edges: list[PerformanceMetricEdge]
    page_info: PageInfo
