"""Workflow runs: kept with every attempt at their steps, written by their API's callers, and by the one worker that holds a run's lease.

A lease is good until its time is over or another worker takes it; each has a number, the fence, larger than the ones before. Whatever a
worker writes about a run names its fence, in the statement itself: a worker that was given up is refused in the same transaction, WF_015.
At most one run that writes holds a bot; the store itself refuses a second one. Everything that happens to a run is an event of the bot,
and a line in the log.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from trading_bot.domain.workflow_runs import Cancellation, StepRun, WorkflowRun, WorkflowStatus
from trading_bot.errors.fault import Fault
from trading_bot.store.paging import Page, page_of
from trading_bot.store.rows import of_bot, put
from trading_bot.store.semantic import dumped, loaded
from trading_bot.store.transaction import Reading, Writing
from trading_bot.store.workflow_tables import workflow_runs, workflow_steps
from trading_bot.store.workflow_trail import KEPT, MOVING, STEP, tell_run, tell_step

MOST_DUE = 20
"""Runs that one look for work finds at most."""
_c = workflow_runs.c


class Due(NamedTuple):
    """A run that a worker may take."""

    bot_id: str
    """The bot that it concerns."""
    run_id: str
    """The run."""
    reads_only: bool
    """Whether it changes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A worker's right to carry a run on."""

    bot_id: str
    """The bot that the run concerns."""
    run_id: str
    """The run."""
    fence: int
    """Number of the lease; a later one of the same run has a larger one."""


def add_run(w: Writing, run: WorkflowRun) -> WorkflowRun:
    """Store a new run, with its event and log line, and give it back as it stands in the queue."""
    insert_run(w, run)
    tell_run(w, run, is_new=True)
    return find_run(w, run.id) or run


def insert_run(w: Writing, run: WorkflowRun) -> None:
    """Store a run that the log has already, as when the store is rebuilt from it."""
    kept = {name: getattr(run, name) for name in KEPT}
    w.connection.execute(workflow_runs.insert(), {**kept, **_moving(run), "bot_id": w.bot_id, "fence": 0})
    for place, attempt in enumerate(run.attempts):
        put(w, workflow_steps, _step_row(run.id, attempt, place, fence=0))


def find_run(r: Reading, id: str) -> WorkflowRun | None:
    """The run of that id."""
    row = r.connection.execute(_all(r).where(_c.id == id)).one_or_none()
    return None if row is None else _complete(r, [_run(row)])[0]


def list_runs(r: Reading, first: int, after: str | None = None, *, workflow_id: str | None = None) -> Page[WorkflowRun]:
    """Runs, newest first; of one workflow where it is named."""
    query = _all(r) if workflow_id is None else _all(r).where(_c.workflow_id == workflow_id)
    page = page_of(r, query, (_c.number,), first=first, after=after, load=_run)
    return replace(page, items=tuple(_complete(r, page.items)))


def find_holder(r: Reading) -> WorkflowRun | None:
    """The run that writes to the bot now; null where none does."""
    row = r.connection.execute(_all(r).where(_c.holds_bot == r.bot_id)).one_or_none()
    return None if row is None else _complete(r, [_run(row)])[0]


def count_open(r: Reading, *, preempts: bool) -> int:
    """Runs that have not ended: those that go first, or the others."""
    query = sa.select(sa.func.count()).where(
        of_bot(r, workflow_runs), _c.finished_at.is_(None), _c.preempts == preempts
    )
    return int(r.connection.execute(query).scalar_one())


def list_due(connection: sa.Connection, now: datetime) -> tuple[Due, ...]:
    """The runs, of all bots, that a worker may take now: those that go first, then those that write, each in the order they came in."""
    query = sa.select(_c.bot_id, _c.id, _c.reads_only).where(_may_be_taken(now))
    rows = connection.execute(query.order_by(_c.preempts.desc(), _c.reads_only, _c.number).limit(MOST_DUE))
    return tuple(Due(row.bot_id, row.id, row.reads_only) for row in rows)


def take(w: Writing, run_id: str, *, owner: str, until: datetime) -> Lease | None:
    """The lease on a run that is due; null where another worker was faster, or another run must go first."""
    holds = sa.case((_c.reads_only, sa.null()), else_=_c.bot_id)
    leased = {"owner": owner, "leased_until": until, "fence": _c.fence + 1, "holds_bot": holds}
    update = workflow_runs.update().where(of_bot(w, workflow_runs), _c.id == run_id, _may_be_taken(w.now))
    fence = w.connection.execute(update.values(leased).returning(_c.fence)).scalar_one_or_none()
    return None if fence is None else Lease(bot_id=w.bot_id, run_id=run_id, fence=fence)


def renew(connection: sa.Connection, leases: Sequence[Lease], *, until: datetime) -> set[Lease]:
    """Hold on to leases, and say which are still held: one that is over stays over."""
    held = set()
    for lease in leases:
        if connection.execute(workflow_runs.update().where(_held(lease)).values(leased_until=until)).rowcount:
            held.add(lease)
    return held


def list_wanted(connection: sa.Connection, leases: Sequence[Lease]) -> dict[str, bool]:
    """Of those of `leases` that are still held: whether somebody wants the run to be cancelled, by its id."""
    query = sa.select(_c.id, _c.cancelled_at).where(sa.or_(sa.false(), *(_held(lease) for lease in leases)))
    return {row.id: row.cancelled_at is not None for row in connection.execute(query)}


def find_held(w: Writing, lease: Lease, known: WorkflowRun | None = None) -> WorkflowRun:
    """The run of a lease, to be carried on in this transaction. WF_015 where the lease is not held any more.

    With `known`, the run as it was last written under this lease: nobody else can have changed it since, but by asking for its end.
    """
    if known is None:
        row = w.connection.execute(_all(w).where(_held(lease))).one_or_none()
    else:
        asked = sa.select(_c.cancelled_at, _c.cancelled_by, _c.cancel_reason).where(_held(lease))
        row = w.connection.execute(asked).one_or_none()
    if row is None:
        raise _lost(lease)
    return _complete(w, [_run(row)])[0] if known is None else replace(known, cancellation=_cancellation(row))


def save_held(w: Writing, lease: Lease, before: WorkflowRun, after: WorkflowRun) -> None:
    """Write what a worker made of a run: of `find_held` in the same transaction. Events and log lines for every difference.

    The lease is let go where the run has ended or waits for its time. WF_015, and nothing is written, where it is not held any more.
    """
    released: dict[str, Any] = {}
    if after.has_ended or after.due_at > w.now:
        # The fence too: a renewal that comes late must not hold on to what was let go.
        released = {"owner": None, "leased_until": None, "fence": _c.fence + 1}
    if after.has_ended:
        released["holds_bot"] = None
    update = workflow_runs.update().where(_held(lease)).values(**_moving(after), **released)
    if w.connection.execute(update).rowcount != 1:
        raise _lost(lease)
    for place, attempt in enumerate(after.attempts):
        if attempt not in before.attempts:
            put(w, workflow_steps, _step_row(after.id, attempt, place, fence=lease.fence))
            tell_step(w, after, attempt, fence=lease.fence)
    if (before.status, before.finished_at) != (after.status, after.finished_at):
        tell_run(w, after, fence=lease.fence)


def ask_cancel(w: Writing, run: WorkflowRun, cancellation: Cancellation) -> None:
    """Note that a run, which has not ended and was not to be cancelled before, is to be cancelled; its worker does it, at once."""
    asked = {"cancelled_at": cancellation.at, "cancelled_by": cancellation.user, "cancel_reason": cancellation.reason}
    where = of_bot(w, workflow_runs), _c.id == run.id, _c.cancelled_at.is_(None), _c.finished_at.is_(None)
    w.connection.execute(workflow_runs.update().where(*where).values(**asked, due_at=w.now))
    tell_run(w, replace(run, cancellation=cancellation))


def end_unstarted(w: Writing, run: WorkflowRun) -> None:
    """Write the end of a run that no worker has begun, such as one that was cancelled while it waited."""
    where = of_bot(w, workflow_runs), _c.id == run.id, _c.started_at.is_(None)
    freed = {"holds_bot": None, "owner": None, "leased_until": None, "fence": _c.fence + 1}
    w.connection.execute(workflow_runs.update().where(*where).values(**_moving(run), **freed))
    tell_run(w, run)


def _may_be_taken(now: datetime) -> sa.ColumnElement[bool]:
    """That a run is due, that no worker holds it, and that no other run must end first."""
    other = workflow_runs.alias("other").c
    same_bot = sa.and_(
        other.bot_id == _c.bot_id, other.id != _c.id, other.finished_at.is_(None), sa.not_(other.reads_only)
    )
    ahead = sa.or_(
        other.holds_bot.is_not(None),
        sa.and_(other.preempts, sa.or_(sa.not_(_c.preempts), other.number < _c.number)),
        sa.and_(sa.not_(_c.preempts), other.number < _c.number),
    )
    return sa.and_(
        _c.finished_at.is_(None),
        _c.due_at <= now,
        sa.or_(_c.leased_until.is_(None), _c.leased_until <= now),
        sa.or_(
            _c.reads_only,
            _c.holds_bot.is_not(None),
            sa.not_(sa.exists().where(same_bot, ahead).correlate(workflow_runs)),
        ),
    )


def _held(lease: Lease) -> sa.ColumnElement[bool]:
    return sa.and_(_c.bot_id == lease.bot_id, _c.id == lease.run_id, _c.fence == lease.fence, _c.finished_at.is_(None))


def _lost(lease: Lease) -> Fault:
    return Fault(
        "WF_015",
        f"Lease {lease.fence} on the run is over: another worker carries it on.",
        context={"runId": lease.run_id, "fence": lease.fence},
    )


def _all(r: Reading) -> sa.Select[Any]:
    names = (*KEPT, *MOVING, "bot_id", "cancelled_at", "cancelled_by", "cancel_reason", "error")
    return sa.select(*(_c[name] for name in names)).where(of_bot(r, workflow_runs))


def _moving(run: WorkflowRun) -> dict[str, Any]:
    error = None if run.error is None else dumped(run.error)
    return {name: getattr(run, name) for name in MOVING} | {"error": error}


def _run(row: sa.Row[Any]) -> WorkflowRun:
    values = {name: getattr(row, name) for name in ("bot_id", *KEPT, *MOVING)}
    return WorkflowRun(**values, cancellation=_cancellation(row), error=loaded(row.error) if row.error else None)


def _cancellation(row: sa.Row[Any]) -> Cancellation | None:
    if row.cancelled_at is None:
        return None
    return Cancellation(at=row.cancelled_at, user=row.cancelled_by, reason=row.cancel_reason)


def _complete(r: Reading, runs: Sequence[WorkflowRun]) -> list[WorkflowRun]:
    """The runs with their attempts and what goes before them."""
    if not runs:
        return []
    s = workflow_steps.c
    query = sa.select(*(s[name] for name in (*STEP, "error", "run_id"))).where(of_bot(r, workflow_steps))
    query = query.where(s.run_id.in_([run.id for run in runs])).order_by(s.number)
    attempts: dict[str, list[StepRun]] = {}
    for row in r.connection.execute(query):
        attempts.setdefault(row.run_id, []).append(_step(row))
    behind = _queue(r) if any(run.status is WorkflowStatus.NOT_STARTED for run in runs) else {}
    return [replace(run, attempts=tuple(attempts.get(run.id, ())), queued_behind=behind.get(run.id)) for run in runs]


def _queue(r: Reading) -> dict[str, str]:
    """Of each run that waits for others: the one that goes right before it."""
    writes = of_bot(r, workflow_runs), _c.finished_at.is_(None), sa.not_(_c.reads_only)
    order = _c.holds_bot.is_(None), sa.not_(_c.preempts), _c.number
    ids = list(r.connection.execute(sa.select(_c.id).where(*writes).order_by(*order)).scalars())
    return dict(zip(ids[1:], ids, strict=False))


def _step(row: sa.Row[Any]) -> StepRun:
    error = loaded(row.error) if row.error else None
    return StepRun(**{name: getattr(row, name) for name in STEP}, error=error)


def _step_row(run_id: str, attempt: StepRun, place: int, *, fence: int) -> dict[str, Any]:
    values = {name: getattr(attempt, name) for name in STEP}
    error = dumped(attempt.error) if attempt.error else None
    return {**values, "error": error, "run_id": run_id, "number": place, "fence": fence}
