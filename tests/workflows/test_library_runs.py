"""Every workflow of the library on the real bot: what it does, and that nothing else is changed by it."""

import tarfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.workflows.house import RESTING, House, housed, played, told

PLANS = "SELECT id, symbol, status, stop_price, target_price, version FROM plans ORDER BY id"
ORDERS = "SELECT client_order_id, symbol, leg, status, quantity FROM orders ORDER BY client_order_id"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, candles_us: Path) -> Iterator[House]:
    """A market that all but stands still: an entry rests, and two plans are held."""
    home = tmp_path_factory.mktemp("library") / "home"
    day = played(home, candles_us, RESTING)
    with housed(home, day, speed="0.05") as started:
        yield started


def completed(run: dict[str, Any]) -> dict[str, Any]:
    assert (run["status"], run["error"], run["progressPct"]) == ("COMPLETED", None, 100), told(run)
    return run


def open_plans(house: House) -> dict[str, Any]:
    edges = house.asked("tradePlans", status="OPEN")["edges"]
    return {edge["node"]["symbol"]: edge["node"] for edge in edges}


def test_check_health_passes_a_bot_that_is_well_with_the_smallest_key(house: House) -> None:
    from trading_bot.clock import SystemClock  # noqa: PLC0415 - the one use
    from trading_bot.domain.errors import Scope  # noqa: PLC0415
    from trading_bot.services.keys import Keys  # noqa: PLC0415
    from trading_bot.store.engine import open_engine  # noqa: PLC0415

    engine = open_engine(f"sqlite:///{house.home}/botgraph.db")
    _, token = Keys(engine, SystemClock()).create("watcher", Scope.OPERATE)
    engine.dispose()
    run = completed(house.run("check-health", token=token))

    assert [step["status"] for step in run["steps"]] == ["SUCCEEDED"] * len(run["steps"])


def test_restart_bot_loses_no_position_plan_or_order_and_is_quick(house: House) -> None:
    before = {name: house.rows(query) for name, query in (("plans", PLANS), ("orders", ORDERS))}
    held = {one["symbol"]: one["quantity"] for one in house.asked("positions")["botState"]["positions"]}
    live = [one for one in house.asked("orders")["botState"]["orders"] if one["status"] == "ACCEPTED"]
    run = completed(house.run("restart-bot"))
    outcome = run["outputs"]["restart"]["outcome"]

    assert {name: house.rows(query) for name, query in (("plans", PLANS), ("orders", ORDERS))} == before
    assert {one["symbol"]: one["quantity"] for one in house.asked("positions")["botState"]["positions"]} == held
    assert sorted(held) == ["AIG", "BAC"]
    assert [one for one in house.asked("orders")["botState"]["orders"] if one["status"] == "ACCEPTED"] == live
    assert [one["symbol"] for one in live] == ["IBM"]
    assert (outcome["generation"], outcome["exitCode"]) == (outcome["generationBefore"] + 1, 0)
    assert house.asked("botHealth")["botState"]["health"]["runState"] == "RUNNING"
    assert (outcome["liveOrders"], outcome["positions"]) == (1, 2)
    taken = _seconds(run) - outcome["drainedSeconds"]
    assert taken < 15  # 3 s on a machine with nothing else to do: benchmarks/starts.py


def test_update_targets_moves_a_target_and_nothing_else(house: House) -> None:
    before = open_plans(house)
    run = completed(house.run("update-targets", symbol="AIG", target="60.25"))
    after = open_plans(house)

    moved = {**before["AIG"], "targetPrice": "60.25", "version": before["AIG"]["version"] + 1}
    assert after == {**before, "AIG": moved}
    assert run["outputs"]["move"]["outcome"]["targetBefore"] == before["AIG"]["targetPrice"]


def test_update_targets_refuses_what_would_close_the_position_at_once(house: House) -> None:
    before = open_plans(house)
    run = house.run("update-targets", symbol="BAC", target="0.01")

    assert run["status"] in {"FAILED", "ROLLED_BACK"}, told(run)
    assert "The target has to stand above the price of " in run["error"]["cause"]
    assert open_plans(house) == before


def test_update_targets_is_refused_before_anything_runs_where_there_is_no_plan(house: House) -> None:
    begun = house.sent(
        "workflowExecute",
        workflowId="update-targets",
        parameters={"symbol": "XYZ", "target": "10"},
        reason="a test",
        idempotencyKey="no-plan",
    )["data"]["workflowExecute"]
    errors = begun["errors"] or [house.ended(begun["run"]["id"])["error"]]

    assert [error["errorCode"] for error in errors] == ["WF_003"]
    assert "There is no open plan of this symbol" in errors[0]["cause"]


def test_reconcile_now_counts_books_and_venue(house: House) -> None:
    outcome = completed(house.run("reconcile-now"))["outputs"]["reconcile"]["outcome"]

    assert (outcome["differences"], outcome["differs"]) == (0, [])
    assert outcome["positions"]["here"] == outcome["positions"]["venue"] == 2


def test_backup_now_makes_a_backup_that_verifies(house: House) -> None:
    from trading_bot.keeping.backup_manifest import verified  # noqa: PLC0415 - the one use

    outcome = completed(house.run("backup-now"))["outputs"]["backup"]["outcome"]
    manifest = verified(Path(outcome["path"]))

    assert Path(outcome["path"]).parent == house.home / "backups"
    assert (len(manifest.files), outcome["verified"]) == (outcome["files"], True)


def test_export_logs_writes_the_audit_log_into_one_archive(house: House) -> None:
    outcome = completed(house.run("export-logs", days=2))["outputs"]["export"]["outcome"]

    assert outcome["verified"] is True
    with tarfile.open(outcome["path"]) as tar:
        names = [name.partition("/")[2] for name in tar.getnames()]
    assert any(name.startswith("orders-") for name in names)
    assert any(name.startswith("workflow_execution_log-") for name in names)


def test_incident_bundle_has_state_errors_decisions_configuration_and_logs(house: House) -> None:
    outcome = completed(house.run("incident-bundle", hours=2))["outputs"]["bundle"]["outcome"]
    with tarfile.open(outcome["path"]) as tar:
        members = {member.name.partition("/")[2]: member for member in tar.getmembers()}
        content = b"".join(opened.read() for one in members.values() if (opened := tar.extractfile(one)))

    assert set(members) >= {
        "state.json",
        "errors.json",
        "decisions.json",
        "config.json",
        "config_changes.json",
        "workflow_runs.json",
        "logs/trading_bot.log",
        "logs/api.log",
        "audit/orders.jsonl",
    }
    assert house.token.encode() not in content


def test_rotate_api_key_replaces_the_first_key_and_the_terminal_goes_on_with_the_new_one(house: House) -> None:
    old = house.token
    begun = house.begun("rotate-api-key", key_id="first", grace="1s")
    assert begun["preview"]["risk"] == "HIGH"
    file = house.home / "keys" / "admin.key"

    def new_token() -> str | None:
        text = file.read_text().strip()
        return text if text != old else None

    from tests.processes.running import until  # noqa: PLC0415 - the one use

    house.token = until(new_token)
    run = completed(house.ended(begun["run"]["id"]))
    made = run["outputs"]["make"]["outcome"]["key_id"]

    assert house.asked("viewer")["keyId"] == made
    assert old not in str(run)
    assert house.token not in str(run)
    refused = until(lambda: _refusal(house, old))
    assert refused == "AUTH_001"


def test_reset_circuit_breaker_is_refused_where_none_has_tripped(house: House) -> None:
    rehearsed = house.sent(
        "workflowExecute",
        workflowId="reset-circuit-breaker",
        parameters={},
        reason="a test",
        idempotencyKey="no-breaker",
        dryRun=True,
    )["data"]["workflowExecute"]
    errors = rehearsed["errors"]
    if not errors:
        run = house.run("reset-circuit-breaker")
        errors = [run["error"]]

    assert [error["errorCode"] for error in errors] == ["WF_003"]
    assert "The circuit breaker is not tripped" in errors[0]["cause"]


def test_safe_shutdown_that_cancels_leaves_no_order_and_keeps_what_is_held(house: House) -> None:
    begun = house.begun("safe-shutdown", policy="cancel")
    run = completed(house.ended(begun["run"]["id"]))
    state = house.asked("botHealth")["botState"]
    orders = house.asked("orders", first=50)["botState"]["orders"]

    assert begun["preview"]["risk"] == "HIGH"
    assert state["health"]["runState"] == "STOPPED"
    assert {one["status"] for one in orders} <= {"FILLED", "CANCELLED", "EXPIRED", "REJECTED"}
    assert sorted(one["symbol"] for one in house.asked("positions")["botState"]["positions"]) == ["AIG", "BAC"]
    assert run["outputs"]["stop"]["outcome"]["liveOrders"] == 0
    assert house.asked("botStart", reason="a test", idempotencyKey="start-again")["command"] is not None


def _seconds(run: dict[str, Any]) -> float:
    begun, ended = (datetime.fromisoformat(run[name]) for name in ("startedAt", "finishedAt"))
    return (ended - begun).total_seconds()


def _refusal(house: House, token: str) -> str | None:
    answer = house.sent("viewer", token=token)
    code: str | None = answer["errors"][0]["extensions"]["errorCode"] if "errors" in answer else None
    return code
