"""Commands: what was asked of the bot, what came of it, and what a write would do."""

from datetime import datetime

import strawberry

from graph.describes import describes, publish
from graph.scalars import JSON
from graph.types.errors import SemanticError
from graph.types.paging import PageInfo
from resolvers import paging, payloads
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
    parameters: JSON
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


@describes(payloads.ErrorAcknowledgePayload)
class ErrorAcknowledgePayload:
    acknowledged: list[SemanticError]
    preview: ActionPreview | None
    errors: list[SemanticError]
    replayed: bool


@describes(paging.Edge)
class CommandEdge:
    """A command, and where it stands in the list."""

    node: Command
    cursor: str


@describes(paging.Connection)
class CommandConnection:
    """A page of commands, newest first."""

    edges: list[CommandEdge]
    page_info: PageInfo
