"""The port through which layers below carry named operations out: the same answers as over HTTP, as JSON data."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import structlog

from graph.doors.operations import Operations, load_operations
from graph.execution import executor
from graph.guard.errors import ErrorShape
from graph.schema import build_schema
from tests.api.conftest import NOW
from tests.fakes.parts import parts_over
from tests.fakes.standing_clock import StandingClock
from trading_bot.domain.commands import Caller
from trading_bot.domain.errors import Scope
from trading_bot.errors.fault import Fault
from trading_bot.store.engine import open_engine
from trading_bot.store.store import Store
from workflows.model import Operations as Port


@pytest.fixture
def operations(tmp_path: Path, seeded_store: Path) -> Iterator[Operations]:
    (tmp_path / "botgraph.db").write_bytes(seeded_store.read_bytes())
    clock = StandingClock(NOW)
    engine = open_engine(f"sqlite:///{tmp_path / 'botgraph.db'}")
    store = Store(engine, clock)
    with ThreadPoolExecutor(2) as workers:
        parts = parts_over(store, clock, workers)
        run = executor(build_schema(), parts, ErrorShape(now=clock.now, log=structlog.get_logger("graph")))
        yield Operations(load_operations(run.documents), run)
    engine.dispose()


def test_an_operation_is_answered_with_json_data(operations: Operations) -> None:
    port: Port = operations
    body = asyncio.run(port.run("positions", {"first": 1}, caller(Scope.READ)))

    assert body["data"]["botState"]["positions"][0]["symbol"] == "SPY"
    assert body["data"]["botState"]["positions"][0]["unrealizedPl"] == "10.00"


def test_a_write_is_dry_run_and_then_confirmed(operations: Operations) -> None:
    asked = {"onStop": "FLATTEN", "reason": "r", "idempotencyKey": "k"}
    preview = answer(operations, "botStop", {**asked, "dryRun": True}, Scope.ADMIN)["data"]["botStop"]["preview"]
    done = answer(operations, "botStop", {**asked, "confirmToken": preview["confirmToken"]}, Scope.ADMIN)

    assert preview["expiresAt"] == "2026-03-02T12:02:00Z"
    assert done["data"]["botStop"]["command"]["kind"] == "STOP"


def test_what_a_caller_may_not_is_refused_in_the_shape_of_all_errors(operations: Operations) -> None:
    body = answer(operations, "botPause", {"reason": "r", "idempotencyKey": "k"}, Scope.READ)

    assert body["data"] == {"botPause": None}
    assert body["errors"][0]["extensions"]["errorCode"] == "AUTH_002"
    assert body["errors"][0]["extensions"]["severity"] == "MEDIUM"


def test_variables_that_do_not_fit_are_refused(operations: Operations) -> None:
    body = answer(operations, "fills", {"first": "many"}, Scope.READ)

    assert "data" not in body
    assert body["errors"][0]["extensions"]["errorCode"] == "QRY_004"


@pytest.mark.parametrize(
    ("name", "variables", "code"), [("nothing", {}, "QRY_005"), ("fills", {"limit": 3}, "QRY_004")]
)
def test_an_unknown_name_or_variable_is_a_fault(
    operations: Operations, name: str, variables: dict[str, Any], code: str
) -> None:
    with pytest.raises(Fault, match=code):
        answer(operations, name, variables, Scope.READ)


def answer(operations: Operations, name: str, variables: dict[str, Any], scope: Scope) -> dict[str, Any]:
    return asyncio.run(operations.run(name, variables, caller(scope)))


def caller(scope: Scope) -> Caller:
    return Caller(key_id="k1", name="k1", scope=scope, max_response_bytes=10_240, rate_per_minute=None)
