"""Backup times: when a home's backups were made, by their names; it loads nothing, since the bot asks once a minute."""

import re
from datetime import UTC, datetime, timedelta
from itertools import chain, count
from pathlib import Path

NAMED = "%Y%m%dT%H%M%SZ"
"""How a backup is called: when it was made, in UTC. Further ones of the same second have `-2`, `-3` and so on behind it."""
_NAME = re.compile(r"(\d{8}T\d{6}Z)(?:-([1-9]\d{0,3}))?")


def unused(place: Path) -> Path:
    """`place`, or the first one beside it with a number behind its name (`-2`, `-3`, ...) that does not exist yet."""
    numbered = (place.with_name(f"{place.name}-{number}") for number in count(2))
    return next(path for path in chain([place], numbered) if not path.exists())


def backups(folder: Path) -> list[Path]:
    """The backups in `folder`, oldest first."""
    made = ((made_at(path.name), path) for path in folder.glob("*Z*") if path.is_dir())
    return [path for _, path in sorted((at, path) for at, path in made if at is not None)]


def last_made(folder: Path) -> datetime | None:
    """When the newest backup was made; null where there is none."""
    found = backups(folder)
    return made_at(found[-1].name) if found else None


def made_at(name: str) -> datetime | None:
    """When the backup of that name was made; null for what is not the name of one.

    The names hold no parts of seconds: those of one second are a microsecond apart, in their order.
    """
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    try:
        second = datetime.strptime(found[1], NAMED).replace(tzinfo=UTC)
    except ValueError:
        return None
    return second + timedelta(microseconds=int(found[2] or 1) - 1)
