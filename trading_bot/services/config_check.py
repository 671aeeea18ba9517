"""Config check: all that is wrong with a configuration at once, each mistake with its place, what is allowed there, and a way out.

First the shape, by the JSON Schema; where that holds, the typed configuration, which knows what no schema can say; then the rules that the
caller adds. Each round goes on with the mistakes of the round before mended, so that one mistake does not hide another.
"""

import copy
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from itertools import islice
from typing import Any

import orjson
from pydantic import ValidationError

from trading_bot.domain.config import BotConfig
from trading_bot.services.config_fields import (
    Path,
    allowed,
    field_at,
    keys_of,
    shown,
    value_below,
)
from trading_bot.services.config_secrets import looks_secret, secrets_in
from trading_bot.services.config_suggestions import GONE, current_at, suggested
from trading_bot.services.config_validator import Mistake, mistakes
from trading_bot.services.configuration import codec

MOST = 50
"""Mistakes that are told at once."""
INVALID, CONTRARY, SECRET = "CFG_001", "CFG_020", "CFG_021"
"""A value that is not allowed; values that don't go together or don't fit the venue; a secret where it must not be."""
_ROUNDS = 8
_NAMED = re.compile(r"`([a-z_]+(?:\.[a-z_]+)*)")
_INT_BITS = 63
_SHOWN = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake."""

    code: str
    """Of the error catalogue."""
    path: Path
    """Where it is."""
    cause: str
    """What is wrong, in our words."""
    value: Any
    """What stands there, as JSON data; null where it may not be shown."""
    allowed: str | None
    """What may stand there, in words; null where the mistake is not about one value."""
    suggestion: Any
    """What could stand there instead; GONE for a key that is to be left out."""


Rules = Callable[[BotConfig], Iterator[Problem]]
"""What a configuration of the right shape must keep to besides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A configuration that was checked."""

    config: BotConfig | None
    """What it spells; null where anything is wrong."""
    problems: tuple[Problem, ...]
    """All mistakes, at most 50, by path."""
    mended: Any
    """The values with every suggestion taken."""
    is_mended: bool
    """Whether those are a configuration without a mistake."""


def check(values: Any, *, current: Any = None, rules: Rules | None = None) -> Checked:
    """What is wrong with `values`. `current` is what is in force: a mistake without a better way out goes back to it."""
    problems: dict[tuple[Path, str], Problem] = {}
    stubborn: set[tuple[Path, str]] = set()
    mended, clean = values, dict(current or {})
    for _ in range(_ROUNDS):
        config, found = _round(mended, current or {}, clean, rules)
        if not found:
            return _checked(None if problems else config, problems.values(), mended, is_mended=True)
        clean = _without(mended, found)
        # What was mended and is wrong still goes back to what is in force, with all that belongs to it; then there is no way out.
        again = {(one.path, one.cause) for one in found} & problems.keys()
        if again and again <= stubborn:
            break
        stubborn |= again
        whole = [replace(one, path=one.path[:1]) for one in found if (one.path, one.cause) in again]
        problems.update({(one.path, one.cause): one for one in found if (one.path, one.cause) not in again})
        mended = _mended(
            mended, [replace(one, suggestion=current_at(one.path, current or {})) for one in whole] or found
        )
    return _checked(None, problems.values(), mended, is_mended=False)


def _round(
    values: Any, current: Any, clean: dict[str, Any], rules: Rules | None
) -> tuple[BotConfig | None, list[Problem]]:
    fresh = _changed(values, clean)
    # No more than are told: to find what was meant takes long.
    found = list(islice((one for error in mistakes(fresh) for one in _of_schema(error, values, current)), MOST))
    places = {problem.path for problem in found}
    found += [_secret(path, values, current) for path in secrets_in(fresh) if path not in places]
    if found:
        return None, found[:MOST]
    try:
        config = codec().validate_python(values)
    except ValidationError as error:
        return None, [_of_types(str(one["msg"]), one["loc"], values, current) for one in error.errors()]
    return config, list(rules(config)) if rules is not None else []


def _changed(values: Any, clean: dict[str, Any]) -> Any:
    """The parts that were not judged yet, as those in force once were: the schema ties no part to another."""
    if not isinstance(values, dict):
        return values
    return {key: part for key, part in values.items() if key not in clean or not _is_same(part, clean[key])}


def _without(values: Any, problems: list[Problem]) -> dict[str, Any]:
    """The parts in which nothing was found."""
    broken = {problem.path[0] for problem in problems if problem.path}
    return {key: part for key, part in values.items() if key not in broken} if isinstance(values, dict) else {}


def _is_same(one: Any, other: Any) -> bool:
    """Equal, and of equal types: for Python true is 1."""
    return one is other or (one == other and repr(one) == repr(other))


def _of_schema(error: Mistake, values: Any, current: Any) -> Iterator[Problem]:
    path: Path = tuple(error.absolute_path)
    match error.validator:
        case "additionalProperties":
            yield from _unknown_keys(path, error)
            return
        case "required":
            path, shape, value = (*path, "kind"), error.schema["properties"]["kind"], None
        case _:
            shape, value = error.schema, error.instance
    wanted = allowed(shape)
    is_secret = looks_secret(value) or (shape.get("x-secret", False) and isinstance(value, str))
    yield Problem(
        code=SECRET if is_secret else INVALID,
        path=path,
        cause=_hint(shown(path)) if is_secret else f"Expected `{shown(path)}` to be {_distinct(error, wanted)}.",
        value=None if is_secret else short(value),
        allowed=wanted,
        suggestion=suggested(error, shape, path, current),
    )


def _distinct(error: Mistake, wanted: str) -> str:
    return f"{wanted}, each once" if error.validator == "uniqueItems" else wanted


def _unknown_keys(path: Path, error: Mistake) -> Iterator[Problem]:
    known = keys_of(error.schema, error.instance)
    for key in sorted((one for one in error.instance if one not in known), key=str):
        name = str(key)
        close = next(iter(get_close_matches(name, known, 1, cutoff=0.5)), None)
        advice = f", did you mean `{shown((*path, close))}`?" if close else "."
        yield Problem(
            code=SECRET if looks_secret(error.instance[key]) else INVALID,
            path=(*path, key),
            cause=f"There is no `{shown((*path, name))}`{advice}",
            value=None,  # whatever it is, nobody knows what it means: it may be a secret
            allowed="one of " + ", ".join(known),
            suggestion=GONE,
        )


def _secret(path: Path, values: Any, current: Any) -> Problem:
    return Problem(
        code=SECRET,
        path=path,
        cause=_hint(shown(path)),
        value=None,
        allowed=allowed(field_at(path, values)),
        suggestion=current_at(path, current),
    )


def _hint(place: str) -> str:
    return f"`{place}` looks like a secret: a secret is named by where it is (env:NAME or file:PATH), where one is due."


def _of_types(message: str, place: tuple[str | int, ...], values: Any, current: Any) -> Problem:
    """What the typed configuration refuses though its shape is right; the field that the message names is the place."""
    text = message.removeprefix("Value error, ")
    named = _NAMED.search(text)
    path: Path = tuple(named[1].split(".")) if named else place
    if path[:1] == ("strategies",):  # a message names the parameter, the place has the number
        number = next((part for part in place if isinstance(part, int)), 0)
        path = ("strategies", number, *path[1:])
    known = field_at(path, values)
    return Problem(
        code=INVALID,
        path=path,
        cause=text,
        value=None if known.get("x-secret") else short(_value_at(values, path)),
        allowed=allowed(known) if known else None,
        suggestion=current_at(path, current),
    )


def _mended(values: Any, problems: list[Problem]) -> Any:
    """`values` with every suggestion taken, the last places of a list first."""
    if any(not problem.path for problem in problems):
        return {}
    mended = copy.deepcopy(values)
    for problem in sorted(problems, key=lambda one: [str(part) for part in one.path], reverse=True):
        *way, last = problem.path
        holder = _value_at(mended, tuple(way))
        if isinstance(holder, dict):
            holder.pop(last, None)
            if problem.suggestion is not GONE:
                holder[last] = problem.suggestion
        elif isinstance(holder, list) and isinstance(last, int) and last < len(holder):
            is_left_out = problem.suggestion is GONE or problem.suggestion in holder
            holder[last : last + 1] = [] if is_left_out else [problem.suggestion]
    return mended


def _value_at(values: Any, path: Path) -> Any:
    for part in path:
        values = value_below(values, part)
    return values


def _checked(config: BotConfig | None, problems: Iterable[Problem], mended: Any, *, is_mended: bool) -> Checked:
    by_path = sorted(problems, key=lambda one: [str(part) for part in one.path])
    return Checked(config=config, problems=tuple(by_path[:MOST]), mended=mended, is_mended=is_mended)


def short(value: Any) -> Any:
    """A value that is shown: a number as it is, a text cut, of anything larger what it is."""
    match value:
        case int() if value.bit_length() > _INT_BITS:  # more than JSON's readers can hold
            return f"a number of {value.bit_length()} bits"
        case bool() | int() | float() | None:
            return value
        case str():
            return value if len(value) <= _SHOWN else value[: _SHOWN - 1] + "…"
        case list() if _is_short(value):
            return value
        case list() | dict():
            return f"{'list' if isinstance(value, list) else 'object'} of {len(value)}"
        case _:
            return str(value)[:_SHOWN]


def _is_short(value: list[Any]) -> bool:
    """Whether it can be shown whole; one with a number beyond 64 bits can't."""
    try:
        return len(orjson.dumps(value, default=str)) <= _SHOWN
    except orjson.JSONEncodeError:
        return False
