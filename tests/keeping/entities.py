"""Everything that a store holds and its log can give back, to compare two stores field by field."""

from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from tests.fakes.pages import all_pages
from trading_bot.clock import SystemClock
from trading_bot.domain.errors import SemanticError
from trading_bot.store import (
    commands,
    config_changes,
    configs,
    decisions,
    errors,
    fills,
    performance,
    performance_metrics,
    plans,
    positions,
    risk_events,
    sessions,
    tables,
    trades,
)
from trading_bot.store.engine import open_engine
from trading_bot.store.store import Reading, Store


def entities(store_url: str, bot_id: str = "main") -> dict[str, Any]:
    """All that is compared.

    What the log does not hold is left out: prices since a symbol's last fill, account names, counts of refusals and of the newest error.
    """
    engine = open_engine(store_url)
    try:
        with Store(engine, SystemClock()).reading(bot_id) as r:
            return {
                "sessions": all_pages(lambda after: sessions.list_sessions(r, 100, after)),
                "plans": all_pages(lambda after: plans.list_plans(r, 100, after)),
                "orders": _orders(r),
                "fills": list(fills.list_all_fills(r)),
                "trades": [
                    replace(trade, account_id=None)
                    for trade in all_pages(lambda after: trades.list_trades(r, 100, after))
                ],
                "decisions": all_pages(lambda after: decisions.list_decisions(r, 100, after)),
                "commands": all_pages(lambda after: commands.list_commands(r, 100, after)),
                "errors": _without_last_count(all_pages(lambda after: errors.list_errors(r, 100, after))),
                "risk events": [
                    replace(event, count=1, last_seen_at=event.timestamp)
                    for event in all_pages(lambda after: risk_events.list_risk_events(r, 100, after))
                ],
                "breaker": risk_events.find_breaker(r),
                "metrics": all_pages(lambda after: performance_metrics.list_metrics(r, 100, after)),
                "positions": {position.symbol: position.lots for position in positions.list_positions(r)},
                "record": performance.find_record(r),
                "configurations": _versions(r),
                "changes of configurations": all_pages(lambda after: config_changes.list_changes(r, 100, after)),
                "configuration in force": replace(
                    found, file_version=None, file_digest=None, replaced_digest=None, told_digest=None
                )
                if (found := config_changes.find_pointer(r)) is not None
                else None,
            }
    finally:
        engine.dispose()


def _orders(r: Reading) -> list[Any]:
    """Every order, with the wall clock of its intent, which no domain value has."""
    table = tables.orders
    rows = r.connection.execute(sa.select(table).order_by(table.c.client_order_id))
    return [tuple(row) for row in rows]


def _without_last_count(newest_first: list[SemanticError]) -> list[SemanticError]:
    if not newest_first:
        return []
    newest, *older = newest_first
    context = {name: value for name, value in newest.context.items() if name not in {"count", "last_seen"}}
    return [replace(newest, context=context), *older]


def _versions(r: Reading) -> list[Any]:
    found = configs.find_config(r)
    return [configs.find_config(r, version) for version in range(1, found.version + 1)] if found is not None else []
