"""Backup times: when a home's backups were made, by their names; it loads nothing, since the bot asks once a minute."""

from datetime import UTC, datetime
from pathlib import Path

NAMED = "%Y%m%dT%H%M%SZ"
"""How a backup is called: when it was made, in UTC."""


def backups(folder: Path) -> list[Path]:
    """The backups in `folder`, oldest first."""
    return sorted(path for path in folder.glob("*Z") if path.is_dir() and made_at(path.name) is not None)


def last_made(folder: Path) -> datetime | None:
    """When the newest backup was made; null where there is none."""
    found = backups(folder)
    return made_at(found[-1].name) if found else None


def made_at(name: str) -> datetime | None:
    """When the backup of that name was made; null for what is not the name of one."""
    try:
        return datetime.strptime(name, NAMED).replace(tzinfo=UTC)
    except ValueError:
        return None
