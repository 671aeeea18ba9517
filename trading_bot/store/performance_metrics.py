"""Performance metrics: the figures over the last trades after each closed one."""

from collections.abc import Iterator
from dataclasses import fields
from decimal import Decimal
from functools import partial
from typing import Any

import sqlalchemy as sa

from trading_bot.domain.events import EventKind
from trading_bot.domain.watch import PerformanceMetric, Result
from trading_bot.store.paging import Page, page_of
from trading_bot.store.risk_tables import performance_metrics
from trading_bot.store.rows import made, of_bot, put, select_of, values_of
from trading_bot.store.tables import sessions, trades
from trading_bot.store.transaction import Reading, Writing

_ROWS_AT_A_TIME = 500


def save_metric(w: Writing, metric: PerformanceMetric) -> None:
    """Store the figures, or renew those after the same trade; an alert comes with an event and a line for the log, once."""
    known = find_metric(w, metric.id)
    if metric == known:
        return
    put(w, performance_metrics, values_of(metric))
    if metric.alert_message is not None and (known is None or known.alert_message != metric.alert_message):
        data = {"eventType": "performance_alert", "tradeId": metric.id, "totalTrades": metric.total_trades}
        w.changed(EventKind.RISK, metric.id, f"Performance alert: {metric.alert_message}", data)
        w.log("performance-alerts", _record(metric))


def insert_metric(w: Writing, metric: PerformanceMetric) -> None:
    """Store figures whose alert the log has already, as when the store is rebuilt from it."""
    put(w, performance_metrics, values_of(metric))


def delete_metric(w: Writing, trade_id: str) -> None:
    """Forget the figures after a trade that is open again."""
    table = performance_metrics
    w.connection.execute(table.delete().where(of_bot(w, table), table.c.id == trade_id))


def find_metric(r: Reading, trade_id: str) -> PerformanceMetric | None:
    """The figures after that trade was closed."""
    row = r.connection.execute(_all(r).where(performance_metrics.c.id == trade_id)).one_or_none()
    return None if row is None else made(PerformanceMetric, row)


def list_metrics(
    r: Reading, first: int, after: str | None = None, *, alerts_only: bool = False
) -> Page[PerformanceMetric]:
    """Figures, newest first; those alone that triggered an alert, where only they are wanted."""
    c = performance_metrics.c
    query = _all(r).where(c.alert_triggered.is_(True)) if alerts_only else _all(r)
    return page_of(r, query, (c.timestamp, c.id), first=first, after=after, load=partial(made, PerformanceMetric))


def list_last_results(r: Reading, count: int) -> tuple[Result, ...]:
    """What the last `count` closed trades came to, in the order of their exits."""
    c = trades.c
    newest = _results(r).order_by(c.exit_timestamp.desc(), c.recorded_at.desc(), c.id.desc()).limit(count)
    return tuple(_result(row) for row in reversed(r.connection.execute(newest).all()))


def list_results(r: Reading) -> Iterator[Result]:
    """What every closed trade came to, in the order of their exits, read as they are taken."""
    c = trades.c
    oldest = _results(r).order_by(c.exit_timestamp, c.recorded_at, c.id)
    rows = r.connection.execute(oldest.execution_options(yield_per=_ROWS_AT_A_TIME))
    return (_result(row) for row in rows)


def find_first_capital(r: Reading) -> Decimal | None:
    """The capital that the first session began with; null before it."""
    first = sa.select(sessions.c.starting_capital).where(of_bot(r, sessions))
    return r.connection.execute(first.order_by(sessions.c.created_at, sessions.c.id).limit(1)).scalar()


def _results(r: Reading) -> sa.Select[Any]:
    closed = sa.select(trades.c.id, trades.c.exit_timestamp, trades.c.net_profit_loss)
    return closed.where(of_bot(r, trades), trades.c.exit_timestamp.is_not(None))


def _result(row: sa.Row[Any]) -> Result:
    return Result(trade_id=row.id, exited_at=row.exit_timestamp, net=row.net_profit_loss)


def _all(r: Reading) -> sa.Select[tuple[object, ...]]:
    return select_of(PerformanceMetric, performance_metrics).where(of_bot(r, performance_metrics))


def _record(metric: PerformanceMetric) -> dict[str, Any]:
    record = {field.name: getattr(metric, field.name) for field in fields(metric)}
    return {**record, "timestamp": metric.timestamp.isoformat().replace("+00:00", "Z")}
