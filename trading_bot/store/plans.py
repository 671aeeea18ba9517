"""Plans: what the bot means to do, kept so that stops and targets are armed again at every start."""

from functools import partial

import sqlalchemy as sa

from trading_bot.domain.plans import PlanStatus, TradePlan
from trading_bot.store.paging import Page, page_of
from trading_bot.store.rows import made, of_bot, put, select_of, values_of
from trading_bot.store.tables import plans
from trading_bot.store.transaction import Reading, Writing

_AGE = (plans.c.opened_at, plans.c.id)


def save_plan(w: Writing, plan: TradePlan) -> None:
    """Add the plan, or renew it."""
    put(w, plans, values_of(plan))


def find_plan(r: Reading, id: str) -> TradePlan | None:
    """The plan of that id."""
    row = r.connection.execute(_all(r).where(plans.c.id == id)).one_or_none()
    return None if row is None else made(TradePlan, row)


def list_open_plans(r: Reading) -> tuple[TradePlan, ...]:
    """Plans that are not closed, oldest first."""
    is_open = plans.c.status.in_([PlanStatus.OPEN, PlanStatus.SUSPENDED])
    # Sorted here, for they are few: asked for their order, SQLite would walk through all plans by age instead.
    found = [made(TradePlan, row) for row in r.connection.execute(_all(r).where(is_open))]
    return tuple(sorted(found, key=lambda plan: (plan.opened_at, plan.id)))


def list_plans(r: Reading, first: int, after: str | None = None, status: PlanStatus | None = None) -> Page[TradePlan]:
    """Plans, newest first; in one status, where one is named."""
    query = _all(r) if status is None else _all(r).where(plans.c.status == status)
    return page_of(r, query, _AGE, first=first, after=after, load=partial(made, TradePlan))


def _all(r: Reading) -> sa.Select[tuple[object, ...]]:
    return select_of(TradePlan, plans).where(of_bot(r, plans))
