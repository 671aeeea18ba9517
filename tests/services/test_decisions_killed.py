"""A bot in its own process whose model decides: killed anywhere it does the same again, and its key is found nowhere in its home."""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.test_kills import equal_to_the_ledger, survive
from tests.fakes.fork_server import ForkServer
from tests.fakes.model_server import NOTHING, Call, ModelServer, Reply, answering, model_server, saying
from tests.fakes.playing import left_behind, play, replay_settings
from tests.fakes.scripted import OPEN
from trading_bot.clock import SystemClock
from trading_bot.domain.config import BotConfig
from trading_bot.domain.decider import Decider, DeciderKind
from trading_bot.domain.decisions import Verdict
from trading_bot.logs.audit import AuditLog
from trading_bot.services.config_file import write_config
from trading_bot.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
MARKER = "sk-MARKER-0451"
BARS = 60


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with model_server() as running:
        running.script = decide
        yield running


def decide(call: Call) -> Reply:
    """A model whose answer follows from what it is shown, that fails at some minutes, and that repeats the key wherever it can."""
    situation = json.loads(call.body["messages"][1]["content"])
    minute = int(situation["venue_time"][14:16])
    key = call.headers["authorization"]
    if minute % 13 == 0:
        return Reply(status=401, body=f"no such key: {key}".encode(), headers={"x-key": key})
    if minute % 11 == 0:
        return saying(f"I was sent {key}")
    if situation["may_enter"]:
        close = float(situation["candles"]["ACME"][-1][4])
        return answering(
            action="enter",
            symbol="ACME",
            order_type="LIMIT" if minute % 2 else "MARKET",
            entry_price=close,
            stop_price=close - 0.5,
            target_price=close + 0.5,
            good_for_bars=3,
            reasoning=f"By {key}.",
        )
    if minute % 5 == 0 and situation["may_exit"]:
        return answering(action="exit", symbol="ACME", reasoning=f"By {key}.")
    return answering(**NOTHING)


def home_of(path: Path, server: ModelServer, store_url: str | None = None) -> Settings:
    """A home that replays an hour in which the price goes up and down."""
    path.mkdir(exist_ok=True)
    (path.parent / "model.key").write_text(MARKER)
    candles = path.parent / "candles.csv"
    rows = ["timestamp,symbol,open,high,low,close,volume"]
    for n in range(BARS):
        price = Decimal(100) + Decimal((n * 7) % 20) / 10
        rows.append(f"{(OPEN + timedelta(minutes=n)).isoformat()},ACME,{price},{price + 1},{price - 1},{price},100000")
    candles.write_text("\n".join(rows) + "\n")
    settings = replay_settings(path, candles, store_url or f"sqlite:///{path / 'botgraph.db'}")
    settings.make_folders()
    decider = Decider(
        kind=DeciderKind.LANGUAGE_MODEL,
        url=server.url,
        key=f"file:{path.parent / 'model.key'}",
        model="small",
        every_bars=2,
        cost_per_1k_input=Decimal("0.15"),
    )
    write_config(settings.config_file, BotConfig(decider=decider))
    return settings


def test_a_key_is_found_nowhere_in_the_home_of_a_bot_that_used_it(home: Path, server: ModelServer) -> None:
    settings = home_of(home, server)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **settings.environment()}
    with subprocess.Popen(
        [sys.executable, "-m", "trading_bot"],
        cwd=home,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as bot:
        assert server.asked(12, 60)
        bot.send_signal(signal.SIGTERM)
        said, _ = bot.communicate(timeout=30)
    assert bot.returncode == 0

    assert {call.headers["authorization"] for call in server.calls} == {f"Bearer {MARKER}"}
    left = left_behind(settings.store_url)
    assert {decision.verdict for decision in left["decisions"]} >= {Verdict.APPROVED, Verdict.FAILED}
    assert any("[secret]" in decision.reasoning for decision in left["decisions"])
    files = [path for path in home.rglob("*") if path.is_file()]
    assert {"botgraph.db", "trading_bot.log", "bot.yaml"} <= {path.name for path in files}
    assert [path.name for path in files if MARKER.encode() in path.read_bytes()] == []
    assert MARKER.encode() not in said


@pytest.mark.long
@pytest.mark.timeout(300)
def test_kills_at_moments_that_matter_change_nothing_that_a_model_decides(
    tmp_path: Path, home: Path, server: ModelServer
) -> None:
    calm = home_of(tmp_path / "calm", server)
    play(calm)
    settings = home_of(home, server)

    with ForkServer() as forks:
        killed = survive(settings, forks, kills=20, chance=random.Random(6))

    assert killed >= 10
    equal_to_the_ledger(settings)
    left, expected = left_behind(settings.store_url), left_behind(calm.store_url)
    assert left == expected
    made = [decision for decision in left["decisions"] if decision.plan_id == decision.id]
    assert len(made) >= 5
    assert sorted(decision.id for decision in made) == [plan.id for plan in left["plans"]]
    log = AuditLog(settings.logs_dir, SystemClock())
    assert log.verify("decisions").ok
    last: dict[str, Any] = {line["id"]: line for line in log.read("decisions")}
    assert {decision.id: decision.result for decision in left["decisions"]} == {
        key: line["result"] for key, line in last.items()
    }
