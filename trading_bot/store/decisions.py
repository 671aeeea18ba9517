"""Decisions: what was decided and why, and how to find it again."""

from datetime import datetime
from functools import partial

import sqlalchemy as sa

from trading_bot.domain.decisions import Decision, Verdict
from trading_bot.store.decision_tables import decisions
from trading_bot.store.paging import Page, page_of
from trading_bot.store.rows import made, of_bot, put, select_of, values_of
from trading_bot.store.transaction import Reading, Writing

_AGE = (decisions.c.created_at, decisions.c.id)


def save_decision(w: Writing, decision: Decision) -> None:
    """Add the decision, or renew it."""
    put(w, decisions, values_of(decision))


def find_decision(r: Reading, id: str) -> Decision | None:
    """The decision of that id; a plan's id finds the one that opened it."""
    row = r.connection.execute(_all(r).where(decisions.c.id == id)).one_or_none()
    return None if row is None else made(Decision, row)


def list_plan_decisions(r: Reading, plan_id: str) -> tuple[Decision, ...]:
    """The decisions that opened or end a plan, oldest first."""
    query = _all(r).where(decisions.c.plan_id == plan_id).order_by(*_AGE)
    return tuple(made(Decision, row) for row in r.connection.execute(query))


def list_decisions(
    r: Reading,
    first: int,
    after: str | None = None,
    *,
    symbol: str | None = None,
    strategy_name: str | None = None,
    acted: bool | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
) -> Page[Decision]:
    """Decisions, newest first, that pass every filter which is not null. `start` (inclusive) and `end` (exclusive) are venue times."""
    c = decisions.c
    filters = (
        symbol is not None and c.symbol == symbol,
        strategy_name is not None and c.strategy_name == strategy_name,
        acted is not None and (c.verdict == Verdict.APPROVED if acted else c.verdict != Verdict.APPROVED),
        start is not None and c.created_at >= start,
        end is not None and c.created_at < end,
    )
    query = _all(r).where(*(one for one in filters if one is not False))
    return page_of(r, query, _AGE, first=first, after=after, load=partial(made, Decision))


def _all(r: Reading) -> sa.Select[tuple[object, ...]]:
    return select_of(Decision, decisions).where(of_bot(r, decisions))
