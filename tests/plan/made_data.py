"""Data made by chance: instances of the domain's dataclasses with any values that their types allow, and some that they don't."""

import random
import types
import typing
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any, TypeVar

T = TypeVar("T")

TEXTS = ("", "AAPL", 'quote " and \\ and \n\t\r\b\f', "ä☃🦆 \u2028", "\x00\x1f\x7f", "</script>", "1E+5")
DECIMALS = ("0", "-0", "1E+4", "1E-12", "10000.50", "-12.340", "123456789012345678.0123456789", "0.00000001")
WHOLE = (0, 1, -1, 5, 2**31 - 1, -(2**31))
FLOATS = (0.0, -0.0, 1.5, 1e16, 1e-7, 1e22, 123456.789, 0.1 + 0.2, 5e-324)
UNDEFINED = (float("nan"), float("inf"), -float("inf"))
"""Ratios that have no value; they are nulls where null may stand."""
TIMES = (
    datetime(2026, 3, 2, 12, 0, tzinfo=UTC),
    datetime(2026, 3, 2, 12, 0, 0, 1, tzinfo=UTC),
    datetime(2026, 3, 2, 12, 0, 0, 120_000, tzinfo=UTC),
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2026, 3, 2, 14, 30, tzinfo=timezone(timedelta(hours=2, minutes=30))),
)
WRONG: dict[type, tuple[Any, ...]] = {
    str: (None, 5, True, b"bytes", 1.5),
    Decimal: (Decimal("NaN"), Decimal("Infinity"), 1.5, "1.5", None),
    int: (2**31, 2**62, 2**63, -(2**63), True, 1.0, 1.5, "5", None),
    float: (*UNDEFINED, 5, True, "1.5", None),
    bool: (None, 1, "true"),
    datetime: (datetime(2026, 3, 2, 12, 0), "2026-03-02T12:00:00Z", None),  # noqa: DTZ001 - that it has no zone is the point
}
"""What the schema does not allow, or writes in a way of its own."""


def made(kind: type[T], chance: random.Random, *, wrong: float = 0.0) -> T:
    """An instance of the dataclass `kind`; `wrong` is how often a value is one that its type does not allow, 0 to 1."""
    hints = typing.get_type_hints(kind)
    bare = object.__new__(kind)  # past any check: what is stored may be anything
    for one in fields(kind):  # type: ignore[arg-type]  # it is a dataclass
        object.__setattr__(bare, one.name, _value(hints[one.name], chance, wrong))
    return bare


def _value(hint: Any, chance: random.Random, wrong: float) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if chance.random() < 0.3:
            return None
        kind = chance.choice([one for one in arguments if one is not type(None)])
        return chance.choice(UNDEFINED) if kind is float and chance.random() < 0.3 else _value(kind, chance, wrong)
    if origin is tuple:
        return _tuple(arguments, chance, wrong)
    if origin is not None or hint in (Any, object):
        return {"n": 1, "text": chance.choice(TEXTS)}
    if hint in WRONG and chance.random() < wrong:
        return chance.choice(WRONG[hint])
    return _plain(hint, chance, wrong)


def _tuple(arguments: tuple[Any, ...], chance: random.Random, wrong: float) -> tuple[Any, ...]:
    if arguments[-1] is not Ellipsis:
        return tuple(_value(one, chance, wrong) for one in arguments)
    return tuple(_value(arguments[0], chance, wrong) for _ in range(chance.choice((0, 1, 1, 3))))


def _plain(hint: Any, chance: random.Random, wrong: float) -> Any:
    if isinstance(hint, type) and issubclass(hint, Enum):
        return chance.choice(list(hint))
    if is_dataclass(hint):
        return made(hint, chance, wrong=wrong)  # type: ignore[arg-type]  # a class, not an instance
    if hint is bool:
        return chance.random() < 0.5
    values: dict[Any, tuple[Any, ...]] = {
        str: TEXTS, Decimal: tuple(map(Decimal, DECIMALS)), int: WHOLE, float: FLOATS, datetime: TIMES,
    }  # fmt: skip
    return chance.choice(values[hint]) if hint in values else None
