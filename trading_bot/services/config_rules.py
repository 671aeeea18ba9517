"""Config rules: what a configuration of the right shape keeps to besides: its values go together, and fit the venue and the home."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, assert_never

from trading_bot.domain.config import BotConfig, BullFlag, VwapPullback
from trading_bot.domain.config_changes import ConfigView
from trading_bot.domain.hours import LEAST_FOR_ENTRIES, LONGEST_SESSION
from trading_bot.domain.money import ZERO, floored, plain
from trading_bot.services.config_check import CONTRARY, Problem
from trading_bot.services.config_fields import Path, allowed, field_at, shown
from trading_bot.services.config_suggestions import GONE
from trading_bot.services.configuration import config_values

HOME_BOUND: tuple[Path, ...] = (
    ("bot_id",),
    ("venue", "kind"),
    ("venue", "feed"),
    ("venue", "candles"),
    ("venue", "seed"),
    ("venue", "starting_cash"),
)
"""What a home was begun with and keeps."""
_FINEST = Decimal("0.0001")


def broken_rules(config: BotConfig, base: BotConfig, view: ConfigView) -> Iterator[Problem]:
    """What `config` breaks and `base`, which is in force, does not break in just the same way."""
    known = {problem.cause for problem in _broken(base, view)}
    yield from (problem for problem in _broken(config, view) if problem.cause not in known)
    yield from _of_home(config, base)


def _broken(config: BotConfig, view: ConfigView) -> Iterator[Problem]:
    yield from _of_limits(config, view)
    yield from _of_hours(config)
    yield from _of_venue(config, view)
    yield from _of_stops(config, view)


def _of_limits(config: BotConfig, view: ConfigView) -> Iterator[Problem]:
    risk, kept = config.risk, config.retention
    if risk.max_position_size_pct > risk.max_exposure_pct:
        together = risk.max_exposure_pct
        text = f"is {risk.max_position_size_pct:g} %, more than all positions may be worth: `risk.max_exposure_pct` is {together:g} %"
        yield _contrary(config, ("risk", "max_position_size_pct"), text, risk.max_exposure_pct)
    if risk.risk_per_trade_pct > risk.max_position_size_pct:
        most_worth = risk.max_position_size_pct
        text = f"is {risk.risk_per_trade_pct:g} %, more than a position may be worth: `risk.max_position_size_pct` is {most_worth:g} %"
        yield _contrary(config, ("risk", "risk_per_trade_pct"), text, risk.max_position_size_pct)
    equity = view.equity if view.equity is not None and view.equity > ZERO else config.venue.starting_cash
    lost = equity * Decimal(str(risk.risk_per_trade_pct)) / 100
    if lost > -risk.daily_loss_limit:
        text = f"lets one trade lose {lost:.2f}, more than `risk.daily_loss_limit` allows for a session, {plain(risk.daily_loss_limit)}"
        most = floored(-risk.daily_loss_limit * 100 / equity, Decimal("0.01"))
        yield _contrary(config, ("risk", "risk_per_trade_pct"), text, float(most) if most > ZERO else None)
    if kept.hot_days > kept.archive_days:
        text = f"is {kept.hot_days}, but a file is removed after {kept.archive_days} days (`retention.archive_days`)"
        yield _contrary(config, ("retention", "hot_days"), text, kept.archive_days)


def _of_hours(config: BotConfig) -> Iterator[Problem]:
    hours = config.hours
    left = hours.minutes_for_entries
    if left >= LEAST_FOR_ENTRIES:
        return
    free = LONGEST_SESSION - LEAST_FOR_ENTRIES
    begin, flat = hours.entries_after_open_minutes, hours.flatten_before_close_minutes or 0
    # The end gives way where that is enough; the begin where it is not, or where positions are closed that early.
    gives_way = free - begin >= flat
    name = "entries_before_close_minutes" if gives_way else "entries_after_open_minutes"
    value, most = (
        (hours.entries_before_close_minutes, free - begin) if gives_way else (begin, free - hours.last_minutes)
    )
    text = (
        f"is {value}, which leaves {max(0, left)} of a session's {LONGEST_SESSION} minutes for entries, at least {LEAST_FOR_ENTRIES} are "
        f"due: they begin after {begin} and end {hours.last_minutes} before the close"
    )
    yield _contrary(config, ("hours", name), text, max(0, most))


def _of_venue(config: BotConfig, view: ConfigView) -> Iterator[Problem]:
    for name, symbols in (("symbols", config.symbols), ("decider", config.decider.symbols)):
        for place, symbol in enumerate(symbols):
            if view.symbols is not None and symbol not in view.symbols:
                path: Path = ("symbols", place) if name == "symbols" else ("decider", "symbols", place)
                yield _contrary(config, path, f"is {symbol}, which the venue does not have", GONE)


def _of_stops(config: BotConfig, view: ConfigView) -> Iterator[Problem]:
    widest, where = _widest_spread(config, view)
    for place, strategy in enumerate(config.strategies):
        match strategy:
            case VwapPullback(stop_pct=near):
                name, what = "stop_pct", "a stop"
            case BullFlag(pole_min_pct=near):
                name, what = "pole_min_pct", "a pole, and the stop under its flag,"
            case never:
                assert_never(never)
        if near <= widest:
            text = f"is {plain(near)} %: {what} nearer than {where}, {plain(widest.normalize())} %"
            wider = plain((widest * 2).quantize(_FINEST).normalize())
            yield _contrary(config, ("strategies", place, name), text, wider)


def _widest_spread(config: BotConfig, view: ConfigView) -> tuple[Decimal, str]:
    """The widest spread of what is traded, in percent; where no symbol has one, what a round trip loses by slippage."""
    traded = {
        symbol: spread for symbol, spread in view.spreads.items() if not config.symbols or symbol in config.symbols
    }
    slipped = config.venue.slippage_bps * 2 / 100
    widest = max(traded, key=lambda symbol: traded[symbol], default=None)
    if widest is not None and traded[widest] > slipped:
        return traded[widest], f"the spread of {widest}"
    return slipped, "the slippage of a round trip"


def _of_home(config: BotConfig, base: BotConfig) -> Iterator[Problem]:
    old, new = config_values(base), config_values(config)
    for path in HOME_BOUND:
        before, after = _at(old, path), _at(new, path)
        if before != after:
            yield _contrary(config, path, "can't be changed within one home: it needs another BOTGRAPH_HOME", before)


def _contrary(config: BotConfig, path: Path, text: str, suggestion: Any) -> Problem:
    values = config_values(config)
    value = _at(values, path)
    return Problem(
        code=CONTRARY,
        path=path,
        cause=f"`{shown(path)}` {text}.",
        value=value,
        allowed=allowed(field_at(path, values)),
        suggestion=value if suggestion is None else suggestion,
    )


def _at(values: Any, path: Iterable[str | int]) -> Any:
    for part in path:
        values = values[part]
    return values
