"""Viewer: whose key an operation came with."""

import strawberry

from graph.describes import describes
from trading_bot.domain import commands, errors


@describes(commands.Caller)
class Viewer:
    key_id: strawberry.ID
    name: str
    scope: errors.Scope
    rate_per_minute: int | None = strawberry.field(name="rateLimitPerMinute")
    rate_remaining: int | None
    max_response_bytes: int
