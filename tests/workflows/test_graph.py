"""Workflows over the API: asked for, confirmed, watched and cancelled, on the demo bot and with the steps of the product."""

import re
import time
from typing import Any

from graph.doors.operations import FOLDER
from tests.api.client import Api
from tests.fakes.seeded_watch import RUN
from tests.workflows.definitions import text_of
from trading_bot.domain.errors import Scope

EXECUTE = """mutation($input: WorkflowExecuteInput!) { workflowExecute(input: $input) {
  run { id status botId user queuedBehind } preview { summary effects risk confirmToken } errors { errorCode } replayed } }"""
CANCEL = """mutation($input: WorkflowCancelInput!) { workflowCancel(input: $input) {
  run { id status } preview { summary effects risk } errors { errorCode } replayed } }"""
LOOK = """query($id: ID!) { workflowRun(id: $id) { status progressPct error { errorCode cause }
  workflow { id steps { id } } steps { id phase status attempt output error { errorCode } } } }"""
OWN = """
id: {id}
name: Own
description: A workflow of the test's own.
steps:
  - id: first
    description: Waits a little.
    action_type: wait
    parameters: {{seconds: {first}}}
    validation: {{status: ELAPSED}}
  - id: second
    description: Asks for the bots.
    action_type: api_call
    parameters: {{operation: bots}}
    validation: {{status: OK}}
rollback_procedure:
  - id: undo-first
    description: Asks for the bots.
    action_type: api_call
    parameters: {{operation: bots}}
    validation: {{status: OK}}
    undoes: first
"""


def own(api: Api, id: str, *, first: int = 0) -> None:
    folder = api.home / "config" / "workflows"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{id}.yaml").write_text(OWN.format(id=id, first=first))


def execute(api: Api, workflow: str, key: str = "k", **more: Any) -> dict[str, Any]:
    token = more.pop("token", api.token)
    asked = {"workflowId": workflow, "reason": "a test", "idempotencyKey": key, **more}
    body = api.post(EXECUTE, {"input": asked}, token=token).json()
    found: dict[str, Any] = body["data"]["workflowExecute"] if "errors" not in body else body
    return found


def ended(api: Api, run_id: str) -> dict[str, Any]:
    """The run, once it has ended."""
    run: dict[str, Any] = {}
    for _ in range(200):
        run = api.data(LOOK, {"id": run_id})["workflowRun"]
        if run["status"] not in {"NOT_STARTED", "IN_PROGRESS", "ROLLING_BACK"}:
            return run
        time.sleep(0.05)
    raise AssertionError(f"The run is {run}.")


def test_what_can_be_run_is_listed_and_explained(api: Api) -> None:
    own(api, "own-work")
    found = {one["id"]: one for one in api.data("{ workflows { id risk steps { id actionType } } }")["workflows"]}

    assert {"check-health", "safe-shutdown", "own-work"} <= found.keys()
    assert found["own-work"] == {
        "id": "own-work",
        "risk": "LOW",
        "steps": [{"id": "first", "actionType": "WAIT"}, {"id": "second", "actionType": "API_CALL"}],
    }
    assert api.data('{ workflow(id: "no-such") { id } }') == {"workflow": None}


def test_the_largest_definitions_are_shown_within_the_declared_bytes(api: Api) -> None:
    words = '"' * 300
    rest = {
        "description": words,
        "action_type": "wait",
        "parameters": {"seconds": 0},
        "validation": {"status": "ELAPSED"},
    }
    large: dict[str, Any] = {
        "name": words[:80],
        "description": words * 3,
        "parameters": {f"p{n}": {"type": "string", "description": words} for n in range(6)},
        "validation_rules": {f"r{n}": {"condition": "true", "otherwise": words[:150]} for n in range(11)},
        "steps": [{"id": f"step-{n}", **rest} for n in range(20)],
        "rollback_procedure": [{"id": f"undo-{n}", **rest} for n in range(20)],
    }
    folder = api.home / "config" / "workflows"
    folder.mkdir(parents=True)
    for n in range(10):
        (folder / f"large-{n}.yaml").write_text(text_of({"id": f"large-{n}", **large}))

    for name, variables in (("workflow", {"id": "large-9"}), ("workflows", {})):
        body = {"documentId": name, "variables": variables}
        answer = api.call("POST", "/graphql", json=body, headers={"X-API-Key": api.token})
        declared = re.search(r"bytes: (\d+)", (FOLDER / f"{name}.graphql").read_text())
        assert '"id":"large-9"' in answer.text
        assert declared is not None
        assert len(answer.content) <= int(declared[1])


def test_a_run_is_carried_out_by_the_api_itself_and_seen_step_by_step(api: Api) -> None:
    own(api, "own-work")
    asked = execute(api, "own-work")
    assert (asked["errors"], asked["replayed"]) == ([], False)
    assert asked["run"]["status"] in {"NOT_STARTED", "IN_PROGRESS", "COMPLETED"}
    run = ended(api, asked["run"]["id"])

    assert (run["status"], run["progressPct"], run["error"]) == ("COMPLETED", 100, None)
    assert [(one["id"], one["status"], one["attempt"]) for one in run["steps"]] == [
        ("first", "SUCCEEDED", 1),
        ("second", "SUCCEEDED", 1),
    ]
    assert run["steps"][0]["output"] == {"status": "ELAPSED", "waited_seconds": 0}
    assert run["workflow"] == {"id": "own-work", "steps": [{"id": "first"}, {"id": "second"}]}
    (api.home / "config" / "workflows" / "own-work.yaml").write_text("id: [")  # a retry is told all the same
    again = execute(api, "own-work")
    assert (again["run"]["id"], again["run"]["status"], again["replayed"]) == (asked["run"]["id"], "COMPLETED", True)


def test_a_dry_run_says_what_each_step_would_do_and_changes_nothing(api: Api) -> None:
    token = api.key(Scope.READ)
    before = api.data("{ botState { seq } workflowRuns { edges { node { id } } } }")
    preview = execute(api, "check-health", dryRun=True, token=token)["preview"]

    assert (preview["risk"], preview["confirmToken"]) == ("LOW", None)
    assert preview["summary"] == "Check the bot's health: 4 steps."
    assert [effect.partition(":")[0] for effect in preview["effects"]] == ["look", "errors", "is-healthy", "is-fresh"]
    assert api.data("{ botState { seq } workflowRuns { edges { node { id } } } }") == before


def test_risk_high_needs_the_token_of_a_dry_run(api: Api) -> None:
    asked = {"parameters": {"policy": "flatten"}}
    refused = execute(api, "safe-shutdown", "k1", **asked)
    assert refused["errors"][0]["extensions"]["errorCode"] == "QRY_008"
    preview = execute(api, "safe-shutdown", "k2", dryRun=True, **asked)["preview"]
    assert preview["risk"] == "HIGH"

    run = execute(api, "safe-shutdown", "k3", confirmToken=preview["confirmToken"], **asked)["run"]
    assert run["status"] in {"NOT_STARTED", "IN_PROGRESS"}
    stopped = api.post(CANCEL, {"input": {"runId": run["id"], "reason": "enough", "idempotencyKey": "c"}}).json()
    assert stopped["data"]["workflowCancel"]["errors"] == []


def test_what_can_not_be_run_is_refused_in_the_payload(api: Api) -> None:
    assert execute(api, "no-such")["errors"] == [{"errorCode": "QRY_005"}]
    assert execute(api, "check-health", parameters={"max_age": "; rm -rf /"})["errors"] == [{"errorCode": "WF_002"}]
    assert execute(api, "check-health", botId="nobody")["errors"] == [{"errorCode": "BOT_001"}]
    too_much = execute(api, "check-health", parameters={"x": "y" * 20_000})
    assert too_much["errors"][0]["extensions"]["errorCode"] == "QRY_004"
    token = api.key(Scope.READ)
    assert execute(api, "check-health", token=token)["errors"][0]["extensions"]["errorCode"] == "AUTH_002"


def test_a_run_is_cancelled_without_a_token_and_undone(api: Api) -> None:
    own(api, "own-work", first=200)
    run_id = execute(api, "own-work")["run"]["id"]
    asked = {"runId": run_id, "reason": "enough", "idempotencyKey": "c"}
    while api.data(LOOK, {"id": run_id})["workflowRun"]["status"] == "NOT_STARTED":
        time.sleep(0.02)
    preview = api.data(CANCEL, {"input": {**asked, "dryRun": True}})["workflowCancel"]["preview"]
    assert preview["effects"][0] == "Step first is stopped."
    payload = api.data(CANCEL, {"input": asked})["workflowCancel"]
    assert (payload["errors"], payload["replayed"]) == ([], False)
    run = ended(api, run_id)

    assert run["status"] == "ROLLED_BACK"
    assert run["error"]["errorCode"] == "WF_012"
    assert [(one["id"], one["phase"], one["status"]) for one in run["steps"]] == [
        ("first", "FORWARD", "INTERRUPTED"),
        ("second", "FORWARD", "SKIPPED"),
        ("undo-first", "ROLLBACK", "SUCCEEDED"),
    ]
    other = api.data(CANCEL, {"input": {**asked, "runId": RUN, "idempotencyKey": "d"}})["workflowCancel"]
    assert other["errors"] == [{"errorCode": "WF_016"}]


def test_a_run_is_watched_from_its_start_to_its_end(api: Api) -> None:
    own(api, "own-work", first=1)
    document = "subscription($id: ID!) { workflowRun(id: $id) { status progressPct steps { id status } } }"
    with api.session() as wire:
        run_id = execute(api, "own-work")["run"]["id"]
        wire.subscribe("1", document, {"id": run_id})
        seen = []
        while (message := wire.receive())["type"] == "next":
            seen.append(message["payload"]["data"]["workflowRun"])
            if seen[-1]["steps"][0]["status"] == "RUNNING":
                api.clock.advance(1)  # the wait is over

    assert message["type"] == "complete"
    assert seen[-1] == {
        "status": "COMPLETED",
        "progressPct": 100,
        "steps": [{"id": "first", "status": "SUCCEEDED"}, {"id": "second", "status": "SUCCEEDED"}],
    }
    assert {"id": "first", "status": "RUNNING"} in [step for run in seen for step in run["steps"]]
    assert [run["progressPct"] for run in seen] == sorted(run["progressPct"] for run in seen)
