"""Inserts that may meet a row that is there already: each database has its own form of one and the same statement."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

_FORMS = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def insert_into(connection: sa.Connection, table: sa.Table) -> postgresql.Insert:
    """An INSERT with `on_conflict_do_update` and `on_conflict_do_nothing`, in the form of the connection's database."""
    return insert_for(connection.dialect.name, table)


def insert_for(dialect: str, table: sa.Table) -> postgresql.Insert:
    """The same, in the form of the database of that name."""
    # Both forms have these two methods with the same arguments; only one of the classes can be named.
    return _FORMS[dialect](table)  # type: ignore[return-value]
