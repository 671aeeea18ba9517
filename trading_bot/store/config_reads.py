"""Config reads: the versions of the configuration as they are shown, with what happened while each was in force."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

import sqlalchemy as sa

from trading_bot.domain.config_changes import (
    Adoption,
    AdoptionStatus,
    Config,
    ConfigChange,
    ConfigDifference,
    ConfigValidation,
)
from trading_bot.domain.config_versions import StoredChange
from trading_bot.domain.money import ZERO
from trading_bot.errors.fault import Fault
from trading_bot.store.config_changes import find_change, list_changes
from trading_bot.store.config_tables import config_changes
from trading_bot.store.configs import StoredConfig, find_config
from trading_bot.store.paging import Page
from trading_bot.store.rows import made, of_bot, select_of
from trading_bot.store.tables import configs, errors, trades
from trading_bot.store.transaction import Reading

SCHEMA_URL = "/config.schema.json"
"""Where the API has the JSON Schema of the configuration."""


def find_version(r: Reading, version: int | None = None) -> Config | None:
    """That version, or the latest; null when there is none."""
    stored = find_config(r, version)
    if stored is None:
        return None
    change = find_change(r, stored.version)
    return Config(
        bot_id=r.bot_id,
        version=stored.version,
        values=stored.values,
        schema_url=SCHEMA_URL,
        updated_at=stored.updated_at,
        user=stored.user,
        adoption=_adoption(change),
    )


def find_config_change(r: Reading, version: int) -> ConfigChange | None:
    """The step that made a version; null when there is none."""
    change = find_change(r, version)
    return None if change is None else _shown(r, (change,))[0]


def list_config_changes(r: Reading, first: int, after: str | None = None) -> Page[ConfigChange]:
    """The steps from version to version, newest first."""
    page = list_changes(r, first, after)
    return Page(
        items=_shown(r, page.items), cursors=page.cursors, has_next=page.has_next, has_previous=page.has_previous
    )


def _shown(r: Reading, changes: Sequence[StoredChange]) -> tuple[ConfigChange, ...]:
    numbers = {number for change in changes for number in (change.version, change.previous_version)}
    values = {stored.version: stored.values for stored in _configs(r, numbers)}
    results = _results(r, [change.version for change in changes])
    until = _ends(r, changes)
    return tuple(
        ConfigChange(
            id=change.id,
            version=change.version,
            previous_version=change.previous_version,
            timestamp=change.timestamp,
            user=change.user,
            reason=change.reason,
            previous_config=values.get(change.previous_version, {}),
            new_config=values.get(change.version, {}),
            diff=tuple(ConfigDifference(**one) for one in change.diff),
            validation_result=_validation(change),
            applied=change.adopted_at is not None,
            rolled_back=change.rolled_back_by is not None,
            rolled_back_by=change.rolled_back_by,
            adoption=_adoption(change),
            net_pnl=results[change.version],
            error_count=_errors_between(r, change.adopted_at, until.get(change.version)),
        )
        for change in changes
    )


def _adoption(change: StoredChange | None) -> Adoption:
    if change is None:
        return Adoption(status=AdoptionStatus.PENDING, at=None, detail=None)
    return Adoption(status=change.status, at=change.at, detail=change.detail)


def _validation(change: StoredChange) -> ConfigValidation:
    """Only what was found valid becomes a version; the bot looks again and may refuse it all the same."""
    if change.status is not AdoptionStatus.REFUSED:
        return ConfigValidation(valid=True, errors=())
    cause = change.detail or "The bot refused it."
    refusal = Fault("CFG_009", cause, context={"version": change.version}).semantic(now=change.at or change.timestamp)
    return ConfigValidation(valid=False, errors=(refusal,))


def _configs(r: Reading, versions: set[int]) -> tuple[StoredConfig, ...]:
    query = select_of(StoredConfig, configs).where(of_bot(r, configs), configs.c.version.in_(sorted(versions)))
    return tuple(made(StoredConfig, row) for row in r.connection.execute(query))


def _results(r: Reading, versions: list[int]) -> dict[int, Decimal]:
    """Net profit or loss by version of the trades that were entered under it and have ended."""
    query = sa.select(trades.c.config_version, trades.c.net_profit_loss).where(
        of_bot(r, trades), trades.c.config_version.in_(versions), trades.c.net_profit_loss.is_not(None)
    )
    sums: dict[int, Decimal] = defaultdict(lambda: ZERO)
    for version, result in r.connection.execute(query):
        sums[version] += result
    return sums


def _ends(r: Reading, changes: Sequence[StoredChange]) -> dict[int, datetime]:
    """When each version was followed by another; those in force still, and those that never were, are missing."""
    begins = [change.adopted_at for change in changes if change.adopted_at is not None]
    if not begins:
        return {}
    c = config_changes.c
    query = sa.select(c.version, c.adopted_at).where(of_bot(r, config_changes), c.adopted_at >= min(begins))
    rows = r.connection.execute(query.order_by(c.adopted_at, c.version)).all()
    return {row.version: following.adopted_at for row, following in pairwise(rows)}


def _errors_between(r: Reading, start: datetime | None, end: datetime | None) -> int:
    if start is None:
        return 0
    query = sa.select(sa.func.count()).where(of_bot(r, errors), errors.c.timestamp >= start)
    return r.connection.execute(query if end is None else query.where(errors.c.timestamp < end)).scalar_one()
