"""Config diff: what differs between two configurations, value by value, each with what its key means.

A list of strategies is compared strategy by strategy, each by its kind (the second of a kind as `kind#2`), so that one that was put before
the others does not look like a change of all; their order is told by itself.
"""

from collections.abc import Iterator
from typing import Any

from trading_bot.domain.config_changes import ConfigDifference
from trading_bot.services.config_fields import Shape, below, explained, inside, schema


def differences(before: dict[str, Any], after: dict[str, Any]) -> tuple[ConfigDifference, ...]:
    """Each value that differs, in the order of the configuration."""
    return tuple(_inside("", schema(), before, after))


def _inside(path: str, shape: Shape, before: Any, after: Any) -> Iterator[ConfigDifference]:
    if before == after and type(before) is type(after):
        return
    if isinstance(before, dict) and isinstance(after, dict):
        whole = inside(shape, after)
        known = [key for key in whole.get("properties", ()) if key in before or key in after]
        for key in (*known, *sorted((before.keys() | after.keys()) - set(known), key=str)):
            name = f"{path}.{key}" if path else str(key)
            yield from _inside(name, below(whole, key, after), before.get(key), after.get(key))
    elif _are_kinds(before) and _are_kinds(after):
        yield from _strategies(path, shape, before, after)
    else:
        yield _difference(path, shape, before, after)


def _strategies(path: str, shape: Shape, before: list[Any], after: list[Any]) -> Iterator[ConfigDifference]:
    old, new = _by_kind(before), _by_kind(after)
    for name in (*(name for name in old if name not in new), *new):
        item = shape.get("items", {})
        part = inside(item, new.get(name, old.get(name)))
        yield from _inside(f"{path}[{name}]", part, old.get(name), new.get(name))
    kept = [name for name in old if name in new]
    if kept != [name for name in new if name in old]:
        yield ConfigDifference(
            path=path, before=list(old), after=list(new), description="The order in which the strategies decide."
        )


def _by_kind(strategies: list[Any]) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for strategy in strategies:
        kind = strategy["kind"]
        count = sum(1 for one in named.values() if one["kind"] == kind)
        named[f"{kind}#{count + 1}" if count else kind] = strategy
    return named


def _are_kinds(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) and "kind" in one for one in value)


def _difference(path: str, shape: Shape, before: Any, after: Any) -> ConfigDifference:
    return ConfigDifference(path=path, before=before, after=after, description=explained(shape))
