"""Config: the versions of the configuration, what differs between them, and what a change would do."""

from dataclasses import dataclass, replace

from resolvers.context import Context
from resolvers.paging import Connection, connection, require_first
from trading_bot.domain.config_changes import Config, ConfigChange, ConfigDifference, ConfigPlan
from trading_bot.errors.fault import Fault
from trading_bot.services.config_diff import differences
from trading_bot.services.config_plans import plan_change
from trading_bot.services.config_views import view_of
from trading_bot.store.config_reads import find_version, list_config_changes
from trading_bot.store.configs import StoredConfig, find_config
from trading_bot.store.transaction import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigPatch:
    """A change of the configuration that is to be judged."""

    bot_id: str | None
    """Which bot; may be left out when there is one."""
    patch: object
    """An RFC 7396 merge patch of the values; null removes a key: it becomes null where it may be, else its default. Lists are replaced."""


async def find_bot_config(context: Context, *, bot_id: str | None = None, version: int | None = None) -> Config | None:
    """A version of the configuration, or the latest; null for one that does not exist."""
    await context.choose_bot(bot_id)
    return await context.read(lambda r: find_version(r, version))


async def plan_config(context: Context, *, input: ConfigPatch) -> ConfigPlan:
    """What the patch would do to the latest version, with a token for it where it is valid and changes anything."""
    bot_id = await context.choose_bot(input.bot_id)

    def judge(r: Reading) -> tuple[StoredConfig, ConfigPlan]:
        base = _config(r, None)
        return base, plan_change(base, input.patch, view_of(r))

    base, plan = await context.read(judge)
    if not plan.valid or not plan.diff:
        return plan
    tokens, caller = context.parts.plan_tokens, context.caller
    return replace(plan, plan_token=tokens.issue(bot_id=bot_id, base=base, values=plan.values, key_id=caller.key_id))


async def list_history(
    context: Context, *, bot_id: str | None = None, first: int, after: str | None = None
) -> Connection[ConfigChange]:
    """A page of versions as steps, newest first. Fault QRY_004 for `first` outside 1 to 100 and for a cursor that is none."""
    await context.choose_bot(bot_id)
    return connection(await context.read(lambda r: list_config_changes(r, first, after)))


async def list_differences(
    context: Context, *, bot_id: str | None = None, from_version: int, to_version: int, first: int
) -> tuple[ConfigDifference, ...]:
    """What differs between two versions. Fault QRY_004 for `first` outside 1 to 100, QRY_005 for a version that does not exist."""
    require_first(first)
    await context.choose_bot(bot_id)
    found = await context.read(lambda r: differences(_config(r, from_version).values, _config(r, to_version).values))
    return found[:first]


def _config(r: Reading, version: int | None) -> StoredConfig:
    stored = find_config(r, version)
    if stored is None:
        what = "has no configuration yet" if version is None else f"has no version {version} of its configuration"
        raise Fault("QRY_005", f"The bot {what}.", context={"version": version})
    return stored
