"""Risk: what the limits refused, and what the circuit breaker did."""

from resolvers.context import Context
from resolvers.inputs import RiskEventFilter
from resolvers.paging import Connection, connection
from trading_bot.domain.risk_events import RiskEvent
from trading_bot.store import risk_events


async def list_risk_events(
    context: Context,
    *,
    bot_id: str | None = None,
    first: int,
    after: str | None = None,
    filter: RiskEventFilter | None = None,
) -> Connection[RiskEvent]:
    """A page of risk events, newest first. Fault QRY_004 for `first` outside 1 to 100 and for a cursor that is none."""
    await context.choose_bot(bot_id)
    wanted = filter or RiskEventFilter()
    page = await context.read(
        lambda r: risk_events.list_risk_events(
            r,
            first,
            after,
            event_type=wanted.event_type,
            severity=wanted.severity,
            start=wanted.start,
            end=wanted.end,
        )
    )
    return connection(page)
