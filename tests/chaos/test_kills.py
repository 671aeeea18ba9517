"""kill -9 of the bot at any moment: nothing is sent twice, lost or counted twice, and the books equal those of a run without kills."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.fakes.playing import first_days, left_behind, play, replay_settings
from trading_bot.clock import SystemClock
from trading_bot.domain.health import RunState
from trading_bot.logs.audit import AuditLog
from trading_bot.settings import Settings
from trading_bot.store.engine import open_engine
from trading_bot.store.runtime import find_runtime
from trading_bot.store.schema import bring_up_to_date
from trading_bot.store.store import Store
from trading_bot.venues.paper.ledger import read_ledger

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 60.0


def start(settings: Settings, moments: int) -> subprocess.Popen[bytes]:
    """The bot in a process of its own, to be killed at the given moment (0: never)."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **settings.environment()}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.killed_bot", str(moments)],
        cwd=settings.home,
        env=environment,
        stdin=subprocess.DEVNULL,
    )


def wait_for_end(
    settings: Settings, child: subprocess.Popen[bytes], store: Store, *, kill_at: float | None = None
) -> bool:
    """Wait until the child was killed (true) or the feed has ended (false); kill it from outside after `kill_at` seconds."""
    begun = time.monotonic()
    while child.poll() is None:
        waited = time.monotonic() - begun
        assert waited < PATIENCE_SECONDS, "the bot neither died nor came to the end of its feed"
        if kill_at is not None and waited > kill_at:
            child.kill()
        elif _feed_ended(store, child.pid):
            child.send_signal(signal.SIGTERM)
            assert child.wait(PATIENCE_SECONDS) == 0
            return False
        time.sleep(0.02)
    assert child.returncode == -signal.SIGKILL
    return True


def _feed_ended(store: Store, pid: int) -> bool:
    with store.reading("main") as r:
        runtime = find_runtime(r)
    return runtime is not None and runtime.run_state is RunState.STOPPED and runtime.run_state_reason == "feed ended"


def survives(settings: Settings, *, kills: int, seed: int, outside: bool) -> None:
    """Replay the home's file under that many kills, and compare with the exchange's own ledger."""
    chance = random.Random(seed)
    engine = open_engine(settings.store_url)
    bring_up_to_date(engine)
    store = Store(engine, SystemClock())
    try:
        for _ in range(kills):
            if outside:
                child, kill_at = start(settings, 0), chance.uniform(0.9, 2.5)
            else:
                child, kill_at = start(settings, chance.randint(1, 45)), None
            if not wait_for_end(settings, child, store, kill_at=kill_at):
                break
        last = start(settings, 0)
        assert wait_for_end(settings, last, store) is False
    finally:
        store.close()
        engine.dispose()


def equal_to_the_ledger(settings: Settings) -> None:
    """Our fills and orders are the venue's, one by one; the log is whole."""
    left = left_behind(settings.store_url)
    ledger = read_ledger(settings.venue_file)
    ours = {(f.id, f.client_order_id, f.quantity, f.price, f.fee) for f in left["fills"]}
    theirs = {(f.id, f.client_order_id, f.quantity, f.price, f.fee) for f in ledger.fills}
    assert ours == theirs
    assert len(left["fills"]) == len(ledger.fills)
    sent = [order.client_order_id for order in ledger.orders]
    assert len(sent) == len(set(sent))
    assert set(sent) <= {order.client_order_id for order in left["orders"]}
    held = {position.symbol: position.quantity for position in left["positions"]}
    assert held == {position.symbol: position.quantity for position in ledger.positions}
    assert left["sessions"][0].capital - sum(p.cost for p in left["positions"]) == ledger.cash
    log = AuditLog(settings.logs_dir, SystemClock())
    for stream in ("orders", "trades", "errors"):
        assert log.verify(stream).ok
    booked = {(line["clientOrderId"], line["status"]) for line in log.read("orders")}
    assert {(o.client_order_id, o.status.name) for o in left["orders"]} <= booked


@pytest.fixture
def two_days(tmp_path: Path, candles_us: Path) -> Path:
    return first_days(candles_us, 2, tmp_path / "two-days.csv")


@pytest.mark.timeout(400)
def test_twenty_kills_at_moments_that_matter_change_nothing(
    tmp_path: Path, home: Path, two_days: Path, store_url: str
) -> None:
    calm = tmp_path / "calm"
    calm.mkdir()
    calm_url = f"sqlite:///{calm / 'botgraph.db'}"
    play(replay_settings(calm, two_days, calm_url))
    settings = replay_settings(home, two_days, store_url)

    survives(settings, kills=20, seed=20, outside=False)

    equal_to_the_ledger(settings)
    assert left_behind(store_url) == left_behind(calm_url)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("outside", [False, True], ids=["inside", "outside"])
def test_two_hundred_kills_change_nothing(
    tmp_path: Path, home: Path, candles_us: Path, store_url: str, *, outside: bool
) -> None:
    calm = tmp_path / "calm"
    calm.mkdir()
    calm_url = f"sqlite:///{calm / 'botgraph.db'}"
    play(replay_settings(calm, candles_us, calm_url))
    settings = replay_settings(home, candles_us, store_url)

    survives(settings, kills=100, seed=200 + outside, outside=outside)

    equal_to_the_ledger(settings)
    assert left_behind(store_url) == left_behind(calm_url)
