"""Column types that give back on both databases exactly what was put in: decimals, times, enums, JSON, text.

SQLite has no exact decimal and no time zone, and either database refuses some text (NUL) that a venue may send; what each of them would
lose or refuse is settled here, before it is bound.
"""

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Generic, TypeAlias, TypeVar

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from trading_bot.domain.money import plain

E = TypeVar("E", bound=Enum)
_Impl: TypeAlias = sa.types.TypeEngine[Any] | type[sa.types.TypeEngine[Any]]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_INT64 = 2**63
# Far beyond every amount, and short enough that 1E+999999999 is refused before it is written out.
_MOST_DIGITS = 64
# What neither database keeps: NUL, which PostgreSQL refuses, and half of a surrogate pair, which is no UTF-8.
_UNSTORABLE = dict.fromkeys((0, *range(55296, 57344)), "�")


class Exact(sa.types.TypeDecorator[Decimal]):
    """A decimal, exact to the last digit with its trailing zeros: TEXT on SQLite, NUMERIC on PostgreSQL.

    Order and sums of TEXT are not those of numbers: compare with `at_least`. ValueError for NaN, infinity and more than 64 digits on
    either side of the point; TypeError for a float.
    """

    impl: _Impl = sa.Text
    cache_ok: bool | None = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        return dialect.type_descriptor(sa.Text() if dialect.name == "sqlite" else sa.Numeric())

    def process_bind_param(self, value: Decimal | None, dialect: sa.Dialect) -> Any:
        if value is None:
            return None
        value = _storable_decimal(value)
        return plain(value) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


class Utc(sa.types.TypeDecorator[datetime]):
    """A moment to the microsecond, always back as aware UTC: BIGINT since 1970 on SQLite, timestamptz on PostgreSQL.

    ValueError for a time without a zone.
    """

    impl: _Impl = sa.BigInteger
    cache_ok: bool | None = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        return dialect.type_descriptor(sa.BigInteger() if dialect.name == "sqlite" else sa.DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            msg = f"Expected a time with its zone, was {value!r}."
            raise ValueError(msg)
        return micros_of(value) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return moment_of(value) if dialect.name == "sqlite" else value.astimezone(UTC)


class Text(sa.types.TypeDecorator[str]):
    """Text; characters that one of the databases refuses become U+FFFD."""

    impl: _Impl = sa.Text
    cache_ok: bool | None = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        return None if value is None else storable(value)


class Json(sa.types.TypeDecorator[Any]):
    """JSON data, its keys in their order: TEXT on SQLite, JSON on PostgreSQL, which keeps it as written.

    (JSONB would not: it forgets the order of keys and makes 1e17 an integer.) TypeError for what JSON can't hold exactly.
    """

    impl: _Impl = sa.Text
    cache_ok: bool | None = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        return dialect.type_descriptor(sa.Text() if dialect.name == "sqlite" else sa.JSON(none_as_null=True))

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        if value is None:
            return None
        return _dumped(value) if dialect.name == "sqlite" else _storable_json(value)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:
        return orjson.loads(value) if value is not None and dialect.name == "sqlite" else value


class Texts(sa.types.TypeDecorator[tuple[str, ...]]):
    """A few short texts, in order, as a JSON array in TEXT."""

    impl: _Impl = sa.Text
    cache_ok: bool | None = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: sa.Dialect) -> str | None:
        return None if value is None else _dumped(value)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> tuple[str, ...] | None:
        return None if value is None else tuple(orjson.loads(value))


class Enumerated(sa.types.TypeDecorator[E], Generic[E]):
    """A member of an enum, as its value."""

    impl: _Impl = sa.Text
    cache_ok: bool | None = True

    def __init__(self, members: type[E]) -> None:
        super().__init__()
        self.members = members

    def process_bind_param(self, value: E | None, dialect: sa.Dialect) -> str | None:
        if value is None:
            return None
        if not isinstance(value, self.members):
            msg = f"Expected a {self.members.__name__}, was {value!r}."
            raise TypeError(msg)
        return str(value.value)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> E | None:
        return None if value is None else self.members(value)


class _Difference(FunctionElement[int]):
    """The sign of a first decimal minus a second: below, at or above zero, by value on both databases."""

    name = "exact_difference"
    inherit_cache: bool | None = True
    type: sa.types.TypeEngine[int] = sa.Integer()


@compiles(_Difference, "sqlite")
def _on_sqlite(element: _Difference, compiler: SQLCompiler, **options: Any) -> str:
    return f"exact_difference({compiler.process(element.clauses, **options)})"


@compiles(_Difference)
def _elsewhere(element: _Difference, compiler: SQLCompiler, **options: Any) -> str:
    first, second = (compiler.process(clause, **options) for clause in element.clauses)
    return f"({first} - {second})"


def at_least(column: sa.ColumnElement[Any], bound: Decimal) -> sa.ColumnElement[bool]:
    """Whether an `Exact` column is `bound` or more, by value; null (so not true) where it is null."""
    return _Difference(column, sa.literal(bound, Exact())) >= 0


def at_most(column: sa.ColumnElement[Any], bound: Decimal) -> sa.ColumnElement[bool]:
    """Whether an `Exact` column is `bound` or less, by value; null (so not true) where it is null."""
    return _Difference(column, sa.literal(bound, Exact())) <= 0


def exact_difference(first: str | None, second: str | None) -> int | None:
    """SQLite's side of `at_least` and `at_most`, registered on each connection."""
    if first is None or second is None:
        return None
    return int(Decimal(first).compare(Decimal(second)))


def micros_of(moment: datetime) -> int:
    """Microseconds from 1970 to an aware `moment`."""
    return (moment - _EPOCH) // _MICROSECOND


def moment_of(micros: int) -> datetime:
    """The moment that many microseconds after 1970, UTC; OverflowError outside of the calendar."""
    return _EPOCH + timedelta(microseconds=micros)


def storable(text: str) -> str:
    """`text` with U+FFFD for each character that one of the databases refuses."""
    return text if text.isascii() and "\0" not in text else text.translate(_UNSTORABLE)


def _storable_decimal(value: Decimal) -> Decimal:
    if not isinstance(value, Decimal):
        msg = f"Expected a Decimal, was {value!r}."
        raise TypeError(msg)
    if not value.is_finite():
        msg = f"Expected a finite number, was {value}."
        raise ValueError(msg)
    if value.adjusted() >= _MOST_DIGITS or int(value.as_tuple().exponent) < -_MOST_DIGITS:
        msg = f"Expected at most {_MOST_DIGITS} digits on either side of the point, was {value:.3E}."
        raise ValueError(msg)
    return value.copy_abs() if value.is_zero() else value  # PostgreSQL has no negative zero


def _dumped(value: Any) -> str:
    return orjson.dumps(_storable_json(value)).decode()


def _storable_json(value: Any) -> Any:
    """`value` as both databases keep it; orjson alone would write NaN as null."""
    match value:
        case None | bool():
            return value
        case str():
            return storable(value)
        case int() if -_INT64 <= value < _INT64:
            return value
        case float() if math.isfinite(value):
            return value
        case dict() if all(isinstance(key, str) for key in value):
            return {storable(key): _storable_json(item) for key, item in value.items()}
        case list() | tuple():
            return [_storable_json(item) for item in value]
        case _:
            msg = f"Expected JSON data (decimals and times as text, finite floats, 64-bit integers), was {value!r:.80}."
            raise TypeError(msg)
