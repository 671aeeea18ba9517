"""Scalars: how decimals, times, whole numbers, ratios and JSON travel, and what is refused."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NewType

import strawberry
from graphql import GraphQLError, GraphQLField, GraphQLFloat, GraphQLObjectType, GraphQLSchema
from strawberry.types.scalar import ScalarDefinition

from trading_bot.domain.money import parse_decimal, plain

BigInt = NewType("BigInt", int)
JSON = NewType("JSON", object)

LARGEST = 2**63 - 1
JSON_LEVELS = 50
"""Lists and objects inside each other in JSON that is sent: what is deeper could be read, but not be written again."""


def write_decimal(value: object) -> str:
    """Digits without an exponent: 1E+4 is written 10000. ValueError for anything but a finite Decimal."""
    if not isinstance(value, Decimal) or not value.is_finite():
        raise ValueError(f"Expected a finite Decimal, was {value!r}.")
    return plain(value)


def read_decimal(value: object) -> Decimal:
    """The decimal that a string or a whole number spells; a JSON number with a point is refused, for it has lost digits already."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise GraphQLError(f'Expected a decimal as a string such as "12.50", was {_shown(value)}.')
    try:
        return parse_decimal(str(value))
    except ValueError as error:
        raise GraphQLError(str(error)) from None


def write_time(value: object) -> str:
    """ISO 8601 in UTC, ending in Z. ValueError for anything but an aware time."""
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError(f"Expected an aware time, was {value!r}.")
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def read_time(value: object) -> datetime:
    """The moment that an ISO 8601 string names, in UTC; one without an offset is refused, for it names none."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise GraphQLError(f'Expected a time such as "2026-01-31T14:30:00Z", was {_shown(value)}.')
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise GraphQLError(f"Expected a time between the years 1 and 9999 in UTC, was {_shown(value)}.") from None


def write_whole(value: object) -> int:
    """A JSON number of at most 64 bits. ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LARGEST:
        raise ValueError(f"Expected a whole number up to 2^63-1, was {value!r}.")
    return value


def read_whole(value: object) -> int:
    """The whole number that a JSON number is."""
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LARGEST:
        raise GraphQLError(f"Expected a whole number up to 2^63-1, was {_shown(value)}.")
    return value


def read_json(value: object) -> object:
    """JSON as it was sent; refused where it could not be kept and shown again as it is."""
    if not _can_be_kept(value, JSON_LEVELS):
        cause = f"Expected JSON of at most {JSON_LEVELS} levels, with finite numbers, whole ones up to 2^63-1."
        raise GraphQLError(cause)
    return value


def _can_be_kept(value: object, levels: int) -> bool:
    match value:
        case None | bool() | str():
            return True
        case int():
            return abs(value) <= LARGEST
        case float():
            return math.isfinite(value)
        case dict():
            return levels > 0 and all(_can_be_kept(inner, levels - 1) for inner in value.values())
        case list():
            return levels > 0 and all(_can_be_kept(inner, levels - 1) for inner in value)
        case _:
            return False


def defined(value: object) -> object:
    """A ratio as it may stand where null may: null for one that has no value, such as 0 / 0 or 1 / 0."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_undefined_as_null(schema: GraphQLSchema) -> None:
    """Have each Float that may be null be null where it is undefined, so that it never blanks what it is part of."""
    for kind in schema.type_map.values():
        for field in kind.fields.values() if isinstance(kind, GraphQLObjectType) else ():
            if field.type is GraphQLFloat or getattr(field.type, "name", "") == GraphQLFloat.name:
                field.resolve = _defining(field)


def _defining(field: GraphQLField) -> Callable[..., object]:
    resolve = field.resolve
    if resolve is None:
        raise TypeError("A Float has no resolver, so nothing tells whether it is defined.")
    return lambda *given, **arguments: defined(resolve(*given, **arguments))


def _shown(value: object) -> str:
    return f"`{value!s:.40}`"


def _scalar(name: str, description: str, write: Any, read: Any) -> ScalarDefinition:
    return strawberry.scalar(name=name, description=description, serialize=write, parse_value=read)


SCALARS: dict[object, ScalarDefinition] = {
    Decimal: _scalar(
        "Decimal",
        'An exact decimal as a string of plain digits, such as "10000.50", never with an exponent. Taken as a string or a whole number.',
        write_decimal,
        read_decimal,
    ),
    datetime: _scalar(
        "DateTime",
        "A moment as ISO 8601 in UTC, ending in Z. Taken with any offset, refused without one.",
        write_time,
        read_time,
    ),
    BigInt: _scalar("BigInt", "A whole number up to 2^63-1, as a JSON number.", write_whole, read_whole),
    JSON: _scalar(
        "JSON",
        f"Any JSON value. Taken with at most {JSON_LEVELS} levels, finite numbers, and whole ones up to 2^63-1.",
        lambda value: value,
        read_json,
    ),
}
"""What the schema is told of them: by Python type."""
