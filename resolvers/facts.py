"""Facts: all that the store says of one bot, read in one snapshot, from which its state is made at any moment.

Health, ages and warnings are not facts: they follow from the facts and the clock, and are made anew for each answer.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from trading_bot.domain.account import Account, TradingMode
from trading_bot.domain.config import BotConfig, ConfigSummary, summary
from trading_bot.domain.health import RunState, Runtime
from trading_bot.domain.money import ZERO
from trading_bot.domain.orders import Order
from trading_bot.domain.performance import PerformanceMetrics, Record, metrics
from trading_bot.domain.positions import Position
from trading_bot.domain.sessions import daily_pnl
from trading_bot.domain.state import RECENT_ERRORS, Bot, RecentError, recent
from trading_bot.errors.fault import Fault
from trading_bot.services.configuration import parse_config
from trading_bot.store import (
    accounts,
    bots,
    candles,
    errors,
    fills,
    orders,
    performance,
    plans,
    positions,
    runtime,
    sessions,
    trades,
)
from trading_bot.store.config_changes import find_config_in_force
from trading_bot.store.store import Reading

SHOWN_ORDERS = 100
SHOWN_SYMBOLS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the store says of one bot."""

    bot: Bot
    replay_of: str | None
    """File that is replayed."""
    runtime: Runtime
    account: Account | None
    """Null until the bot has read it for the first time."""
    positions: tuple[Position, ...]
    """By symbol, each with its open plan."""
    orders: tuple[Order, ...]
    """Live ones, then recent ones."""
    open_order_count: int
    """How many of them are live."""
    performance: PerformanceMetrics
    daily_pnl: Decimal
    """Equity now minus equity at the session's start, from the books."""
    config: ConfigSummary
    errors: tuple[RecentError, ...]
    """The last three, newest first."""
    last_trade_time: datetime | None
    """Venue time of the latest fill, null before the first."""
    seq: int
    """Number of the last event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Valued(Position):
    """A position whose figures are worked out once for each state of the books, and not for each answer."""

    quantity: Decimal = field()
    """Shares or coins held."""
    entry_price: Decimal = field()
    """Mean price paid, weighted by quantity, in the quote currency."""
    unrealized_pl: Decimal = field()
    """Worth at the latest price minus cost, in the quote currency, before fees."""
    unrealized_pl_pct: Decimal = field()
    """The same as a percentage of cost."""


def read_facts(r: Reading) -> Facts:
    """All that the store says of the bot; Fault BOT_001 when it does not know it."""
    bot = bots.find_bot(r)
    if bot is None:
        raise Fault("BOT_001", f"No bot has the id `{r.bot_id:.40}`.", context={"botId": r.bot_id[:40]})
    account = accounts.find_account(r)
    session = sessions.find_current_session(r)
    held = _positions(r)
    record = performance.find_record(r)
    shown = orders.list_display_orders(r, SHOWN_ORDERS)
    live = tuple(order for order in shown if order.is_live)
    return Facts(
        bot=bot,
        replay_of=bots.find_replay_of(r),
        runtime=runtime.find_runtime(r) or _never_ran(bot.run_state),
        account=account,
        positions=held,
        orders=shown,
        open_order_count=orders.count_live_orders(r) if len(live) == SHOWN_ORDERS else len(live),
        performance=_performance(r, record, held, None if session is None else session.created_at),
        daily_pnl=daily_pnl(session, held) if session else ZERO,
        config=_config(r, bot.mode),
        errors=tuple(recent(error) for error in errors.list_recent_errors(r, RECENT_ERRORS)),
        last_trade_time=fills.find_latest_fill_time(r),
        seq=r.seq(),
    )


def _positions(r: Reading) -> tuple[Position, ...]:
    open_plans = {plan.symbol: plan for plan in plans.list_open_plans(r)}
    return tuple(_valued(replace(held, plan=open_plans.get(held.symbol))) for held in positions.list_positions(r))


def _valued(held: Position) -> Position:
    """The position with its figures worked out; itself where they can't be, so that only who asks for them is told."""
    try:
        return Valued(
            symbol=held.symbol,
            lots=held.lots,
            current_price=held.current_price,
            last_updated=held.last_updated,
            plan=held.plan,
            quantity=held.quantity,
            entry_price=held.entry_price,
            unrealized_pl=held.unrealized_pl,
            unrealized_pl_pct=held.unrealized_pl_pct,
        )
    except ArithmeticError:
        return held


def _performance(
    r: Reading, record: Record, held: tuple[Position, ...], session_start: datetime | None
) -> PerformanceMetrics:
    return metrics(
        record,
        unrealized=sum((position.unrealized_pl for position in held), ZERO),
        trades_today=0 if session_start is None else trades.count_closed_in_session(r, session_start),
        session_count=sessions.count_sessions(r),
    )


def _config(r: Reading, mode: TradingMode) -> ConfigSummary:
    """The highlights of the configuration that the bot trades by; of the defaults before it has stored one.

    `mode` is the bot's own: a change of it waits for a restart.
    """
    stored = find_config_in_force(r)
    config = BotConfig(mode=mode) if stored is None else parse_config(stored.values)
    short = replace(summary(config, 0 if stored is None else stored.version), mode=mode)
    return short if short.symbols else replace(short, symbols=candles.list_symbols(r)[:SHOWN_SYMBOLS])


def _never_ran(run_state: RunState) -> Runtime:
    return Runtime(
        run_state=run_state,
        run_state_reason=None,
        generation=0,
        last_heartbeat=None,
        process_ended_at=None,
        observed_at=None,
        venue_time=None,
        venue_is_replay=False,
        circuit_breaker_reason=None,
        checks=(),
        started_at=None,
        ticks=0,
        last_tick_at=None,
        loop_latency_ms=(None, None, None),
    )
