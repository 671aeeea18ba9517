"""Changes: what happened, one event after the other."""

from datetime import datetime

from graph.describes import describes, publish
from graph.scalars import JSON, BigInt
from trading_bot.domain import events

publish(events.EventKind)


@describes(events.Event)
class Event:
    seq: BigInt
    at: datetime
    kind: events.EventKind
    subject: str
    summary: str
    data: JSON
