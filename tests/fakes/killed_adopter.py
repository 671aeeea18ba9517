"""A bot whose configuration is changed while it holds a position, killed with SIGKILL at the n-th moment of the change.

Each run first lets the bot find its feet, and says with its exit code whether file, store, log and bot agree then (`agreement`). Then
something is done to the configuration: an apply, a rollback, a change that does harm, one that is refused, one that needs a restart.
Moments are the ones before and after each commit, each append to the log, each rename of a file, and the change of the bot's parts.
"""

import asyncio
import logging
import os
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from pathlib import Path
from typing import Any

import structlog

from tests.config.changing import Operator
from tests.fakes.killed_bot import Countdown
from tests.fakes.scripted import bar, proposal
from tests.fakes.scripted_bot import PLAIN, ScriptedBot, scripted_bot
from trading_bot.clock import SystemClock
from trading_bot.domain.config import BotConfig
from trading_bot.domain.config_changes import AdoptionStatus
from trading_bot.errors.fault import Fault
from trading_bot.logs.audit import AuditLog
from trading_bot.services import config_file
from trading_bot.services.config_adoption import ConfigAdoption
from trading_bot.services.config_effects import RESTART
from trading_bot.services.config_start import with_parts_of
from trading_bot.services.configuration import config_values, parse_config
from trading_bot.settings import load_settings
from trading_bot.store import configs
from trading_bot.store.store import Store

BARS = [one for index in range(40) for one in (bar(index, "100"), bar(index, "50", symbol="BOLT"))]
CONFIG = BotConfig(strategies=(), venue=PLAIN, symbols=("ACME",))
DISAGREED = 3
PATCHES: tuple[dict[str, Any], ...] = (
    {"risk": {"max_open_positions": 3}},
    {"risk": {"max_open_positions": 12, "max_orders_per_minute": 50}},
    {"risk": {"max_consecutive_losses": 7}, "alerts": {"min_win_rate": None}},
    {"name": "Another"},
    {"symbols": ["ACME", "BOLT"]},
    {"symbols": ["ACME"]},
    {"strategies": [{"kind": "vwap-pullback", "trend_bars": 30}]},
    {"strategies": [], "on_signal": "cancel"},
    {"client_order_prefix": "zz"},
    {"client_order_prefix": "bg", "name": "Back"},
)


def run(moments: int, environment: dict[str, str]) -> int:
    """One change in the home that `environment` names; 0 when it was carried through. 0 moments: never killed."""
    os.environ.update(environment)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    return asyncio.run(_run(Countdown(moments), random.Random(int(environment["CONFIG_SEED"]))))


async def _run(countdown: Countdown, chance: random.Random) -> int:
    home = load_settings().home
    async with scripted_bot(home, BARS, config=CONFIG) as bot:
        bot.venue.honest.follow = _refusing(bot.venue.honest.follow)  # type: ignore[method-assign, assignment]
        if bot.held() == 0:
            await bot.bar()
            await bot.enter(proposal())
        await bot.bar(3)
        told = await agreement(home, bot)
        if told is not None:
            sys.stderr.write(f"{told}\n")
            return DISAGREED
        _arm(countdown)
        await _change(bot, chance)
        await bot.bar(3)
        return 0


async def agreement(  # noqa: PLR0911 - one line for each that may disagree
    home: Path, bot: ScriptedBot
) -> str | None:
    """What file, store, log, bot and venue don't agree on; null when they agree on one version, and it is valid."""
    operator = Operator(bot.bot.store, bot.clock)
    latest, pointer, change = operator.values(), operator.pointer(), operator.change()
    config, running = parse_config(latest), bot.bot.config
    settled = change.status is AdoptionStatus.ADOPTED or change.adopted_at is not None
    if (pointer.version, settled) != (change.version, True):
        return f"store: version {change.version} is {change.status.name}, {pointer.version} is in force"
    if running != with_parts_of(config, running, RESTART):
        return f"bot: {running} is not version {change.version}"
    file = config_file.read_config(load_settings(home=home).config_file)
    if file is None or config_values(file) != latest:
        return f"file: it is not version {change.version}"
    bot.bot.journal.drain()
    log = AuditLog(load_settings(home=home).logs_dir, SystemClock())
    written = [line for line in log.read("config_history") if line["entity"] == "version"]
    if [line["version"] for line in written] != list(range(1, change.version + 1)):
        return f"log: it has the versions {[line['version'] for line in written]} of {change.version}"
    with bot.bot.store.reading("main") as r:
        stored = [configs.find_config(r, line["version"]) for line in written]
    if [line["new_config"] for line in written] != [one and one.values for one in stored]:
        return "log: its configurations are not the store's"
    if not log.verify("config_history").ok:
        return "log: it is broken"
    if (bot.held(), await bot.at_venue()) != (10, 10):
        return f"venue: {bot.held()} are held here and {await bot.at_venue()} there"
    return None


async def _change(bot: ScriptedBot, chance: random.Random) -> None:
    operator = Operator(bot.bot.store, bot.clock)
    what = chance.choice(("apply", "apply", "twice", "harm", "refused", "rollback"))
    if what == "rollback" or operator.change().watched_until is not None:
        versions = range(1, operator.change().version + 1)
        _one_of([partial(operator.rollback, version) for version in versions], chance)
    elif what == "refused":
        operator.apply({"symbols": ["ACME", "NONE"], "name": "Refused"})
        await bot.bar()
    elif what == "harm":
        _one_of([partial(operator.apply, patch, watch_seconds=60) for patch in PATCHES], chance)
        await bot.bar()
        bot.bot.journal.report(Fault("DATA_005", "The venue tells nonsense.").semantic(now=bot.clock.now()))
        for _ in range(3):
            bot.clock.advance(1)
            await bot.bar()
    else:
        for _ in range(2 if what == "twice" else 1):
            _one_of([partial(operator.apply, patch) for patch in PATCHES], chance)


def _one_of(ways: list[Callable[[], object]], chance: random.Random) -> None:
    """The first that changes anything."""
    for way in chance.sample(ways, len(ways)):
        try:
            way()
        except Fault as fault:
            if fault.code != "CFG_010":
                raise
        else:
            return


def _refusing(follow: Callable[[tuple[str, ...]], Any]) -> Callable[[tuple[str, ...]], Any]:
    """The scripted market has what it has; the paper exchange takes it for a simulated one, which has any symbol."""

    async def refused(symbols: tuple[str, ...]) -> None:
        if "NONE" in symbols:
            raise Fault("CFG_001", "Expected symbols that the feed has, NONE is not among them.")
        await follow(symbols)

    return refused


def _arm(countdown: Countdown) -> None:
    """From here on each moment counts."""
    _around(AuditLog, "append_all", countdown)
    _around(config_file, "_replace", countdown)
    _around(ConfigAdoption, "_adopt", countdown)
    _around(ConfigAdoption, "_give_up", countdown)
    original = Store.writing

    @contextmanager
    def writing(self: Store, *arguments: Any) -> Iterator[Any]:
        with original(self, *arguments) as w:
            countdown.reach()
            yield w
            countdown.reach()
        countdown.reach()

    Store.writing = writing  # type: ignore[method-assign,assignment]


def _around(owner: Any, name: str, countdown: Countdown) -> None:
    original = getattr(owner, name)

    @wraps(original)
    def counted(*args: Any, **kwargs: Any) -> Any:
        countdown.reach()
        result = original(*args, **kwargs)
        countdown.reach()
        return result

    setattr(owner, name, counted)
