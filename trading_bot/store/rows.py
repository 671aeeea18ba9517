"""Rows: domain values as rows of their table and back, field by column under the same name."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa

from trading_bot.store.inserts import added, insert_for
from trading_bot.store.transaction import Reading, Writing

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    T = TypeVar("T", bound=DataclassInstance)
else:
    T = TypeVar("T")


@cache
def select_of(model: type[T], table: sa.Table) -> sa.Select[Any]:
    """A SELECT of the columns that `model` is made of."""
    return sa.select(*(table.c[name] for name in _names(model)))


def made(model: type[T], row: sa.Row[Any]) -> T:
    """The value that `row` of `select_of` holds, whatever columns follow."""
    return model(**dict(zip(_names(model), row, strict=False)))


def values_of(value: T) -> dict[str, Any]:
    """The fields of `value` by name, not going into nested values."""
    return {name: getattr(value, name) for name in _names(type(value))}


def of_bot(r: Reading, table: sa.Table) -> sa.ColumnElement[bool]:
    """That a row belongs to the bot of `r`."""
    return table.c.bot_id == r.bot_id


def put(w: Writing, table: sa.Table, row: Mapping[str, Any], *, once: Iterable[str] = ()) -> None:
    """Insert `row`, or renew the one with its primary key; the columns named in `once` keep what they were first given."""
    statement = _upsert(table, w.connection.dialect.name, tuple(row), tuple(once))
    w.connection.execute(statement, {"bot_id": w.bot_id, **row})


def put_all(w: Writing, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """`put` for rows of the same columns, in one trip."""
    if rows:
        statement = _upsert(table, w.connection.dialect.name, tuple(rows[0]), ())
        w.connection.execute(statement, [{"bot_id": w.bot_id, **row} for row in rows])


def add(w: Writing, table: sa.Table, row: Mapping[str, Any]) -> bool:
    """Insert `row`; False, and nothing changed, when a row with one of its unique keys is there."""
    return added(w.connection, table, {"bot_id": w.bot_id, **row})


@cache
def _upsert(table: sa.Table, dialect: str, columns: tuple[str, ...], once: tuple[str, ...]) -> sa.Insert:
    """The statement of `put`, made once: the loop runs it several times a bar, and making it costs more than running it."""
    keys = [column.name for column in table.primary_key]
    statement = insert_for(dialect, table)
    kept = {*keys, "bot_id", *once}
    renewed = {name: statement.excluded[name] for name in columns if name not in kept}
    return statement.on_conflict_do_update(index_elements=keys, set_=renewed)


@cache
def _names(model: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(model))
