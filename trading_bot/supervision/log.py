"""The supervisor's own log: one JSON object a line, three files of 10 MB at most."""

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

from trading_bot.clock import Clock

FILE_BYTES = 10_000_000
OLDER_FILES = 2


class _File(RotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the standard library's name
        """A log that can't be written, as on a full disk, must not end or litter the supervisor."""


def open_log(path: Path, *, clock: Clock) -> FilteringBoundLogger:
    """A logger that appends to the file; times are the clock's, UTC."""

    def stamp(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        return {"timestamp": clock.now().isoformat().replace("+00:00", "Z"), "level": method, **event}

    logger = logging.Logger("supervisor")  # noqa: LOG001 - not registered: this file has one writer, and no other takes part
    logger.addHandler(_File(path, maxBytes=FILE_BYTES, backupCount=OLDER_FILES, encoding="utf-8", delay=True))
    bound: FilteringBoundLogger = structlog.wrap_logger(
        logger,
        processors=[structlog.processors.format_exc_info, stamp, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    return bound
