"""The store made again from the log of a day that was traded: recorded candles, an exchange that misbehaves, and an operator's commands."""

import asyncio
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.config.changing import Operator
from tests.fakes.playing import BarClock, first_days, replay_settings
from tests.keeping.entities import entities
from trading_bot.bootstrap import Bot, bot_of
from trading_bot.clock import SystemClock
from trading_bot.domain.commands import Caller, CommandKind, CommandStatus, Intent
from trading_bot.domain.config import BotConfig, FaultRates, FeedKind, PaperVenue
from trading_bot.domain.errors import Scope
from trading_bot.domain.health import RunState
from trading_bot.domain.limits import AlertThresholds, BreakerReset, RiskLimits
from trading_bot.domain.retention import Retention
from trading_bot.domain.trades import Outcome
from trading_bot.errors.fault import Fault
from trading_bot.keeping.rebuild import rebuild
from trading_bot.logs.audit import AuditLog
from trading_bot.logs.tidying import tidy
from trading_bot.services.commands import Commands
from trading_bot.services.config_file import write_config
from trading_bot.services.configuration import config_values
from trading_bot.settings import Settings
from trading_bot.store import errors, outbox, runtime, tables
from trading_bot.store.engine import open_engine
from trading_bot.store.schema import bring_up_to_date
from trading_bot.store.store import Store
from trading_bot.store.tables import configs

CALLER = Caller(key_id="k1", name="desk", scope=Scope.ADMIN, max_response_bytes=10_240, rate_per_minute=None)


def intent(number: int, reason: str) -> Intent:
    return Intent(caller=CALLER, idempotency_key=f"key-{number}", digest=f"digest-{number}", reason=reason)


def troubled_day(home: Path, candles: Path) -> Settings:
    """A home whose exchange misbehaves and whose limits are met within the day."""
    faults = FaultRates(rate_limit=0.02, timeout=0.15, rejection=0.05, partial_fill=0.3, disconnect=0.02)
    venue = PaperVenue(
        feed=FeedKind.REPLAY, candles=str(candles), commission_per_share=Decimal("0.005"), faults=faults, speed=None
    )
    risk = RiskLimits(max_open_positions=3, max_consecutive_losses=5, breaker_reset=BreakerReset.NEXT_SESSION)
    alerts = AlertThresholds(max_consecutive_losses=2, max_drawdown_pct=-0.01)
    write_config(home / "config" / "bot.yaml", BotConfig(venue=venue, risk=risk, alerts=alerts))
    return replay_settings(home, candles, f"sqlite:///{home / 'botgraph.db'}")


def play_until(settings: Settings, bars: int, *, commands_at: dict[int, CommandKind]) -> None:
    """Trade that many bars with an operator who commands, and leave with positions and orders as they are."""

    async def after_bar(bot: Bot) -> None:
        kind = commands_at.get(clock.bars)
        if kind is not None:
            taken = Commands(store=bot.store, clock=clock)
            taken.submit("main", kind, intent(clock.bars, f"at bar {clock.bars}"))
        if clock.bars in {80, 90, 100}:
            operator = Operator(bot.store, clock)
            operator.rollback(1) if clock.bars == 100 else operator.apply({"name": f"At bar {clock.bars}"})
        if clock.bars == bars:
            bot.loop.end()

    clock = BarClock(after_bar)

    async def run() -> None:
        async with bot_of(settings, clock) as bot:
            clock.bot = bot
            await bot.loop.run()

    asyncio.run(run())


@pytest.fixture(scope="module")
def traded_once(tmp_path_factory: pytest.TempPathFactory, candles_us: Path) -> Path:
    """A home that was traded for a day and a half, and left with what it held."""
    folder = tmp_path_factory.mktemp("traded")
    (folder / "home").mkdir()
    day = first_days(candles_us, 2, folder / "day.csv")
    at = {60: CommandKind.PAUSE, 61: CommandKind.PAUSE, 65: CommandKind.START, 70: CommandKind.RESUME}
    play_until(troubled_day(folder / "home", day), 1_100, commands_at=at)
    return folder / "home"


@pytest.fixture
def traded(traded_once: Path, home: Path) -> Settings:
    """A copy of that home for each test."""
    shutil.copytree(traded_once, home, dirs_exist_ok=True)
    return replay_settings(home, traded_once.parent / "day.csv", f"sqlite:///{home / 'botgraph.db'}")


@pytest.fixture
def empty(tables_url: str) -> Iterator[Store]:
    store = Store(open_engine(tables_url), SystemClock())
    yield store
    store.close()


@pytest.mark.timeout(300)
def test_everything_is_as_before_field_by_field(traded: Settings, empty: Store) -> None:
    before = entities(traded.store_url)
    log = AuditLog(traded.logs_dir, SystemClock())
    tidy(traded.logs_dir, Retention(), SystemClock().now())

    (rebuilt,) = rebuild(log, empty)

    after = entities(empty.engine.url.render_as_string(hide_password=False))
    assert {name: after[name] == before[name] for name in before} == dict.fromkeys(before, True)
    assert rebuilt.counts["fills"] == len(before["fills"]) > 20
    assert {trade.outcome for trade in before["trades"]} >= {Outcome.WIN, Outcome.LOSS}
    assert {command.status for command in before["commands"]} == {CommandStatus.DONE, CommandStatus.FAILED}
    assert [change.status.name for change in before["changes of configurations"]] == ["ADOPTED"] * 4
    for name in ("sessions", "plans", "orders", "decisions", "errors", "risk events", "metrics"):
        assert len(before[name]) > 1, name
    assert any(metric.alert_triggered for metric in before["metrics"])


@pytest.mark.timeout(300)
def test_a_store_that_was_made_again_goes_on_where_the_exchange_is(traded: Settings, home: Path) -> None:
    """The bot finds its positions at the exchange, stays paused until an operator resumes it, and logs under numbers of their own."""
    before = entities(traded.store_url)
    for file in home.glob("botgraph.db*"):
        file.unlink()
    engine = open_engine(traded.store_url)
    bring_up_to_date(engine)
    rebuild(AuditLog(traded.logs_dir, SystemClock()), Store(engine, SystemClock()))
    states: list[RunState] = []

    async def after_bar(bot: Bot) -> None:
        states.append(bot.loop.run_state)
        held = {position.symbol: position.quantity for position in await bot.venue.positions()}
        assert held == {symbol: position.quantity for symbol, position in bot.journal.books.positions.items()}
        if clock.bars == 30:
            bot.loop.end()

    clock = BarClock(after_bar)

    async def run() -> None:
        async with bot_of(traded, clock) as bot:
            clock.bot = bot
            await bot.loop.run()

    # A read of the exchange that fails would make the first bars differ; what is tested here is the store.
    config = BotConfig(venue=PaperVenue(feed=FeedKind.REPLAY, candles=str(traded.candles), speed=None))
    with Store(engine, SystemClock()).writing("main") as w:
        w.connection.execute(configs.update().values(values=config_values(config)))
    asyncio.run(run())

    after = entities(traded.store_url)
    assert set(states) == {RunState.PAUSED}
    assert {fill.id for fill in before["fills"]} <= {fill.id for fill in after["fills"]}
    assert "LOG_003" not in {error.error_code for error in after["errors"]}
    log = AuditLog(traded.logs_dir, SystemClock())
    assert all(log.verify(stream).ok for stream in ("orders", "plans", "sessions", "trades", "errors", "commands"))
    with Store(engine, SystemClock()).reading("main") as r:
        assert outbox.last_number(r) >= log.last_number("main")


def test_a_store_that_holds_something_is_refused(home: Path, empty: Store) -> None:
    with empty.writing("other") as w:
        w.log("orders", {"n": 1})

    with pytest.raises(Fault, match="among them") as refusal:
        rebuild(AuditLog(home / "logs", SystemClock()), empty)
    assert refusal.value.code == "LOG_004"


def test_a_log_that_was_changed_is_refused_and_nothing_is_made(home: Path, empty: Store) -> None:
    log = AuditLog(home / "logs", SystemClock())
    error = Fault("SYS_001", "A fault.").semantic(now=SystemClock().now())
    with empty.writing("main") as w:
        errors.save_error(w, error)
        (row,) = outbox.list_outbox(w, 10)
        for table in (tables.outbox, tables.errors):
            w.connection.execute(table.delete())
    log.append_all([row])
    (file,) = (home / "logs").glob("error_log-*.jsonl")
    file.write_bytes(file.read_bytes().replace(b"A fault.", b"A fuult."))
    with empty.writing("main") as w:
        for name in ("changes", "counters"):
            w.connection.execute(tables.metadata.tables[name].delete())

    with pytest.raises(Fault) as refusal:
        rebuild(log, empty)

    assert (refusal.value.code, refusal.value.context["place"]) == ("LOG_002", f"{file.name}:1")
    with empty.reading("main") as r:
        assert (errors.list_recent_errors(r, 5), runtime.find_runtime(r)) == ((), None)


def test_an_empty_log_makes_nothing(home: Path, empty: Store) -> None:
    assert rebuild(AuditLog(home / "logs", SystemClock()), empty) == []
    assert empty.bot_ids() == ()
