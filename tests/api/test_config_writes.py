"""configApply and configRollback over the graph: by the token of a plan, once, refused with what stands in the way."""

from typing import Any

import pytest

from tests.api.client import Api
from tests.api.test_config import everything, planned
from trading_bot.domain.errors import Scope

APPLY = """mutation($input: ConfigApplyInput!) { configApply(input: $input) {
  change { id version previousVersion user reason applied rolledBack diff { path before after } adoption { status at detail } }
  preview { summary } errors { errorCode cause context retry { kind afterSeconds } } replayed
} }"""
SMALL = """mutation($input: ConfigApplyInput!) { configApply(input: $input) {
  change { version } errors { errorCode cause } replayed
} }"""
ROLLBACK = """mutation($input: ConfigRollbackInput!) { configRollback(input: $input) {
  change { version previousVersion rolledBack adoption { status } }
  preview { summary effects risk confirmToken } errors { errorCode cause } replayed
} }"""


def token(api: Api, patch: dict[str, Any], **rest: Any) -> str:
    plan = planned(api, patch, **rest)
    assert plan["valid"], plan
    return str(plan["planToken"])


def asked(plan_token: str, key: str = "k", **rest: Any) -> dict[str, Any]:
    return {"input": {"planToken": plan_token, "reason": "less at risk", "idempotencyKey": key, **rest}}


def applied(api: Api, patch: dict[str, Any], key: str, **rest: Any) -> dict[str, Any]:
    payload: dict[str, Any] = api.data(APPLY, asked(token(api, patch), key, **rest))["configApply"]
    return payload


def test_a_plan_is_applied_by_its_token_and_answered_the_same_again(api: Api) -> None:
    plan_token = token(api, {"risk": {"max_open_positions": 3}})

    first = api.data(APPLY, asked(plan_token))["configApply"]
    again = api.data(APPLY, asked(plan_token))["configApply"]

    change = first["change"]
    assert (change["version"], change["previousVersion"], change["reason"]) == (2, 1, "less at risk")
    assert (change["applied"], change["rolledBack"]) == (False, False)
    assert change["diff"] == [{"path": "risk.max_open_positions", "before": 10, "after": 3}]
    assert change["adoption"] == {"status": "PENDING", "at": None, "detail": None}
    assert (first["errors"], first["replayed"], first["preview"]) == ([], False, None)
    assert again == {**first, "replayed": True}
    assert api.data("{ config { version values } }")["config"]["values"]["risk"]["max_open_positions"] == 3
    (command,) = api.data("{ commands(first: 1) { edges { node { kind status parameters } } } }")["commands"]["edges"]
    assert command["node"] == {"kind": "ADOPT_CONFIG", "status": "PENDING", "parameters": {"version": 2}}


def test_a_token_is_for_the_key_that_planned_and_readers_may_not_apply(api: Api) -> None:
    mine, before = token(api, {"name": "Mine"}), everything(api)
    other, reader = api.key(Scope.ADMIN), api.key(Scope.READ)

    assert api.codes(SMALL, asked(mine), token=other) == ["QRY_009"]
    assert api.codes(SMALL, asked(mine), token=reader) == ["AUTH_002"]
    assert api.codes(APPLY, asked("nonsense")) == ["QRY_009"]
    assert api.codes(APPLY, {"input": {**asked(mine)["input"], "reason": " "}}) == ["QRY_004"]
    after = everything(api)
    assert {name for name in before if before[name] != after[name]} <= {"api_keys"}


def test_a_change_of_high_risk_needs_an_admin_also_to_be_applied(api: Api) -> None:
    operator = api.key(Scope.OPERATE)
    loose = token(api, {"risk": {"max_open_positions": 20}}, token=operator)
    tight = token(api, {"risk": {"max_open_positions": 2}}, token=operator)

    assert api.codes(SMALL, asked(loose), token=operator) == ["AUTH_002"]
    payload = api.data(SMALL, asked(tight), token=operator)["configApply"]
    assert payload["change"]["version"] == 2


def test_what_stands_in_the_way_stands_in_the_payload(api: Api) -> None:
    stale = token(api, {"name": "Stale"})
    applied(api, {"name": "Watched"}, "first")

    (moved,) = api.data(APPLY, asked(stale, "second"))["configApply"]["errors"]
    (watched,) = applied(api, {"name": "Third"}, "third")["errors"]

    assert moved["errorCode"] == "CFG_007"
    assert moved["context"]["changed"] == [{"path": "name", "before": "BotGraph", "after": "Watched"}]
    assert (watched["errorCode"], watched["cause"]) == ("CFG_008", "Version 2 is being watched.")
    assert watched["retry"] == {"kind": "AFTER_DELAY", "afterSeconds": 180.0}
    assert api.data("{ config { version } }")["config"]["version"] == 2


def test_a_rollback_that_loosens_goes_by_a_dry_run_and_its_token(api: Api) -> None:
    applied(api, {"risk": {"max_open_positions": 3}}, "first", watchSeconds=0)
    back = {"toVersion": 1, "expectedVersion": 2, "reason": "it was better", "idempotencyKey": "back"}

    dry = api.data(ROLLBACK, {"input": {**back, "dryRun": True}}, token=api.key(Scope.READ))["configRollback"]
    preview = api.data(ROLLBACK, {"input": {**back, "dryRun": True}})["configRollback"]["preview"]
    refused = api.codes(ROLLBACK, {"input": back})
    done = api.data(ROLLBACK, {"input": {**back, "confirmToken": preview["confirmToken"]}})["configRollback"]

    assert (dry["change"], dry["preview"]["risk"], refused) == (None, "HIGH", ["QRY_008"])
    assert (done["change"]["version"], done["change"]["previousVersion"], done["errors"]) == (3, 2, [])
    first, latest = (api.data(f"{{ config(version: {number}) {{ values }} }}")["config"] for number in (1, 3))
    assert latest == first
    history = api.data("{ configHistory(first: 3) { edges { node { version rolledBackBy } } } }")["configHistory"]
    assert [edge["node"] for edge in history["edges"]][:2] == [
        {"version": 3, "rolledBackBy": None},
        {"version": 2, "rolledBackBy": 3},
    ]


@pytest.mark.parametrize(
    ("to_version", "expected_version", "code"), [(9, 2, "QRY_005"), (1, 1, "CFG_007"), (2, 2, "CFG_010")]
)
def test_a_rollback_that_can_not_be_is_refused_in_the_payload(
    api: Api, to_version: int, expected_version: int, code: str
) -> None:
    applied(api, {"name": "Other"}, "first", watchSeconds=0)
    back = {"toVersion": to_version, "expectedVersion": expected_version, "reason": "r", "idempotencyKey": "b"}

    payload = api.data(ROLLBACK, {"input": back})["configRollback"]

    assert ([error["errorCode"] for error in payload["errors"]], payload["change"]) == ([code], None)
