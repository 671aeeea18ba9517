"""The application log: what a process did, for a person who looks for a cause. JSON lines, rotated by size; never secrets.

A call never fails, whatever it is given and whatever the disk does: it may stand in the loop that trades. What can't be written is lost.
"""

import json
import logging
from contextlib import nullcontext, suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path

import structlog
from structlog.typing import EventDict

from trading_bot.logs.secrets import Secrets

LONGEST_TEXT = 8_000
"""Characters of one text in a record, such as a traceback; of a longer one, beginning and end are kept."""
FILE_BYTES = 10_000_000
OLDER_FILES = 3
_ENCODER = json.JSONEncoder(default=repr)


class _File(RotatingFileHandler):
    secrets: Secrets

    def format(self, record: logging.LogRecord) -> str:
        """A line as it is written: nothing secret is in it, whichever library wrote it."""
        return self.secrets.hide(super().format(record))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the standard library's name
        """A log that can't be written, as on a full disk, must not end the process or litter its output."""

    def write(self, text: str) -> None:
        """Append a line of our own, which is JSON already: an answer may wait for it, and `emit` takes four times as long."""
        with self.lock or nullcontext():
            try:
                self._append(self.secrets.hide(text) + "\n")
            except Exception:  # noqa: BLE001 - a full disk, a file that was closed, one that can't be turned over
                with suppress(Exception):
                    self.close()  # the next line opens the file anew

    def _append(self, line: str) -> None:
        stream = self.stream or self._open()
        self.stream = stream
        if stream.tell() + len(line) >= self.maxBytes:
            self.doRollover()
            self.stream = stream = self._open()  # a file that is opened when it is needed is not opened by that
        stream.write(line)
        stream.flush()


class _Lines:
    """Where the lines of one of our loggers go."""

    def __init__(self, file: _File, name: str) -> None:
        self.name = name
        self.debug = self.info = self.warning = self.error = self.critical = file.write


def log_to(path: Path, secrets: Secrets | None = None) -> None:
    """Send this process's log, and that of its libraries from WARNING on, to the file; without any of the secrets."""
    handler = _File(path, maxBytes=FILE_BYTES, backupCount=OLDER_FILES, encoding="utf-8", delay=True)
    handler.secrets = secrets or Secrets()
    handler.setFormatter(logging.Formatter("%(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            _named,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _line,
        ],
        logger_factory=lambda name="", *_: _Lines(handler, name),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )


def _named(logger: _Lines, method: str, event: EventDict) -> EventDict:
    event["logger"] = logger.name
    return event


def _line(logger: _Lines, method: str, event: EventDict) -> str:
    """The record as JSON; of a value that can't be written in it, the kind."""
    try:
        structlog.processors.format_exc_info(logger, method, event)
        return _ENCODER.encode(_bounded(event))
    except Exception:  # noqa: BLE001 - a value may be of any kind, and raise whatever it likes when it is looked at
        return _ENCODER.encode(_bounded({name: _legible(value) for name, value in event.items()}))


def _bounded(event: EventDict) -> EventDict:
    """The record with its texts cut, so that no failure fills the disk."""
    half = LONGEST_TEXT // 2
    for name, value in event.items():
        if isinstance(value, str) and len(value) > LONGEST_TEXT:
            event[name] = f"{value[:half]} … {value[-half:]}"
    return event


def _legible(value: object) -> object:
    try:
        _ENCODER.encode(value)
    except Exception:  # noqa: BLE001 - as above
        return f"[{type(value).__name__}]"
    return value
