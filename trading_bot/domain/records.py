"""Records: domain values as JSON data and back, field by field under the same names.

Decimals stand as plain digits with their trailing zeros, times as ISO 8601 in UTC, members of enums by their value, tuples as arrays. So a
value that was made a record and read back equals the first one to the last digit.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, TypeVar, Union, get_args, get_origin, get_type_hints

from trading_bot.domain.money import plain

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    T = TypeVar("T", bound=DataclassInstance)
else:
    T = TypeVar("T")


def record_of(value: "DataclassInstance") -> dict[str, Any]:
    """The fields of `value` by name, as JSON holds them."""
    return {field.name: data_of(getattr(value, field.name)) for field in fields(value)}


def value_of(model: type[T], record: Mapping[str, Any]) -> T:
    """The `model` that `record` holds; other names in it are passed over.

    KeyError for a field that is missing, ValueError or TypeError for one that can't be what its type says.
    """
    return model(**{name: _read(hint, record[name]) for name, hint in _hints(model).items()})


def data_of(value: object) -> Any:
    """One value as JSON holds it; dicts and what is JSON already as they are."""
    match value:
        case Decimal():
            return plain(value)
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case Enum():
            return value.value
        case tuple():
            return [data_of(item) for item in value]
        case _:
            return value


def _read(hint: Any, data: Any) -> Any:
    origin = get_origin(hint)
    if origin in {Union, UnionType}:
        hint = next((one for one in get_args(hint) if one is not NoneType), hint)
        return None if data is None else _read(hint, data)
    if origin is tuple:
        return tuple(_read(get_args(hint)[0], item) for item in data)
    return _readers(hint)(data)


@cache
def _readers(hint: Any) -> Callable[[Any], Any]:
    if hint is Decimal:
        return Decimal
    if hint is datetime:
        return lambda text: datetime.fromisoformat(text).astimezone(UTC)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    return lambda data: data


@cache
def _hints(model: type[Any]) -> dict[str, Any]:
    hints = get_type_hints(model)
    return {field.name: hints[field.name] for field in fields(model)}
