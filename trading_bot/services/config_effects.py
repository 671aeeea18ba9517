"""Config effects: what happens when a change is applied, in words, and how much harm it could do, with the reasons."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from trading_bot.domain.account import TradingMode
from trading_bot.domain.commands import RiskLevel
from trading_bot.domain.config import BotConfig, BullFlag, VwapPullback
from trading_bot.domain.config_changes import ConfigDifference, ConfigView
from trading_bot.domain.decider import DeciderKind
from trading_bot.domain.errors import capped
from trading_bot.domain.instruments import AssetClass, instrument
from trading_bot.domain.money import plain

NEEDS_FLAT = ("mode", "venue", "client_order_prefix")
"""What changes only at a restart at which nothing is held and no order may act."""
RESTART = ("decider", *NEEDS_FLAT)
"""What changes only at a restart."""
MOST_SENTENCES, SENTENCE_BYTES = 20, 300
_STOPS = {"stop_pct": VwapPullback().stop_pct, "flag_max_retrace_pct": BullFlag().flag_max_retrace_pct}
"""Parameters of strategies that put the stop further away when they rise, with their defaults."""
_SENT = ("decider.url", "decider.key")
"""What decides to whom a secret is sent, and which."""
_NAMED = 10


def under(diff: Iterable[ConfigDifference], parts: Iterable[str]) -> tuple[str, ...]:
    """The paths of `diff` that belong to one of these parts of the configuration."""
    wanted = set(parts)
    return tuple(one.path for one in diff if _part(one.path) in wanted)


def risk_of(
    before: BotConfig, after: BotConfig, diff: Sequence[ConfigDifference], loosened: Iterable[str]
) -> tuple[RiskLevel, tuple[str, ...]]:
    """How much harm the change could do, and why it is not LOW."""
    high = tuple(_high(after, diff, frozenset(loosened)))
    medium = tuple(_medium(before, after, diff))
    level = RiskLevel.HIGH if high else RiskLevel.MEDIUM if medium else RiskLevel.LOW
    return level, tuple(capped(reason, SENTENCE_BYTES) for reason in (*high, *medium)[:MOST_SENTENCES])


def effects_of(
    before: BotConfig, after: BotConfig, diff: Sequence[ConfigDifference], view: ConfigView
) -> tuple[str, ...]:
    """What happens when the change is applied, one sentence each."""
    if not diff:
        return ("Nothing would change.",)
    told = (
        *_at_restart(diff, view),
        *_on_strategies(before, after, diff, view),
        *_on_symbols(before, after, view),
        *_on_limits(after, diff, view),
        *_on_hours(before, after, diff, view),
        *_elsewhere(diff),
    )
    return tuple(capped(sentence, SENTENCE_BYTES) for sentence in told[:MOST_SENTENCES])


def _high(after: BotConfig, diff: Iterable[ConfigDifference], loosened: frozenset[str]) -> Iterator[str]:
    for one in diff:
        if one.path == "mode" and after.mode is TradingMode.LIVE:
            yield "mode goes LIVE: real money is at stake."
        elif one.path in loosened:
            yield f"{one.path} is loosened from {_said(one.before)} to {_said(one.after)}."
        elif one.path.endswith(tuple(_STOPS)) and _is_more(one):
            yield f"{one.path} widens stops from {_said(one.before)} to {_said(one.after)}."
        elif one.before is None and isinstance(one.after, dict):  # a strategy that is new
            yield from (
                f"{one.path}.{name} has wider stops than by default: {one.after[name]}, not {plain(usual)}."
                for name, usual in _STOPS.items()
                if name in one.after and _number(one.after[name]) > usual
            )
        elif one.path in _SENT and after.decider.key is not None:
            yield f"{one.path} changes which secret is sent, or where to."


def _medium(before: BotConfig, after: BotConfig, diff: Sequence[ConfigDifference]) -> Iterator[str]:
    if before.strategies != after.strategies:
        yield "The strategies decide differently."
    if before.symbols != after.symbols:
        yield "Other symbols are traded."
    if before.decider != after.decider:
        who = "A language model decides" if after.decider.kind is DeciderKind.LANGUAGE_MODEL else "The rules decide"
        yield (
            f"{who} after the next restart."
            if before.decider.kind is not after.decider.kind
            else ("The language model is asked differently after the next restart.")
        )
    if under(diff, ("venue", "client_order_prefix")):
        yield "Orders leave under other conditions after the next restart."
    if any(_is_less(one) for one in diff if _part(one.path) == "retention"):
        yield "Logs are removed or archived sooner."
    if after.backup.daily_at is None and before.backup.daily_at is not None:
        yield "No more backups are made by themselves."
    if before.on_signal is not after.on_signal:
        yield "Resting orders are treated differently when the process is asked to end."


def _at_restart(diff: Sequence[ConfigDifference], view: ConfigView) -> Iterator[str]:
    waiting = under(diff, NEEDS_FLAT)
    if waiting:
        now = "nothing is held now" if view.is_flat else f"now {_open(view)}"
        verb = "change" if len(waiting) > 1 else "changes"
        yield f"{_listed(waiting)} {verb} at the next restart of the bot at which nothing is held and no order may act; {now}."
    later = tuple(path for path in under(diff, RESTART) if path not in waiting)
    if later:
        yield f"{_listed(later)} {'change' if len(later) > 1 else 'changes'} at the next restart of the bot."


def _on_strategies(
    before: BotConfig, after: BotConfig, diff: Sequence[ConfigDifference], view: ConfigView
) -> Iterator[str]:
    if before.strategies == after.strategies:
        return
    old, new = ([strategy.kind for strategy in config.strategies] for config in (before, after))
    for kind in dict.fromkeys((*old, *new)):
        if kind not in new:
            yield f"{kind} proposes no more entries."
        elif kind not in old:
            yield f"{kind} begins to decide at the next bar."
        elif any(one.path.startswith(f"strategies[{kind}") for one in diff):
            yield f"{kind} restarts with its new parameters at the next bar; what it has seen of the market stays."
        else:
            yield f"{kind} goes on as it is."
        touched = [plan.symbol for plan in view.open_plans if plan.strategy_name == kind]
        if touched:
            yield f"Open plans of {kind} keep their stops and targets: {_listed(touched)}."
    if not after.strategies and after.decider.kind is DeciderKind.RULES:
        yield "Nothing proposes entries any more; open plans are watched to their end."


def _on_symbols(before: BotConfig, after: BotConfig, view: ConfigView) -> Iterator[str]:
    if before.symbols == after.symbols:
        return
    if not after.symbols:
        yield "Every symbol that the venue has is traded from the next bar on."
        return
    added = [symbol for symbol in after.symbols if symbol not in before.symbols] if before.symbols else []
    if added:
        yield f"Entries are possible on {_listed(added)} once enough bars were seen."
    gone = [symbol for symbol in before.symbols if symbol not in after.symbols]
    if gone or not before.symbols:
        yield f"No more entries on {_listed(gone)}." if gone else f"Entries only on {_listed(after.symbols)}."
    kept = [plan.symbol for plan in view.open_plans if plan.symbol not in after.symbols]
    if kept:
        yield f"Open plans on what is left out are watched to their end: {_listed(kept)}."


def _on_limits(after: BotConfig, diff: Sequence[ConfigDifference], view: ConfigView) -> Iterator[str]:
    changed = under(diff, ("risk",))
    if not changed:
        return
    yield "The new limits hold for entries from the next bar on; exits are never refused, open plans keep their stops."
    limit, plans = after.risk.daily_loss_limit, len(view.open_plans)
    if "risk.daily_loss_limit" in changed and view.daily_pnl is not None and view.daily_pnl <= limit:
        yield f"The circuit breaker trips at once: the session's P&L is {plain(view.daily_pnl)}, the limit {plain(limit)}."
    if "risk.max_open_positions" in changed and plans > after.risk.max_open_positions:
        yield f"No entries until {plans - after.risk.max_open_positions} of {plans} open plans have closed."


def _on_hours(before: BotConfig, after: BotConfig, diff: Sequence[ConfigDifference], view: ConfigView) -> Iterator[str]:
    old, new = before.hours, after.hours
    if not under(diff, ("hours",)):
        return
    if (old.entries_after_open_minutes, old.last_minutes) != (new.entries_after_open_minutes, new.last_minutes):
        begin, end = new.entries_after_open_minutes, new.last_minutes
        yield f"From the next bar on entries on equities leave from {begin} min after the session's open to {end} min before its close."
    if new.last_minutes > old.last_minutes:
        yield f"Entries that still rest {new.last_minutes} min before the close are cancelled then."
    flat = new.flatten_before_close_minutes
    if flat == old.flatten_before_close_minutes:
        return
    if flat is None:
        yield "Positions in equities are held over the close."
        return
    yield f"Positions in equities are closed {flat} min before each close; crypto pairs are not touched."
    held = [plan.symbol for plan in view.open_plans if instrument(plan.symbol).asset_class is AssetClass.EQUITY]
    if held:
        yield f"Open plans that are closed then, or at the next bar where that time has come: {_listed(held)}."


def _elsewhere(diff: Sequence[ConfigDifference]) -> Iterator[str]:
    parts = {_part(one.path) for one in diff}
    if "alerts" in parts:
        yield "Alerts go by the new thresholds from the next closed trade on."
    if parts & {"retention", "backup"}:
        yield "Logs and backups are kept by it from the next daily run on."
    if "on_signal" in parts:
        yield "It decides what happens to resting orders the next time the process is asked to end."
    if parts & {"name", "trade_sync_cutoff_minutes"}:
        yield "The rest holds from the next bar on."


def _open(view: ConfigView) -> str:
    symbols = sorted({*view.held, *(plan.symbol for plan in view.open_plans)})
    held = f"{_listed(symbols)} and " if symbols else ""
    orders = "1 order stands" if view.open_orders == 1 and not symbols else f"{view.open_orders} orders stand"
    return f"{held}{orders} against it"


def _part(path: str) -> str:
    return path.partition(".")[0].partition("[")[0]


def _is_more(one: ConfigDifference) -> bool:
    return (
        _number(one.before) is not None and _number(one.after) is not None and _number(one.after) > _number(one.before)
    )


def _is_less(one: ConfigDifference) -> bool:
    return one.after is not None and (one.before is None or _number(one.after) < _number(one.before))


def _number(value: Any) -> Any:
    return None if value is None else Decimal(str(value))


def _said(value: Any) -> str:
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
