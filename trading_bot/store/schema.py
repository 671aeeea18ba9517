"""Schema: bringing a store's tables up to date, and refusing a store that they don't fit.

Alembic takes most of a second to import, so it is asked only when there is something to do.
"""

from pathlib import Path

import sqlalchemy as sa

from trading_bot.errors.fault import Fault
from trading_bot.store import engine as engines
from trading_bot.store.versions import HEAD, VERSIONS

# Any number that no other program is likely to use: on PostgreSQL an advisory lock is for the whole database.
_UPGRADE_LOCK = 0x_B07_64A9


def bring_up_to_date(engine: sa.Engine) -> None:
    """Make or alter the tables as this release needs them; at once when nothing is to be done.

    SYS_003 for a store of a newer release, SYS_002 when it can't be used. Processes that start together wait for each other.
    """
    if _checked(_version(engine)) == HEAD:
        return
    with engines.writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_UPGRADE_LOCK)))
        if _checked(_version_on(connection)) != HEAD:  # another process may just have done it
            _upgrade(connection)


def require_current(engine: sa.Engine) -> None:
    """Go on only with a store of this release's version: SYS_003 when it is missing, older or newer."""
    found = _checked(_version(engine))
    if found is None:
        raise Fault(
            "SYS_003",
            "The store has no tables yet.",
            message="There is no store yet",
            remediation="Start the bot: `botgraph up`, or `botgraph bot` beside `botgraph serve`. It makes the store; then this works.",
            context={"expected": HEAD, "found": None},
        )
    if found != HEAD:
        raise Fault("SYS_003", f"The store has version {found}, needed is {HEAD}.", context={"expected": HEAD})


def _version(engine: sa.Engine) -> str | None:
    with engines.reading(engine) as connection:
        return _version_on(connection)


def _version_on(connection: sa.Connection) -> str | None:
    """The version of the tables; null when there are none."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def _checked(version: str | None) -> str | None:
    if version is not None and version not in VERSIONS:
        raise Fault(
            "SYS_003",
            f"The store has version {version[:40]}, which is newer than this release's {HEAD}.",
            context={"expected": HEAD},
        )
    return version


def _upgrade(connection: sa.Connection) -> None:
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.config import Config  # noqa: PLC0415 - see above

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)
