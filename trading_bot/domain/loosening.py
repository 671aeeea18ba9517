"""Loosening: which limits one configuration has looser than another, and a configuration in which none is.

A field that is a limit says so where it stands (`Limit`), with the way in which it gets looser.
"""

from dataclasses import replace
from enum import Enum
from functools import cache
from typing import Any

from trading_bot.domain.config import BotConfig
from trading_bot.domain.limits import RiskLimits
from trading_bot.domain.ranges import Limit, Looser, notes


def loosened(before: BotConfig, after: BotConfig) -> tuple[str, ...]:
    """Paths of the limits that `after` has looser than `before`, mode included: from paper to real money."""
    own = (name for name, looser in _limits(BotConfig) if _allows_more(before, after, name, looser))
    risk = (
        f"risk.{name}" for name, looser in _limits(RiskLimits) if _allows_more(before.risk, after.risk, name, looser)
    )
    return (*own, *risk)


def kept_tight(in_force: BotConfig, wanted: BotConfig) -> BotConfig:
    """`wanted`, but each limit that it has looser keeps the value that is in force: for what is taken back without an operator."""
    paths = loosened(in_force, wanted)
    own = {path: getattr(in_force, path) for path in paths if "." not in path}
    risk = {path.removeprefix("risk."): path for path in paths if "." in path}
    limits = replace(wanted.risk, **{name: getattr(in_force.risk, name) for name in risk})
    return replace(wanted, risk=limits, **own)


def _allows_more(before: object, after: object, name: str, looser: Looser) -> bool:
    old, new = getattr(before, name), getattr(after, name)
    if old is None or new is None:  # null means no limit
        return old is not None and new is None
    return _rank(new) > _rank(old) if looser is Looser.HIGHER else bool(_rank(new) < _rank(old))


def _rank(value: Any) -> Any:
    return tuple(type(value)).index(value) if isinstance(value, Enum) else value


@cache
def _limits(model: type[Any]) -> tuple[tuple[str, Looser], ...]:
    return tuple((name, one.looser) for name, _, said in notes(model) for one in said if isinstance(one, Limit))
