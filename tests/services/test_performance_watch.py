"""The figures after each closed trade, and what a late fill makes of them."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.fakes.playing import first_days, left_behind, play, replay_settings
from tests.fakes.scripted import bar, minute, proposal
from tests.fakes.scripted_bot import PLAIN, ScriptedBot, scripted_bot
from trading_bot.clock import SystemClock
from trading_bot.domain.books import Execution, booked
from trading_bot.domain.config import BotConfig, FeedKind, PaperVenue
from trading_bot.domain.limits import AlertThresholds
from trading_bot.domain.market import Bar
from trading_bot.domain.orders import Leg, Side
from trading_bot.domain.performance import Record, StreakType
from trading_bot.domain.plans import PlanStatus, TradePlan
from trading_bot.domain.trades import Outcome
from trading_bot.domain.watch import PerformanceMetric, Result, Window, measured
from trading_bot.logs.audit import AuditLog
from trading_bot.services.config_file import write_config
from trading_bot.services.performance_watch import rebuild_metrics, rebuild_record
from trading_bot.store.engine import open_engine
from trading_bot.store.performance_metrics import list_metrics
from trading_bot.store.session_stats import rebuild_session
from trading_bot.store.sessions import find_session
from trading_bot.store.store import Store

pytestmark = pytest.mark.anyio

ALERTS = AlertThresholds(max_consecutive_losses=2, max_drawdown_pct=None)


def metrics(bot: ScriptedBot) -> list[PerformanceMetric]:
    with bot.bot.store.reading("main") as r:
        return list(reversed(list_metrics(r, 100).items))


def falling(bars: int) -> list[Bar]:
    """Every bar opens 1 lower and trades through the stop of whatever was bought."""
    return [bar(index, str(Decimal(200) - index), low="10") for index in range(bars)]


async def traded(bot: ScriptedBot, quantity: str = "10") -> TradePlan:
    """One trade from entry to flat: it loses 2 a share, for the exit leaves a bar after the entry."""
    plan = await bot.enter(proposal(target=None), quantity)
    for _ in range(10):
        if bot.plan().status is PlanStatus.CLOSED:
            return bot.plan()
        await bot.bar()
    raise AssertionError(plan)


async def test_each_closed_trade_leaves_its_figures_and_a_breach_is_told_of(home: Path) -> None:
    config = BotConfig(strategies=(), venue=PLAIN, alerts=ALERTS)
    async with scripted_bot(home, falling(30), config=config) as bot:
        first, second = await traded(bot), await traded(bot, "20")
        told = "2 trades in a row lost; 2 were to be told of."

        one, two = metrics(bot)
        lost = [trade_net(bot, plan) for plan in (first, second)]
        assert lost == [Decimal("-20.00"), Decimal("-40.00")]
        assert one == PerformanceMetric(
            id=first.id,
            timestamp=one.timestamp,
            window_size=20,
            win_rate=0.0,
            profit_factor=0.0,
            max_drawdown_pct=-0.02,
            consecutive_losses=1,
            total_trades=1,
            alert_triggered=False,
            alert_message=None,
        )
        assert (two.id, two.max_drawdown_pct, two.consecutive_losses, two.alert_message) == (second.id, -0.06, 2, told)
        [line] = AuditLog(home / "logs", SystemClock()).read("performance-alerts")
        assert (line["id"], line["alert_message"], line["win_rate"]) == (second.id, told, 0.0)
        with bot.bot.store.reading("main") as r:
            assert [metric.id for metric in list_metrics(r, 10, alerts_only=True).items] == [second.id]


def trade_net(bot: ScriptedBot, plan: TradePlan) -> Decimal | None:
    from trading_bot.store.trades import find_trade  # noqa: PLC0415 (the test's own words)

    with bot.bot.store.reading("main") as r:
        trade = find_trade(r, plan.id)
    assert trade is not None
    return trade.net_profit_loss


def late(plan: TradePlan, side: Side, *, name: str, price: str, at: int) -> Execution:
    """An execution of 5 shares of a plan that is over, with a fee of 1."""
    return Execution(
        id=name,
        order_id=name,
        client_order_id=name,
        plan_id=plan.id,
        leg=Leg.ENTRY if side is Side.BUY else Leg.EXIT,
        symbol="ACME",
        side=side,
        quantity=Decimal(5),
        price=Decimal(price),
        fee=Decimal("1.00"),
        liquidity=None,
        timestamp=minute(at),
    )


def book(bot: ScriptedBot, execution: Execution) -> None:
    """Book it as the reconciliation does."""
    journal = bot.bot.journal
    if execution.plan_id not in journal.books.plans:
        journal.recall(execution.plan_id)
    journal.books = booked(journal.books, execution, recorded_at=SystemClock().now())
    journal.commit()


async def test_a_late_fill_makes_totals_sessions_and_figures_again(home: Path) -> None:
    async with scripted_bot(home, falling(30), config=BotConfig(strategies=(), venue=PLAIN)) as bot:
        first, second = await traded(bot), await traded(bot, "20")
        last = bot.bot.loop._progress.cursor
        assert last is not None
        at = int((last - minute(0)) / timedelta(minutes=1))

        book(bot, late(first, Side.BUY, name="late-in", price="199", at=at))

        assert bot.books.record == Record(
            trades=1,
            losses=1,
            realized=Decimal("-40.00"),
            max_drawdown=Decimal("-40.00"),
            streak=1,
            streak_type=StreakType.LOSS,
        )
        assert [metric.id for metric in metrics(bot)] == [second.id]
        assert (metrics(bot)[0].consecutive_losses, metrics(bot)[0].max_drawdown_pct) == (1, -0.04)
        assert bot.books.session is not None
        assert (bot.books.session.total_trades, bot.books.session.total_fees) == (1, Decimal("1.00"))
        _holds_in_the_store(bot)

        book(bot, late(first, Side.SELL, name="late-out", price="299", at=at))

        assert trade_net(bot, first) == Decimal("478.00")  # 500 more, less 20 and two fees
        assert bot.books.record == Record(
            trades=2,
            wins=1,
            losses=1,
            realized=Decimal("438.00"),
            peak=Decimal("438.00"),
            max_drawdown=Decimal("-40.00"),
            streak=1,
            streak_type=StreakType.WIN,
        )
        assert [metric.id for metric in metrics(bot)] == [second.id, first.id]
        assert (metrics(bot)[1].win_rate, metrics(bot)[1].profit_factor) == (0.5, 11.95)
        _holds_in_the_store(bot)


async def test_a_late_fill_of_an_earlier_session_counts_its_trade_where_it_ended(home: Path) -> None:
    market = [*falling(12), *(replace(bar(index, "150"), timestamp=minute(1440 + index)) for index in range(6))]
    async with scripted_bot(home, market, config=BotConfig(strategies=(), venue=PLAIN)) as bot:
        plan = await traded(bot)
        monday = bot.books.session
        assert monday is not None
        while bot.books.session is not None and bot.books.session.id == monday.id:
            await bot.bar()
        tuesday = bot.books.session
        assert tuesday is not None
        book(bot, late(plan, Side.BUY, name="late-in", price="199", at=1441))
        book(bot, late(plan, Side.SELL, name="late-out", price="199", at=1441))

        with bot.bot.store.reading("main") as r:
            before, after = find_session(r, monday.id), find_session(r, tuesday.id)
        assert before is not None
        assert after is not None
        assert (before.total_trades, before.gross_pnl, before.total_fees) == (0, Decimal("-20.00"), 0)
        assert (after.total_trades, after.gross_pnl, after.total_fees) == (1, 0, Decimal("2.00"))
        assert before.closed_at == minute(1441)
        _holds_in_the_store(bot)


def _holds_in_the_store(bot: ScriptedBot) -> None:
    """Books, store and what is made again from fills and trades say the same."""
    session = bot.books.session
    assert session is not None
    with bot.bot.store.reading("main") as r:
        assert find_session(r, session.id) == session == rebuild_session(r, session.id)
        assert rebuild_record(r) == bot.books.record


@pytest.mark.timeout(300)
def test_after_a_real_day_with_fees_and_partial_fills_everything_equals_its_rebuild(
    tmp_path: Path, home: Path, candles_coinbase: Path, store_url: str
) -> None:
    day = first_days(candles_coinbase, 1, tmp_path / "day.csv")
    settings = replay_settings(home, day, store_url)
    settings.make_folders()
    venue = PaperVenue(
        feed=FeedKind.REPLAY,
        candles=str(day),
        speed=None,
        commission_bps=Decimal(10),
        volume_share=Decimal("0.0005"),
    )
    write_config(settings.config_file, BotConfig(venue=venue))

    play(settings)

    left = left_behind(store_url)
    closed = [trade for trade in left["trades"] if trade.outcome is not Outcome.OPEN]
    partly = {fill.client_order_id for fill in left["fills"]}
    assert len(left["fills"]) > len(partly)  # some orders were filled in parts
    assert len(closed) > 20  # the window was full
    store = Store(open_engine(store_url), SystemClock())
    try:
        with store.reading("main") as r:
            [session] = left["sessions"]
            assert session.total_fees > 0
            assert session == rebuild_session(r, session.id)
            assert left["record"] == rebuild_record(r)
            stored = list(reversed(list_metrics(r, 100).items))
        window = Window(capital=Decimal(100_000))
        in_order = sorted(closed, key=lambda trade: (trade.exit_timestamp, [m.id for m in stored].index(trade.id)))
        for trade, metric in zip(in_order, stored, strict=True):
            window = window.after(trade.net_profit_loss)
            last = Result(trade_id=trade.id, exited_at=trade.exit_timestamp, net=trade.net_profit_loss)
            assert metric == measured(window, last, AlertThresholds())
        with store.writing("main") as w:
            events = w.seq()
            rebuild_metrics(w, AlertThresholds())
            assert w.seq() == events  # nothing had to be changed, and no alert is told twice
            assert list(reversed(list_metrics(w, 100).items)) == stored
    finally:
        store.close()
        store.engine.dispose()
