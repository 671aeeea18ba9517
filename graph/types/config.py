"""Configuration: what is in force, its versions, and what a change would do or did."""

from datetime import datetime
from decimal import Decimal

import strawberry

from graph.describes import accepts, describes, publish
from graph.scalars import JSON
from graph.types.commands import ActionPreview
from graph.types.errors import SemanticError
from graph.types.paging import PageInfo
from resolvers import config_writes, paging
from resolvers.config import ConfigPatch
from trading_bot.domain import account, commands, config, config_changes

publish(config_changes.AdoptionStatus)


@describes(config.ConfigSummary)
class ConfigSummary:
    mode: account.TradingMode
    max_position_size_pct: float
    daily_loss_limit: Decimal
    version: int
    strategies: list[str]
    symbols: list[str]


@describes(config_changes.Adoption)
class Adoption:
    status: config_changes.AdoptionStatus
    at: datetime | None
    detail: str | None


@describes(config_changes.Config)
class Config:
    bot_id: strawberry.ID
    version: int
    values: JSON
    schema_url: str
    updated_at: datetime
    user: str
    adoption: Adoption


@describes(config_changes.ConfigDifference)
class ConfigDifference:
    path: str
    before: JSON | None
    after: JSON | None
    description: str | None


@describes(config_changes.ConfigPlan)
class ConfigPlan:
    base_version: int
    valid: bool
    errors: list[SemanticError]
    diff: list[ConfigDifference]
    risk: commands.RiskLevel
    risk_reasons: list[str]
    effects: list[str]
    loosened: list[str]
    restart: list[str]
    needs_flat: list[str]
    plan_token: str | None


@describes(config_changes.ConfigValidation)
class ConfigValidation:
    valid: bool
    errors: list[SemanticError]


@describes(config_changes.ConfigChange)
class ConfigChange:
    id: strawberry.ID
    version: int
    previous_version: int
    timestamp: datetime
    user: str
    reason: str
    previous_config: JSON
    new_config: JSON
    diff: list[ConfigDifference]
    validation_result: ConfigValidation
    applied: bool
    rolled_back: bool
    rolled_back_by: int | None
    adoption: Adoption
    net_pnl: Decimal
    error_count: int


@describes(paging.Edge)
class ConfigChangeEdge:
    """A version as a step, and where it stands in the list."""

    node: ConfigChange
    cursor: str


@describes(paging.Connection)
class ConfigChangeConnection:
    """A page of versions, newest first."""

    edges: list[ConfigChangeEdge]
    page_info: PageInfo


@describes(config_writes.ConfigChangePayload)
class ConfigChangePayload:
    change: ConfigChange | None
    preview: ActionPreview | None
    errors: list[SemanticError]
    replayed: bool


@accepts(config_writes.ConfigApply)
class ConfigApplyInput:
    plan_token: str
    reason: str
    idempotency_key: str
    watch_seconds: int = strawberry.field(default=60)


@accepts(config_writes.ConfigRollback)
class ConfigRollbackInput:
    bot_id: strawberry.ID | None
    to_version: int
    expected_version: int
    reason: str
    idempotency_key: str
    dry_run: bool = strawberry.field(default=False)
    confirm_token: str | None


@accepts(ConfigPatch)
class ConfigPlanInput:
    bot_id: strawberry.ID | None
    patch: JSON
