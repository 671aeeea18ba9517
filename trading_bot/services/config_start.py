"""Config start: which version a start of the bot trades by, and what of it holds at once.

Mode, venue and prefix change at a start only, and while nothing is held and no order may act; the decider at any start. A version that no
bot has taken on yet is tried first, so that a restart is a way into it and, for one that takes another back, out of it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from trading_bot.domain.config import BotConfig
from trading_bot.domain.config_changes import AdoptionStatus
from trading_bot.domain.config_versions import ConfigOrigin, InForce, StoredChange
from trading_bot.domain.errors import REASON_BYTES, capped
from trading_bot.errors.fault import Fault
from trading_bot.services.config_effects import NEEDS_FLAT, RESTART
from trading_bot.services.config_versions import end_command, import_first, stored_config, take_back
from trading_bot.services.config_views import view_of
from trading_bot.services.configuration import config_hash, config_values, parse_config
from trading_bot.store import config_changes, configs
from trading_bot.store.store import Reading, Store

Adjust = Callable[[BotConfig], BotConfig]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A version that a start may trade by."""

    in_force: InForce
    """What it would be."""
    change: StoredChange | None
    """Its step, where this start is the first to try it; null for what was in force before."""


def waiting_parts(wanted: BotConfig, running: BotConfig) -> tuple[str, ...]:
    """Parts of `wanted` that a running bot can't take on."""
    return tuple(name for name in RESTART if getattr(wanted, name) != getattr(running, name))


def with_parts_of(config: BotConfig, other: BotConfig, parts: tuple[str, ...]) -> BotConfig:
    """`config`, with these parts as `other` has them."""
    return replace(config, **{name: getattr(other, name) for name in parts})


def import_file(store: Store, bot_id: str, path: Path, adjust: Adjust) -> None:
    """At the very first start: import the file, or write one with the defaults and the feed of the command line. CFG_001, CFG_002."""
    with store.reading(bot_id) as r:
        if configs.find_config(r) is not None:
            return
    from trading_bot.services.config_file import read_config, write_config  # noqa: PLC0415 - later starts need no YAML

    config = adjust(read_config(path) or BotConfig(bot_id=bot_id))
    values = config_values(config)
    write_config(path, config)
    with store.writing(bot_id) as w:
        import_first(w, values=values, digest=config_hash(values))


def config_at_rest(r: Reading) -> BotConfig | None:
    """What the bot traded by when it was last up; null before its first start. CFG_001 for one that this release can't read."""
    if config_changes.find_pointer(r) is None:
        return None
    return _candidate(r, None, lambda config: config).in_force.config


def found_candidate(store: Store, bot_id: str, adjust: Adjust) -> Candidate:
    """What a start trades by: a version that no bot has tried yet, else what was in force. CFG_001 for one that this release can't read."""
    while True:
        with store.reading(bot_id) as r:
            change = _untried(r)
            try:
                return _candidate(r, change, adjust)
            except Fault as fault:
                problem = fault
        if change is None or not refuse(store, bot_id, change, problem):
            raise problem


def refuse(store: Store, bot_id: str, change: StoredChange, problem: Fault) -> bool:
    """Give up a version that the bot can't start with, so that what was in force before is tried next; False where that has been tried."""
    why = f"The bot can't start with it: {problem.cause}"
    with store.writing(bot_id) as w:
        fresh = config_changes.find_change(w, change.version)
        if fresh is None or not fresh.is_waiting:
            return False
        if fresh.origin is ConfigOrigin.REVERT:
            refused = replace(fresh, status=AdoptionStatus.REFUSED, at=w.now, detail=capped(why, REASON_BYTES))
            config_changes.save_change(w, refused)
            end_command(w, refused, why=why)
        else:
            take_back(w, fresh, status=AdoptionStatus.REFUSED, why=why, user="bot")
    return True


def _untried(r: Reading) -> StoredChange | None:
    """The latest version, where the bot never took it on and still should."""
    change, pointer = config_changes.find_change(r), config_changes.find_pointer(r)
    if change is None or pointer is None or change.version == pointer.version:
        return None
    return change if change.is_waiting and not change.is_overdue(r.now) else None


def _candidate(r: Reading, change: StoredChange | None, adjust: Adjust) -> Candidate:
    pointer = config_changes.find_pointer(r)
    if pointer is None:
        raise Fault("SYS_001", "It is not known which version of the configuration is in force.")
    version, restart_version = (change or pointer).version, pointer.restart_version
    stored = stored_config(r, version)
    config = adjust(parse_config(stored.values))
    if restart_version != version and view_of(r).is_flat:
        restart_version = version
    if restart_version != version:
        held = adjust(parse_config(stored_config(r, restart_version).values))
        config = with_parts_of(config, held, NEEDS_FLAT)
        restart_version = version if config == adjust(parse_config(stored.values)) else restart_version
    in_force = InForce(config=config, version=version, hash=stored.config_hash, restart_version=restart_version)
    return Candidate(in_force=in_force, change=change)
