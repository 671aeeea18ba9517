"""A bot that plays its feed to the end, killed with SIGKILL at the n-th moment that matters.

Moments are the ones before and after what a crash could double or lose: a commit of changed books, an append to the audit log, an order
or a cancel on its way to the venue.
"""

import logging
import os
import signal
from collections.abc import Callable
from functools import wraps
from typing import Any

import structlog

from tests.fakes.playing import play
from trading_bot.logs.audit import AuditLog
from trading_bot.services.journal import Journal
from trading_bot.settings import load_settings
from trading_bot.venues.paper.venue import PaperVenue


class Countdown:
    """Kills this process when it has been reached often enough."""

    def __init__(self, moments: int) -> None:
        self._left = moments

    def reach(self) -> None:
        """One moment that matters."""
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def run(moments: int, environment: dict[str, str]) -> int:
    """Play the home that `environment` names; 0 when the feed has ended. 0 moments: never killed."""
    os.environ.update(environment)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    until = Countdown(moments)
    _around(Journal, "commit", until, _has_news)
    _around(AuditLog, "append_all", until)
    _around(PaperVenue, "place", until)
    _around(PaperVenue, "cancel", until)
    play(load_settings())
    return 0


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
