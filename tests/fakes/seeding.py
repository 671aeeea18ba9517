"""A demo bot, written through the store's own functions: what the API tests read."""

from datetime import datetime, timedelta
from decimal import Decimal

from tests.fakes.seeded_trades import (
    BOT,
    CONFIG,
    CONFIG_HASH,
    HELD,
    LOSS,
    SESSION_START,
    VENUE_NOW,
    WIN,
    account,
    decision,
    fill_of,
    held,
    order_of,
    plan_of,
    refusal,
    resting_of,
    session,
)
from tests.fakes.seeded_watch import done_command, error, first_change, metric, running, trip, workflow_run
from trading_bot.domain.account import TradingMode
from trading_bot.domain.market import Bar, Quote
from trading_bot.domain.orders import Leg
from trading_bot.domain.performance import Record
from trading_bot.domain.trades import trade_of
from trading_bot.services.configuration import config_values
from trading_bot.store import (
    accounts,
    bots,
    candles,
    commands,
    config_changes,
    configs,
    decisions,
    errors,
    fills,
    orders,
    performance,
    performance_metrics,
    plans,
    positions,
    quotes,
    risk_events,
    runtime,
    sessions,
    trades,
    workflow_runs,
)
from trading_bot.store.store import Store, Writing


def seed_bot(store: Store, now: datetime, *, bot_id: str = BOT) -> None:
    """A healthy bot that has closed two trades (a win of 48.00, a loss of 21.00 net) and holds 10 SPY; its stream has four events."""
    with store.writing(bot_id) as w:
        bots.register_bot(w, name="Demo", mode=TradingMode.PAPER, venue="paper", replay_of="demo.csv")
        generation = runtime.begin_generation(w, pid=4242)
        runtime.save_runtime(w, running(now, generation=generation))
        configs.save_config(
            w, version=1, values=config_values(CONFIG), config_hash=CONFIG_HASH, user="system", reason="first start"
        )
        config_changes.insert_change(w, first_change(w))
        accounts.save_account(w, account())
        sessions.save_session(w, session())
        for plan in (plan_of(WIN, "BAC"), plan_of(LOSS, "IBM"), plan_of(HELD, "SPY")):
            plans.save_plan(w, plan)
        _seed_executions(w, now)
        positions.save_position(w, held())
        _seed_market(w)
        for made in (decision(WIN, "BAC"), decision(HELD, "SPY"), refusal()):
            decisions.save_decision(w, made)
        risk_events.save_risk_event(w, trip())
        performance_metrics.save_metric(w, metric())
        commands.add_command(w, done_command(now, bot_id=bot_id))
        workflow_runs.insert_run(w, workflow_run(now, bot_id=bot_id))
        for n, code in enumerate(("DATA_004", "ORD_001")):
            errors.save_error(w, error(code, now - timedelta(minutes=2 - n)))


def _seed_market(w: Writing) -> None:
    """SPY by the minute since the session's start, a cent higher each time; its last price with a spread."""
    candles.save_bars(w, [spy_bar(minute) for minute in range(62)])
    quotes.save_quotes(w, [spread()])
    runtime.save_progress(w, runtime.Progress(cursor=VENUE_NOW, last_sync_at=VENUE_NOW))


def spy_bar(minute: int) -> Bar:
    """The bar of SPY that many minutes after the session's start: it opens at 170.00 and a cent for each minute, and closes 0.02 higher."""
    price = Decimal("170.00") + Decimal(minute) / 100
    return Bar(
        symbol="SPY",
        timestamp=SESSION_START + timedelta(minutes=minute),
        open=price,
        high=price + Decimal("0.05"),
        low=price - Decimal("0.03"),
        close=price + Decimal("0.02"),
        volume=Decimal(100 + minute),
    )


def spread() -> Quote:
    """A price with all that an order book gives."""
    return Quote(
        symbol="SPY",
        timestamp=VENUE_NOW,
        price=Decimal("171.00"),
        bid=Decimal("170.99"),
        ask=Decimal("171.01"),
        bid_size=Decimal(300),
        ask_size=Decimal(100),
        volume=Decimal(161),
    )


def _seed_executions(w: Writing, now: datetime) -> None:
    record = Record()
    for plan_id, symbol, gain in ((WIN, "BAC", "49.50"), (LOSS, "IBM", "-19.50"), (HELD, "SPY", None)):
        plan = plan_of(plan_id, symbol)
        legs = [Leg.ENTRY] if gain is None else [Leg.ENTRY, Leg.EXIT]
        done = [fill_of(plan, leg, gain, now) for leg in legs]
        for leg, fill in zip(legs, done, strict=True):
            orders.save_order(w, order_of(plan, leg))
            fills.save_fill(w, fill)
        trade = trade_of(plan, done, mode=TradingMode.PAPER, account_id="paper-1", bot_version="0.1.0", recorded_at=now)
        assert trade is not None
        trades.save_trade(w, trade)
        record = record.with_trade(trade) if gain is not None else record
    orders.save_order(w, resting_of(plan_of(HELD, "SPY")))
    performance.save_record(w, record)
