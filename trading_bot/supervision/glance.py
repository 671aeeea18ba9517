"""A glance at the store: whether bot and API can start on it as it is.

To look properly takes the database toolkit, and to load that takes longer than all the rest of a start; with this, bot and API load
theirs at the same time.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from trading_bot.store.versions import HEAD

SQLITE = "sqlite:///"
BUSY_SECONDS = 0.1


def is_current(url: str) -> bool:
    """Whether the store is in a SQLite file and has this release's tables; False also where a glance does not tell."""
    path = url.removeprefix(SQLITE)
    if path == url or not Path(path).is_file():
        return False
    try:
        with closing(sqlite3.connect(f"file:{quote(path)}?mode=rw", uri=True, timeout=BUSY_SECONDS)) as connection:
            found = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    except sqlite3.Error:
        return False
    return found == [(HEAD,)]
