"""kill -9 of a process that trades on the exchange: the clock moves once, an order is placed once, and nothing else differs either."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from itertools import groupby
from pathlib import Path

import pytest

from trading_bot.domain.instruments import instrument
from trading_bot.domain.money import rounded
from trading_bot.domain.orders import Side
from trading_bot.venues.paper.ledger import LedgerBooks, read_ledger

ROOT = Path(__file__).resolve().parents[3]
MINUTES = 120


def start(home: Path, moment: int) -> subprocess.Popen[bytes]:
    home.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "tests.venues.paper.driven", str(home), str(MINUTES), str(moment)]
    return subprocess.Popen(command, cwd=ROOT, env={"PATH": os.environ["PATH"]}, stdin=subprocess.DEVNULL)


def seen(home: Path) -> list[str]:
    """The minutes that were seen, repeats left out."""
    return [line for line, _ in groupby((home / "seen").read_text().splitlines())]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[LedgerBooks, list[str]]:
    """Ledger and minutes of a run that nobody killed."""
    home = tmp_path_factory.mktemp("undisturbed")
    assert start(home, 0).wait(60) == 0
    books = read_ledger(home / "venue.db")
    assert len(books.fills) > 60
    return books, seen(home)


def kill_beside_commits(home: Path, chance: random.Random, kills: int) -> None:
    """Die at counted moments, beside a commit; then run to the end."""
    for _ in range(kills):
        child = start(home, 1 + chance.randrange(12))
        assert child.wait(60) == -signal.SIGKILL
        if (home / "seen").exists():
            check_what_is_left(home)
    assert start(home, 0).wait(60) == 0


def kill_any_time(home: Path, chance: random.Random, kills: int) -> None:
    """Be killed at any moment once trading has begun; then run to the end."""
    for _ in range(kills):
        before = marks(home)
        child = start(home, 0)
        while child.poll() is None and marks(home) == before:
            time.sleep(0.002)
        time.sleep(chance.random() * 0.02)
        child.kill()
        child.wait(60)
        check_what_is_left(home)
    assert start(home, 0).wait(60) == 0


def check_what_is_left(home: Path) -> None:
    """A dead exchange's ledger can be read, and its cash is what its executions say."""
    books = read_ledger(home / "venue.db")
    cash = Decimal(100_000)
    for fill in books.fills:
        value = rounded(fill.quantity * fill.price, instrument(fill.symbol).cash_step)
        cash += -value - fill.fee if fill.side is Side.BUY else value - fill.fee
    assert books.cash == cash
    assert len({order.client_order_id for order in books.orders}) == len(books.orders)


def marks(home: Path) -> int:
    return (home / "seen").stat().st_size if (home / "seen").exists() else 0


@pytest.mark.parametrize("way", [kill_beside_commits, kill_any_time])
def test_a_run_with_kills_ends_like_one_without(
    way: Callable[[Path, random.Random, int], None], undisturbed: tuple[LedgerBooks, list[str]], tmp_path: Path
) -> None:
    way(tmp_path, random.Random(5), 5)

    assert (read_ledger(tmp_path / "venue.db"), seen(tmp_path)) == undisturbed


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("way", [kill_beside_commits, kill_any_time])
@pytest.mark.parametrize("seed", range(5))
def test_a_hundred_kills_change_nothing_either(
    way: Callable[[Path, random.Random, int], None],
    seed: int,
    undisturbed: tuple[LedgerBooks, list[str]],
    tmp_path: Path,
) -> None:
    way(tmp_path, random.Random(seed), 10)

    assert (read_ledger(tmp_path / "venue.db"), seen(tmp_path)) == undisturbed
