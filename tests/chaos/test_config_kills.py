"""Changes of the configuration by many at once, and under kill -9 between any two steps: there is one version, and all agree on it."""

import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.config.changing import Operator, begun
from tests.fakes.fork_server import ROOT, ForkServer
from tests.fakes.killed_adopter import DISAGREED
from trading_bot.clock import SystemClock
from trading_bot.domain.account import TradingMode
from trading_bot.domain.books import Books
from trading_bot.logs.audit import AuditLog
from trading_bot.services.journal import Journal
from trading_bot.settings import load_settings
from trading_bot.store.engine import open_engine
from trading_bot.store.schema import bring_up_to_date
from trading_bot.store.store import Store

PATIENCE_SECONDS = 120.0


@pytest.fixture(scope="module")
def forks() -> Iterator[ForkServer]:
    with ForkServer("tests.fakes.killed_adopter") as server:
        yield server


@pytest.mark.timeout(400)
def test_twenty_kills_within_a_change_leave_one_version_that_all_agree_on(
    home: Path, store_url: str, forks: ForkServer
) -> None:
    assert killed(home, store_url, forks, kills=20, last_moment=14, chance=random.Random(20)) == 20


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_five_hundred_kills_within_a_change_leave_one_version_that_all_agree_on(
    tmp_path: Path, new_store: Callable[[], str], forks: ForkServer
) -> None:
    """Several homes of at most sixty kills each, so that the log stays short enough to be read every time."""
    done = 0
    for number in range(100):
        home = tmp_path / f"home-{number}"
        home.mkdir()
        done += killed(
            home, new_store(), forks, kills=min(60, 500 - done), last_moment=30, chance=random.Random(500 + number)
        )
        if done == 500:
            break
    assert done == 500


def killed(
    home: Path, store_url: str, forks: ForkServer, *, kills: int, last_moment: int, chance: random.Random
) -> int:
    """Kill a bot within that many changes of one home; how often it was killed. Each next start looks whether all agree."""
    environment = load_settings(home=home, store_url=store_url).environment()
    done = 0
    while done < kills:
        seed = {"CONFIG_SEED": str(chance.randrange(1_000_000))}
        code = forks.start(chance.randint(1, last_moment), {**environment, **seed}).wait(PATIENCE_SECONDS)
        assert code in {0, -signal.SIGKILL}, f"after {done} kills: {code} ({DISAGREED}: they disagree)"
        done += code != 0
    last = forks.start(0, {**environment, "CONFIG_SEED": "1"}).wait(PATIENCE_SECONDS)
    assert last == 0
    return done


def test_applies_at_once_lose_no_update_and_leave_no_gap(home: Path, store_url: str) -> None:
    applied_at_once(home, store_url, processes=3, times=8)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_three_hundred_applies_of_six_processes_lose_no_update_and_leave_no_gap(home: Path, store_url: str) -> None:
    applied_at_once(home, store_url, processes=6, times=50)


def applied_at_once(home: Path, store_url: str, *, processes: int, times: int) -> None:
    """So many processes raise the same figure so many times each."""
    engine = open_engine(store_url)
    bring_up_to_date(engine)
    store = Store(engine, SystemClock())
    begun(store)
    command = [sys.executable, "-m", "tests.fakes.busy_operator", store_url, str(times)]
    running = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) for _ in range(processes)]
    assert [process.wait(PATIENCE_SECONDS * 4) for process in running] == [0] * processes
    conflicts = sum(int(process.communicate()[0]) for process in running)

    operator, total = Operator(store, SystemClock()), processes * times
    assert (operator.change().version, operator.values()["trade_sync_cutoff_minutes"]) == (total + 1, 60 + total)
    assert conflicts > 0
    steps = [operator.change(version) for version in range(1, total + 2)]
    assert [step.previous_version for step in steps] == list(range(total + 1))
    assert all(len(step.diff) == 1 for step in steps[1:])
    log = AuditLog(load_settings(home=home).logs_dir, SystemClock())
    books = Books(bot_version="1", mode=TradingMode.PAPER)
    Journal(store=store, log=log, bot_id="main", generation=1, books=books).drain()
    lines = [line for line in log.read("config_history") if line["entity"] == "version"]
    assert [line["version"] for line in lines] == list(range(1, total + 2))
    assert [line["new_config"]["trade_sync_cutoff_minutes"] for line in lines] == list(range(60, 61 + total))
    assert log.verify("config_history").ok
    store.close()
