"""Error counts: how many errors came up in a span of time, for whoever has to judge whether things got worse."""

from datetime import datetime

import sqlalchemy as sa

from trading_bot.domain.errors import Severity
from trading_bot.store.rows import of_bot
from trading_bot.store.tables import errors
from trading_bot.store.transaction import Reading

_NOT_HARM = ("CFG_005", "CFG_009", "BOT_006")
"""Told of the configuration itself, and of crashes, which are counted for themselves; what the limits refuse (RISK) is their work."""


def count_grave_errors(r: Reading, start: datetime, end: datetime) -> int:
    """Errors of severity MEDIUM and above that occurred first at or after `start` and before `end` (wall clock)."""
    c = errors.c
    query = sa.select(sa.func.count()).where(
        of_bot(r, errors),
        c.timestamp >= start,
        c.timestamp < end,
        c.severity != Severity.LOW,
        c.error_code.not_in(_NOT_HARM),
        c.error_code.not_like("RISK%"),
    )
    return int(r.connection.execute(query).scalar_one())
