"""Inserts that may meet a row that is there already: each database has its own form of one and the same statement."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql


def insert_for(dialect: str, table: sa.Table) -> "postgresql.Insert":
    """An INSERT with `on_conflict_do_update` and `on_conflict_do_nothing`, in the form of the database of that name."""
    # A dialect brings all its drivers along: only the one that is used is loaded. Both forms have these two methods with the same
    # arguments; only one of the classes can be named.
    forms = import_module(f"sqlalchemy.dialects.{dialect}")
    return forms.insert(table)  # type: ignore[no-any-return]


@cache
def insert_new(dialect: str, table: sa.Table) -> sa.Insert:
    """An INSERT that leaves alone what is there already."""
    return insert_for(dialect, table).on_conflict_do_nothing()


def added(connection: sa.Connection, table: sa.Table, row: Mapping[str, Any]) -> bool:
    """Insert `row`; False, and nothing changed, when a row with one of its unique keys is there."""
    statement = insert_new(connection.dialect.name, table)
    # Where the database numbers the rows, SQLAlchemy asks for the number back and would forget the count.
    return connection.execute(statement, row, execution_options={"preserve_rowcount": True}).rowcount == 1
