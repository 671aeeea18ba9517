"""The application log as a process has it, for as long as a test wants it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from trading_bot.logs.application import log_to
from trading_bot.logs.secrets import Secrets


@contextmanager
def logged_to(path: Path, secrets: Secrets | None = None) -> Iterator[None]:
    """Everything that is logged goes to the file; afterwards logging is as it was."""
    before, root = structlog.get_config(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    log_to(path, secrets)
    structlog.configure(cache_logger_on_first_use=False)
    try:
        yield
    finally:
        for handler in root.handlers[:]:
            if handler not in handlers:
                handler.close()
                root.removeHandler(handler)
        root.setLevel(level)
        structlog.configure(**before)
