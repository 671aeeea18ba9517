"""kill -9 of the bot at any moment: nothing is sent twice, lost or counted twice.

Without faults the books equal those of a run without kills; with every fault of the exchange injected they equal the exchange's own ledger.
"""

import random
import signal
from collections.abc import Callable, Iterator
from dataclasses import fields
from decimal import Decimal
from pathlib import Path

import pytest

from tests.fakes.fork_server import ForkedBot, ForkServer
from tests.fakes.playing import first_days, left_behind, replay_settings
from trading_bot.clock import SystemClock
from trading_bot.domain.config import BotConfig, FaultRates, PaperVenue
from trading_bot.domain.money import ZERO
from trading_bot.domain.orders import Side
from trading_bot.domain.plans import PlanStatus
from trading_bot.domain.streams import STREAMS
from trading_bot.logs.audit import AuditLog
from trading_bot.services.config_file import write_config
from trading_bot.services.configuration import with_feed
from trading_bot.settings import Settings
from trading_bot.venues.paper.ledger import read_ledger

PATIENCE_SECONDS = 300.0
LAST_MOMENT = 45
EVERY_FAULT = tuple(field.name for field in fields(FaultRates))


@pytest.fixture(scope="module")
def forks() -> Iterator[ForkServer]:
    with ForkServer() as server:
        yield server


@pytest.fixture
def day(tmp_path: Path, candles_us: Path) -> Path:
    return first_days(candles_us, 1, tmp_path / "one-day.csv")


@pytest.fixture
def two_days(tmp_path: Path, candles_us: Path) -> Path:
    return first_days(candles_us, 2, tmp_path / "two-days.csv")


@pytest.mark.timeout(400)
def test_twenty_kills_at_moments_that_matter_change_nothing(
    tmp_path: Path, home: Path, two_days: Path, store_url: str, forks: ForkServer
) -> None:
    settings = replay_settings(home, two_days, store_url)
    calm, calm_url = calm_run(tmp_path, two_days, forks)

    killed = survive(settings, forks, kills=20, chance=random.Random(20))

    assert killed == 20
    equal_to_the_ledger(settings)
    assert calm.wait(PATIENCE_SECONDS) == 0
    assert left_behind(store_url) == left_behind(calm_url)


@pytest.mark.timeout(400)
def test_twenty_kills_under_every_fault_lose_and_double_nothing(
    home: Path, day: Path, store_url: str, forks: ForkServer
) -> None:
    settings = faulty(replay_settings(home, day, store_url), random.Random(5))

    killed = survive(settings, forks, kills=20, chance=random.Random(50))

    assert killed == 20
    equal_to_the_ledger(settings)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("outside", [False, True], ids=["inside", "outside"])
def test_two_hundred_kills_change_nothing(
    tmp_path: Path, home: Path, candles_us: Path, store_url: str, forks: ForkServer, *, outside: bool
) -> None:
    settings = replay_settings(home, candles_us, store_url)
    calm, calm_url = calm_run(tmp_path, candles_us, forks)

    survive(settings, forks, kills=100, chance=random.Random(200 + outside), outside=outside)

    equal_to_the_ledger(settings)
    assert calm.wait(PATIENCE_SECONDS) == 0
    assert left_behind(store_url) == left_behind(calm_url)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_three_hundred_kills_under_every_fault_lose_and_double_nothing(
    tmp_path: Path, two_days: Path, new_store: Callable[[], str], forks: ForkServer
) -> None:
    """Several homes, each with other rates of faults and seeds, until three hundred kills are done."""
    killed = 0
    for seed in range(100):
        home = tmp_path / f"home-{seed}"
        home.mkdir()
        chance = random.Random(300 + seed)
        settings = faulty(replay_settings(home, two_days, new_store()), chance)
        killed += survive(settings, forks, kills=min(60, 300 - killed), chance=chance, outside=seed % 3 == 2)
        equal_to_the_ledger(settings)
        if killed == 300:
            break
    assert killed == 300


def faulty(settings: Settings, chance: random.Random) -> Settings:
    """The home with every fault of its exchange at 5 to 20 %."""
    settings.make_folders()
    rates = FaultRates(**{name: round(chance.uniform(0.05, 0.2), 3) for name in EVERY_FAULT})
    venue = PaperVenue(commission_per_share=Decimal("0.01"), faults=rates, seed=chance.randrange(1_000))
    config = with_feed(BotConfig(venue=venue), candles=settings.candles, seed=None, speed=settings.speed)
    write_config(settings.config_file, config)
    return settings


def survive(settings: Settings, forks: ForkServer, *, kills: int, chance: random.Random, outside: bool = False) -> int:
    """Play the home's file to its end under up to that many kills; how many there were."""
    environment = settings.environment()
    for killed in range(kills):
        moments = 0 if outside else chance.randint(1, LAST_MOMENT)
        kill_after = chance.uniform(0.05, 1.5) if outside else None
        code = forks.start(moments, environment).wait(PATIENCE_SECONDS, kill_after=kill_after)
        assert code in {0, -signal.SIGKILL}
        if code == 0:
            return killed
    assert forks.start(0, environment).wait(PATIENCE_SECONDS) == 0
    return kills


def calm_run(tmp_path: Path, candles: Path, forks: ForkServer) -> tuple[ForkedBot, str]:
    """A run of the same file without kills, beside the other, and the address of its store."""
    calm = tmp_path / "calm"
    calm.mkdir()
    settings = replay_settings(calm, candles, f"sqlite:///{calm / 'botgraph.db'}")
    return forks.start(0, settings.environment()), settings.store_url


def equal_to_the_ledger(settings: Settings) -> None:
    """Our fills, orders, positions and cash are the venue's, one by one; no plan is orphaned; the log is whole."""
    left = left_behind(settings.store_url)
    ledger = read_ledger(settings.venue_file)
    ours = {(f.id, f.client_order_id, f.quantity, f.price, f.fee) for f in left["fills"]}
    theirs = {(f.id, f.client_order_id, f.quantity, f.price, f.fee) for f in ledger.fills}
    assert ours == theirs
    assert len(left["fills"]) == len(ledger.fills) > 0
    sent = [order.client_order_id for order in ledger.orders]
    assert len(sent) == len(set(sent))
    known = {order.client_order_id: order for order in left["orders"]}
    assert set(sent) <= set(known)
    assert all(known[order.client_order_id].filled == order.filled for order in ledger.orders)
    held = {position.symbol: position.quantity for position in left["positions"]}
    assert held == {position.symbol: position.quantity for position in ledger.positions}
    assert left["sessions"][0].capital - sum(p.cost for p in left["positions"]) == ledger.cash
    no_plan_is_orphaned(left)
    log = AuditLog(settings.logs_dir, SystemClock())
    assert [stream for stream in STREAMS if not log.verify(stream).ok] == []
    lines = list(log.read("orders"))
    logged = {(line["client_order_id"], line["status"]) for line in lines if line["entity"] == "order"}
    assert {(o.client_order_id, o.status.name) for o in left["orders"]} <= logged
    assert sorted(line["id"] for line in lines if line["entity"] == "fill") == sorted(f.id for f in left["fills"])


def no_plan_is_orphaned(left: dict[str, list]) -> None:  # type: ignore[type-arg]
    """Every open plan holds something or has an order that may still act, and every position has its plan."""
    live = {order.plan_id for order in left["orders"] if order.is_live}
    held: dict[str, Decimal] = {}
    for fill in left["fills"]:
        sign = 1 if fill.action is Side.BUY else -1
        held[fill.trade_id] = held.get(fill.trade_id, ZERO) + sign * fill.quantity
    open_plans = [plan for plan in left["plans"] if plan.status is not PlanStatus.CLOSED]
    assert [plan for plan in open_plans if held.get(plan.id, ZERO) <= 0 and plan.id not in live] == []
    watched = {plan.id for plan in open_plans}
    assert [plan_id for plan_id, quantity in held.items() if quantity != 0 and plan_id not in watched] == []
