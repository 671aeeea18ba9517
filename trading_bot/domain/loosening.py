"""Loosening: which limits one configuration has looser than another, and a configuration in which none is.

A field that is a limit says so where it stands (`Limit`), with the way in which it gets looser.
"""

from dataclasses import replace
from enum import Enum
from functools import cache
from typing import Any

from trading_bot.domain.config import BotConfig
from trading_bot.domain.ranges import Limit, Looser, notes

_PARTS = ("risk", "hours")
"""Parts of the configuration that hold limits, besides the top."""


def loosened(before: BotConfig, after: BotConfig) -> tuple[str, ...]:
    """Paths of the limits that `after` has looser than `before`, mode included: from paper to real money."""
    own = _looser_in(before, after)
    return (*own, *(f"{part}.{name}" for part in _PARTS for name in _looser_in(*_both(before, after, part))))


def kept_tight(in_force: BotConfig, wanted: BotConfig) -> BotConfig:
    """`wanted`, but each limit that it has looser keeps the value that is in force: for what is taken back without an operator."""
    paths = loosened(in_force, wanted)
    kept: dict[str, Any] = {path: getattr(in_force, path) for path in paths if "." not in path}
    for part in _PARTS:
        held, other = _both(in_force, wanted, part)
        names = [path.removeprefix(f"{part}.") for path in paths if path.startswith(f"{part}.")]
        kept[part] = replace(other, **{name: getattr(held, name) for name in names})
    return replace(wanted, **kept)


def _both(one: BotConfig, other: BotConfig, part: str) -> tuple[Any, Any]:
    return getattr(one, part), getattr(other, part)


def _looser_in(before: Any, after: Any) -> tuple[str, ...]:
    return tuple(name for name, looser in _limits(before.__class__) if _allows_more(before, after, name, looser))


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
