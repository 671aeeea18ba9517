"""Hold: the note that a program is not to be started, which outlives a supervisor that is killed."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from trading_bot.domain.processes import Hold
from trading_bot.supervision.program import Program

UNREADABLE = "It was held down; the note that says why can't be read."


def write_hold(program: Program, hold: Hold) -> None:
    """Note it. On a full disk nothing is noted, and only a later supervisor won't know."""
    note = {"error_code": hold.error_code, "cause": hold.cause, "at": hold.at.isoformat()}
    path = _path(program)
    part = path.with_suffix(".part")
    with suppress(OSError):
        part.write_text(json.dumps(note))
        part.replace(path)


def read_hold(program: Program) -> Hold | None:
    """Why the program is not to be started; null where it may be. What can't be read holds, for nobody took it back."""
    path = _path(program)
    try:
        text = path.read_text()
    except FileNotFoundError:
        return None
    except OSError:
        text = ""
    try:
        note = json.loads(text)
        return Hold(error_code=note["error_code"], cause=str(note["cause"]), at=datetime.fromisoformat(note["at"]))
    except (ValueError, TypeError, KeyError):
        return Hold(error_code=None, cause=UNREADABLE, at=datetime.fromtimestamp(0, UTC))


def remove_hold(program: Program) -> None:
    """Let the program be started again."""
    with suppress(OSError):
        _path(program).unlink()


def _path(program: Program) -> Path:
    return program.note.with_suffix(".held")
