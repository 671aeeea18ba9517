"""Ranges: what a value of the configuration must lie within, said once, beside its field.

A field's annotation carries its bounds (`Annotated[int, Range(1, 100)]`). The value's own class checks them when it is made, and the JSON
Schema of the configuration is made from the same.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from decimal import Decimal
from enum import Enum
from functools import cache
from math import isnan
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

STRICT = {"extra": "forbid"}
"""Read by the edge that parses a file: a key that is not known is a mistake, not a wish."""


class Looser(Enum):
    """Which way a limit gets looser. Null, where it may be, is the loosest of all: there is no limit then."""

    HIGHER = "higher"
    """A larger number, or a later member of an enum, allows more."""
    LOWER = "lower"
    """A smaller number allows more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """What a number must lie within."""

    low: Decimal | float
    """Smallest value that is allowed."""
    high: Decimal | float
    """Largest value that is allowed."""
    unit: str | None = None
    """What is counted or measured, such as percent of equity; null for a bare number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How long a text may be, in characters, or a list, in items."""

    low: int
    """Least."""
    high: int
    """Most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What a text must look like. The class that holds it checks it too; this is for whoever writes the text."""

    pattern: str
    """A regular expression for the whole text, in what Python and JavaScript have in common."""
    says: str
    """The same in words, as they follow the name of the field: of 1 to 8 letters, as HH:MM, such as AAPL."""
    examples: tuple[str, ...] = ()
    """Such texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """That a text says where a secret is (env:NAME or file:PATH) and is never the secret itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """That a value is a limit, which nothing but an operator may loosen."""

    looser: Looser
    """Which way it gets looser."""


TEXT = Form(pattern=r"[^\u0000-\u001f\u007f\u2028\u2029]*", says="as one line of text")
"""A line that can be shown and stored."""


def within(name: str, value: Decimal | float, low: Decimal | float, high: Decimal | float) -> None:
    """Refuse a value outside of its range, by name."""
    if isnan(value) or not low <= value <= high:
        msg = f"Expected `{name}` between {low} and {high}, was {value}."
        raise ValueError(msg)


def require_ranges(whole: "DataclassInstance", prefix: str = "") -> None:
    """Refuse a value of `whole` outside of what its annotation says, by name: numbers by `Range`, lengths by `Count`, texts by `Form`.

    A text that does not have its form is not repeated: it may be a secret in the wrong place.
    """
    for name, bounds in _bounded(type(whole)):
        value = getattr(whole, name)
        match bounds:
            case _ if value is None:
                continue
            case Range(low=low, high=high):
                within(f"{prefix}{name}", value, low, high)
            case Count(low=low, high=high):
                measure = "length" if isinstance(value, str) else "count"
                within(f"{prefix}{name} ({measure})", len(value), low, high)
            case Form(pattern=pattern, says=says) if isinstance(value, str) and not _has_form(value, pattern):
                msg = f"Expected `{prefix}{name}` {says}."
                raise ValueError(msg)


def notes(model: type[Any]) -> Iterator[tuple[str, Any, tuple[Any, ...]]]:
    """Each field of a dataclass by name, with its type and with what its annotation says besides."""
    hints = get_type_hints(model, include_extras=True)
    for field in fields(model):
        hint = hints[field.name]
        if get_origin(hint) is Annotated:
            kind, *said = get_args(hint)
            yield field.name, kind, tuple(said)
        else:
            yield field.name, hint, ()


@cache
def _bounded(model: type[Any]) -> tuple[tuple[str, Range | Count | Form], ...]:
    return tuple((name, one) for name, _, said in notes(model) for one in said if isinstance(one, Range | Count | Form))


def _has_form(text: str, pattern: str) -> bool:
    """Whether the whole text has it, and can be stored: half of a surrogate pair is no character."""
    return re.fullmatch(pattern, text) is not None and not any("\ud800" <= letter <= "\udfff" for letter in text)
