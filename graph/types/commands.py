"""Commands: what was asked of the bot, what came of it, and what a write would do."""

from datetime import datetime

import strawberry

from graph.describes import describes, publish
from graph.scalars import JSON
from graph.types.errors import SemanticError
from resolvers import payloads
from trading_bot.domain import commands

publish(commands.CommandKind)
publish(commands.CommandStatus)
publish(commands.RiskLevel)
publish(commands.StopPolicy)


@describes(commands.Command)
class Command:
    id: strawberry.ID
    bot_id: strawberry.ID
    kind: commands.CommandKind
    status: commands.CommandStatus
    user: str
    reason: str
    created_at: datetime
    executed_at: datetime | None
    outcome: JSON | None
    error: SemanticError | None


@describes(commands.ActionPreview)
class ActionPreview:
    summary: str
    effects: list[str]
    risk: commands.RiskLevel
    confirm_token: str | None
    expires_at: datetime | None


@describes(payloads.CommandPayload)
class CommandPayload:
    command: Command | None
    preview: ActionPreview | None
    errors: list[SemanticError]
    replayed: bool
