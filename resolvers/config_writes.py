"""Config writes: a planned change applied, and an old version's content put in force again. Each calls the one service that writes it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from resolvers.commands import REFUSALS
from resolvers.context import Context
from trading_bot.domain.commands import ActionPreview, Intent
from trading_bot.domain.config_changes import ConfigChange
from trading_bot.domain.errors import SemanticError
from trading_bot.errors.fault import Fault
from trading_bot.services.config_apply import InvalidChange
from trading_bot.store.config_reads import find_config_change

_SHOWN = 3
_REFUSALS = REFUSALS | {"CFG_007", "CFG_008", "CFG_010"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigApply:
    """A change of the configuration as it was planned."""

    plan_token: str
    """From configPlan, at most 120 seconds ago: it holds the change, and is its confirmation."""
    reason: str
    """Why, for the audit log; 1 to 500 bytes, not blank."""
    idempotency_key: str
    """Chosen by you, 1 to 128 characters, new for each write: sending the same again does nothing twice, for 24 hours."""
    watch_seconds: int
    """For so long after its adoption it is taken back by itself when the bot fares worse, 0 to 3600; 0 for not at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigRollback:
    """An old version whose content is to be in force again."""

    bot_id: str | None
    """Which bot; may be left out when there is one."""
    to_version: int
    """The version whose content is wanted, from 1."""
    expected_version: int
    """The latest version as you know it: another one is a conflict."""
    reason: str
    """Why, for the audit log; 1 to 500 bytes, not blank."""
    idempotency_key: str
    """Chosen by you, 1 to 128 characters, new for each write: sending the same again does nothing twice, for 24 hours."""
    dry_run: bool
    """Answer with what would happen, and do nothing."""
    confirm_token: str | None
    """From a dry run of the same input; needed for risk HIGH only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigChangePayload:
    """What became of a change of the configuration."""

    change: ConfigChange | None
    """The version that was written, as it is now; null for a dry run and for one that was refused."""
    preview: ActionPreview | None
    """What it would do; null unless `dryRun`."""
    errors: tuple[SemanticError, ...]
    """Why it was refused, at most 3; empty when it was not."""
    replayed: bool
    """Whether this idempotency key was used before: nothing was done again, `change` is the first one."""


async def apply_config(context: Context, input: ConfigApply, intent: Intent) -> ConfigChangePayload:
    """The planned change written as the next version, which the bot is asked to adopt."""

    def write() -> ConfigChangePayload:
        service = context.parts.config_changes
        bot_id, version, replayed = service.apply(input.plan_token, intent, watch_seconds=input.watch_seconds)
        return _written(context, bot_id, version, replayed=replayed)

    return await _answered(context, write)


async def rollback_config(context: Context, input: ConfigRollback, intent: Intent) -> ConfigChangePayload:
    """The content of an old version written as the next one, which the bot is asked to adopt."""
    bot_id = await context.choose_bot(input.bot_id)
    service, to, expected = context.parts.config_changes, input.to_version, input.expected_version

    def preview() -> ConfigChangePayload:
        seen = service.preview_rollback(bot_id, to_version=to, expected_version=expected)
        return ConfigChangePayload(change=None, preview=seen, errors=(), replayed=False)

    def write() -> ConfigChangePayload:
        version, replayed = service.rollback(bot_id, intent, to_version=to, expected_version=expected)
        return _written(context, bot_id, version, replayed=replayed)

    return await _answered(context, preview if input.dry_run else write)


def _written(context: Context, bot_id: str, version: int, *, replayed: bool) -> ConfigChangePayload:
    with context.parts.store.reading(bot_id) as r:
        change = find_config_change(r, version)
    return ConfigChangePayload(change=change, preview=None, errors=(), replayed=replayed)


async def _answered(context: Context, work: Callable[[], ConfigChangePayload]) -> ConfigChangePayload:
    """What `work` answers. What the caller got wrong (scope, token) is raised, what was refused stands in the payload."""
    try:
        return await asyncio.get_running_loop().run_in_executor(context.parts.workers, work)
    except InvalidChange as invalid:
        return _refused(*invalid.plan.errors[:_SHOWN])
    except Fault as fault:
        if fault.code not in _REFUSALS:
            raise
        return _refused(fault.semantic(now=context.now))


def _refused(*errors: SemanticError) -> ConfigChangePayload:
    return ConfigChangePayload(change=None, preview=None, errors=errors, replayed=False)
