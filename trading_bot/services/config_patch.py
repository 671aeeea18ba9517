"""Config patch: RFC 7396 merge patches of a configuration, and the patch that leads from one configuration to another.

A null removes a key, and every key of the configuration has a value without being named: so a key that may be null becomes null (never,
none, no limit), and any other goes back to its default. Lists are replaced as a whole.
"""

from typing import Any

from trading_bot.services.config_fields import Shape, below, inside, may_be_null, schema

DEEPEST = 12
"""Levels of a patch; a configuration has four."""
MOST_VALUES = 1_000
"""Values of a configuration, lists and objects among them; one with everything in it has some 400."""


def is_deep(data: Any) -> bool:
    """Whether something has more levels than any configuration could."""
    level = [data]
    for _ in range(DEEPEST):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
    return bool(level)


def is_large(data: Any) -> bool:
    """Whether something has more values than any configuration could: to judge each of them would take minutes."""
    count, waiting = 0, [data]
    while waiting and count <= MOST_VALUES:
        one = waiting.pop()
        inner = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        count += len(inner)
        waiting.extend(inner)
    return count > MOST_VALUES


def merged(values: Any, patch: Any) -> Any:
    """`values` with `patch` applied; neither is changed."""
    return _merged(values, patch, schema())


def patch_between(before: Any, after: Any) -> Any:
    """The patch that makes `after` of `before`, both whole configurations."""
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return after
    gone = {key: None for key in before if key not in after}
    return gone | {
        key: patch_between(before[key], value) if key in before else value
        for key, value in after.items()
        if key not in before or before[key] != value
    }


def _merged(values: Any, patch: Any, shape: Shape) -> Any:
    if not isinstance(patch, dict):
        return patch
    whole = dict(values) if isinstance(values, dict) else {}
    here = inside(shape, whole)
    for key, value in patch.items():
        part = below(here, key, whole)
        if value is not None:
            whole[key] = _merged(whole.get(key), value, part)
        elif may_be_null(part):
            whole[key] = None
        else:
            whole.pop(key, None)
    return whole
