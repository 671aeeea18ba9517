"""Config versions: how a version of the configuration comes to be, and what is kept of its life until it is in force or taken back."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from trading_bot.domain.config import BotConfig
from trading_bot.domain.config_changes import AdoptionStatus

ADOPT_WITHIN = timedelta(seconds=120)
"""A change that no bot took on for so long (wall clock) is reverted: longer than a bot that hangs is left to hang."""
NEW_FOR = timedelta(minutes=10)
"""For so long after its adoption (wall clock) a version counts as new: crashes of the bot are laid at its door."""
MOST_CRASHES = 2
"""Crashes under a new version after which it is reverted."""
LONGEST_WATCH = 3_600
"""Seconds for which a change may be watched at most."""


class ConfigOrigin(Enum):
    """What made a version."""

    IMPORT = "import"
    """The first start, from the file or from the defaults."""
    APPLY = "apply"
    """An operator, with a plan."""
    ROLLBACK = "rollback"
    """An operator, who wanted an older version's content again."""
    REVERT = "revert"
    """The bot or the supervisor, because the version before was refused or did harm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredChange:
    """One version as a step, without the configuration itself."""

    id: str
    """UUID, made of bot and version."""
    version: int
    """The version that it made, from 1."""
    previous_version: int
    """The version before; 0 for the first one."""
    timestamp: datetime
    """Wall clock when it was stored, UTC."""
    user: str
    """Who made it: the id of an API key, or what made it."""
    reason: str
    """Why, at most 500 bytes."""
    origin: ConfigOrigin
    """What made it."""
    diff: list[dict[str, Any]]
    """Each value that changed, as a record of ConfigDifference."""
    watch_seconds: int
    """For how long it is watched once it is adopted, 0 to 3600; 0 for not at all."""
    command_id: str | None
    """The command that asks the bot to adopt it; null for the first version."""
    status: AdoptionStatus
    """How far the bot has come with it."""
    at: datetime | None = None
    """Wall clock when it came there, UTC; null while nothing has happened."""
    detail: str | None = None
    """Why, at most 500 bytes; null where there is nothing to say."""
    adopted_at: datetime | None = None
    """Wall clock when the bot took it on first, UTC; null where it never did."""
    replaced: int | None = None
    """The version that was in force before it was taken on, and that a revert goes back to; null until then."""
    watched_until: datetime | None = None
    """Wall clock until which it is watched, UTC; null when it is not, or not any more."""
    baseline: dict[str, Any] | None = None
    """How the bot was when it was taken on: what `config_watch` compares with; null where it is not watched."""
    crashes: int = 0
    """Ends of the bot's process that nobody asked for while it was new, 0 or more."""
    rolled_back_by: int | None = None
    """The version that undid it; null where none did."""

    @property
    def is_waiting(self) -> bool:
        """Whether the bot has not taken it on at all."""
        return self.status is AdoptionStatus.PENDING and self.adopted_at is None

    def is_overdue(self, now: datetime) -> bool:
        """Whether the bot should have taken it on by now; a version that takes another one back has no such limit."""
        return self.is_waiting and self.origin is not ConfigOrigin.REVERT and now - self.timestamp > ADOPT_WITHIN

    def is_new(self, now: datetime) -> bool:
        """Whether a crash of the bot is laid at its door."""
        if self.origin in {ConfigOrigin.IMPORT, ConfigOrigin.REVERT} or self.rolled_back_by is not None:
            return False
        if self.status is AdoptionStatus.PENDING:
            return True
        # `at`, not `adopted_at`: what waited for a restart is as new as that restart.
        until = max(filter(None, (self.watched_until, self.at and self.at + NEW_FOR)), default=now)
        return self.status is AdoptionStatus.ADOPTED and now < until


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigPointer:
    """Which version the bot trades by."""

    version: int
    """The version that it took on last."""
    restart_version: int
    """The version whose mode, venue, account and prefix hold: they change at a restart only, and while nothing is held."""
    since: datetime
    """Wall clock when it was taken on, UTC."""
    file_version: int | None = None
    """The version that the file was last to be written for or found equal to; null where that is not known."""
    file_digest: str | None = None
    """SHA-256 of the file as it is then; null where that is not known."""
    replaced_digest: str | None = None
    """SHA-256 of the file as it was before: a kill may have kept it from being written; null where there was none."""
    told_digest: str | None = None
    """SHA-256 of an edited file that was reported; null where none was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """What the bot trades by."""

    config: BotConfig
    """The configuration, with the feed of the command line; mode, venue and prefix are those of `restart_version`."""
    version: int
    """Its number: it stands in every trade."""
    hash: str
    """MD5 of the version's values, 32 hexadecimal digits."""
    restart_version: int
    """The version whose mode, venue and prefix hold."""
