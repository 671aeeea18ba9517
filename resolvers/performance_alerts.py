"""Performance alerts: figures over the last trades that an operator should know of."""

from resolvers.context import Context
from resolvers.paging import Connection, connection
from trading_bot.domain.watch import PerformanceMetric
from trading_bot.store import performance_metrics


async def list_alerts(
    context: Context, *, bot_id: str | None = None, first: int, after: str | None = None
) -> Connection[PerformanceMetric]:
    """A page of figures that triggered an alert, newest first. Fault QRY_004 for `first` outside 1 to 100 and for a cursor that is none."""
    await context.choose_bot(bot_id)
    return connection(await context.read(lambda r: performance_metrics.list_metrics(r, first, after, alerts_only=True)))
