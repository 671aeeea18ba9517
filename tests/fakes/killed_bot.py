"""The bot's process, killed with SIGKILL at the n-th moment that matters: `python -m tests.fakes.killed_bot N` (0: never).

Moments are the ones before and after what a crash could double or lose: a commit of changed books, an append to the audit log, an order
or a cancel on its way to the venue.
"""

import os
import signal
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

from trading_bot.venues.paper.venue import PaperVenue

from trading_bot.__main__ import main
from trading_bot.logs.audit import AuditLog
from trading_bot.services.journal import Journal


class Countdown:
    """Kills this process when it has been reached often enough."""

    def __init__(self, moments: int) -> None:
        self._left = moments

    def reach(self) -> None:
        """One moment that matters."""
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def _around(owner: type, name: str, countdown: Countdown, matters: Callable[..., bool] = lambda *_: True) -> None:
    original = getattr(owner, name)

    @wraps(original)
    def sync(self: Any, *args: Any, **kwargs: Any) -> Any:
        counts = matters(self)
        if counts:
            countdown.reach()
        result = original(self, *args, **kwargs)
        if counts:
            countdown.reach()
        return result

    @wraps(original)
    async def waiting(self: Any, *args: Any, **kwargs: Any) -> Any:
        countdown.reach()
        result = await original(self, *args, **kwargs)
        countdown.reach()
        return result

    setattr(owner, name, waiting if owner is PaperVenue else sync)


def _has_news(journal: Journal) -> bool:
    stored, books = journal._stored, journal.books
    return stored.orders != books.orders or stored.plans != books.plans or stored.fills != books.fills


if __name__ == "__main__":
    until = Countdown(int(sys.argv[1]))
    _around(Journal, "commit", until, _has_news)
    _around(AuditLog, "append_all", until)
    _around(PaperVenue, "place", until)
    _around(PaperVenue, "cancel", until)
    sys.exit(main())
