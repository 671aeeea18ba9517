"""Config changes: what a change of the configuration would do, what it did, and what is asked of the bot before it is judged."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from trading_bot.domain.commands import RiskLevel
from trading_bot.domain.errors import SemanticError
from trading_bot.domain.plans import TradePlan


class AdoptionStatus(Enum):
    """How far the running bot has come with a version of the configuration."""

    PENDING = "PENDING"
    """Stored; the bot has not taken it on yet, or does at its next restart."""
    ADOPTED = "ADOPTED"
    """The bot trades by it."""
    REFUSED = "REFUSED"
    """The bot did not take it on; what was in force before is in force again."""
    REVERTED = "REVERTED"
    """The bot took it on, and it was taken back by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """When the running bot took a version on, and how that ended."""

    status: AdoptionStatus
    """How far it has come."""
    at: datetime | None
    """Wall clock when it came there, UTC; null while nothing has happened."""
    detail: str | None
    """Why, at most 500 bytes; null where there is nothing to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigDifference:
    """One value that differs between two configurations."""

    path: str
    """Where it stands, such as risk.max_open_positions or strategies[0].stop_pct."""
    before: Any | None
    """What it was, as JSON data; null where there was none."""
    after: Any | None
    """What it is to be, as JSON data; null where it goes."""
    description: str | None
    """What the key means, with unit and range, at most 400 bytes; null for one that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigView:
    """What a change is judged against besides the configuration: the running bot, as its books have it."""

    now: datetime
    """Wall clock, UTC: the date of what is found."""
    symbols: frozenset[str] | None = None
    """What the venue can trade; null where that is not known, and then no symbol is refused for it."""
    spreads: Mapping[str, Decimal] = field(default_factory=dict)
    """Latest spread by symbol, in percent of the price; symbols without bid and ask are missing."""
    open_plans: tuple[TradePlan, ...] = ()
    """Plans that hold a position or may still enter."""
    open_orders: int = 0
    """Orders that may still act, 0 or more."""
    held: frozenset[str] = frozenset()
    """Symbols of which something is held, with a plan or without."""
    equity: Decimal | None = None
    """Worth of the account in the quote currency; null before the bot has read it."""
    daily_pnl: Decimal | None = None
    """Profit or loss of the session so far, in the quote currency; null before the first session."""

    @property
    def is_flat(self) -> bool:
        """Whether nothing is held and no order may act."""
        return not self.open_plans and not self.held and self.open_orders == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigPlan:
    """What a change would do, found out without doing it."""

    base_version: int
    """The version that it changes, from 1."""
    values: dict[str, Any]
    """The whole configuration as it would be, as JSON data, defaults included; the base's where the change is not valid."""
    config_hash: str
    """MD5 of `values`, 32 hexadecimal digits."""
    valid: bool
    """Whether it may be applied."""
    errors: tuple[SemanticError, ...]
    """All that is wrong with it, at most 50; empty when it is valid."""
    diff: tuple[ConfigDifference, ...]
    """Each value that changes, by path, at most 200."""
    risk: RiskLevel
    """How much harm it could do."""
    risk_reasons: tuple[str, ...]
    """Why the risk is above LOW, one sentence each of at most 300 bytes, at most 20."""
    effects: tuple[str, ...]
    """What happens when it is applied, one sentence each of at most 300 bytes, at most 20."""
    loosened: tuple[str, ...]
    """Paths of the limits that would get looser, at most 20."""
    restart: tuple[str, ...]
    """Paths that take effect only at a restart of the bot, at most 100."""
    needs_flat: tuple[str, ...]
    """Those of `restart`, at most 100, that change only while nothing is held and no order may act: mode, venue, prefix."""
    plan_token: str | None = None
    """Send it to configApply within 120 seconds, at most 8,000 bytes; null when invalid, or when nothing would change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigValidation:
    """Whether a version was found valid when it was written."""

    valid: bool
    """Whether it may be in force."""
    errors: tuple[SemanticError, ...]
    """All that is wrong with it, at most 50; empty when it is valid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One version of the configuration."""

    bot_id: str
    """The bot that it is for."""
    version: int
    """Number of the version, from 1."""
    values: dict[str, Any]
    """Every key with its value, at most 12,000 bytes; decimals as strings, secrets as references to where they are."""
    schema_url: str
    """Where the JSON Schema of the values is, below the API's own address."""
    updated_at: datetime
    """Wall clock when it was stored, UTC."""
    user: str
    """Who wrote it: the id of an API key, or what made it."""
    adoption: Adoption
    """When the running bot took it on, and how that ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigChange:
    """One version of the configuration as a step: who made it, why, what it changed and what came of it."""

    id: str
    """UUID, the same for the version for ever."""
    version: int
    """Number of the version that it made, from 1."""
    previous_version: int
    """The version before; 0 for the first one."""
    timestamp: datetime
    """Wall clock when it was stored, UTC."""
    user: str
    """Who made it: the id of an API key, or what made it."""
    reason: str
    """Why, at most 500 bytes."""
    previous_config: dict[str, Any]
    """Every key before, at most 12,000 bytes; empty for the first version."""
    new_config: dict[str, Any]
    """Every key since, at most 12,000 bytes."""
    diff: tuple[ConfigDifference, ...]
    """Each value that changed, by path, at most 200."""
    validation_result: ConfigValidation
    """Whether it was found valid."""
    applied: bool
    """Whether the bot has taken it on, be it that it was taken back later."""
    rolled_back: bool
    """Whether its change was undone by a later version."""
    rolled_back_by: int | None
    """The version that undid it; null where none did."""
    adoption: Adoption
    """When the running bot took it on, and how that ended; it can fail and then reverts itself."""
    net_pnl: Decimal
    """Net profit or loss of the trades that were entered while it was in force and have ended, in the quote currency."""
    error_count: int
    """Errors that occurred while it was in force, 0 or more."""
