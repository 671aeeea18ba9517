"""The application log: what a process did, for a person who looks for a cause. JSON lines, rotated by size; never secrets."""

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

import structlog
from structlog.typing import EventDict, WrappedLogger

from trading_bot.logs.secrets import Secrets

LONGEST_TEXT = 8_000
"""Characters of one text in a record, such as a traceback; of a longer one, beginning and end are kept."""
FILE_BYTES = 10_000_000
OLDER_FILES = 3


class _File(RotatingFileHandler):
    secrets: Secrets

    def format(self, record: logging.LogRecord) -> str:
        """A line as it is written: nothing secret is in it, whichever library wrote it."""
        return self.secrets.hide(super().format(record))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the standard library's name
        """A log that can't be written, as on a full disk, must not end the process or litter its output."""


def log_to(path: Path, secrets: Secrets | None = None) -> None:
    """Send this process's log, and that of its libraries from WARNING on, to the file; without any of the secrets."""
    handler = _File(path, maxBytes=FILE_BYTES, backupCount=OLDER_FILES, encoding="utf-8", delay=True)
    handler.secrets = secrets or Secrets()
    handler.setFormatter(logging.Formatter("%(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for ours in ("trading_bot", "graph", "resolvers", "workflows"):
        logging.getLogger(ours).setLevel(logging.INFO)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _bounded,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _bounded(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """The record with its texts cut, so that no failure fills the disk."""
    half = LONGEST_TEXT // 2
    for name, value in event.items():
        if isinstance(value, str) and len(value) > LONGEST_TEXT:
            event[name] = f"{value[:half]} … {value[-half:]}"
    return event
