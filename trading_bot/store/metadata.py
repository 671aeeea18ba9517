"""Metadata: what all tables are registered in, and the columns that they are made of."""

from typing import Any

import sqlalchemy as sa

from trading_bot.store.columns import Text

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def key(name: str, kind: Any = Text) -> sa.Column[Any]:
    """A part of the primary key."""
    # SQLite lets a primary key be null unless it is told not to.
    return sa.Column(name, kind, primary_key=True, nullable=False)


def some(name: str, kind: Any = Text) -> sa.Column[Any]:
    """A column that is always filled."""
    return sa.Column(name, kind, nullable=False)


def maybe(name: str, kind: Any = Text) -> sa.Column[Any]:
    """A column that may be null."""
    return sa.Column(name, kind, nullable=True)


def number() -> sa.Column[Any]:
    """A primary key in the order of insertion."""
    # SQLite counts rowids only in a plain INTEGER; AUTOINCREMENT (see the tables) never gives a number twice.
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column("number", kind, primary_key=True, autoincrement=True)
