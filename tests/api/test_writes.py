"""Writes: asked for once, carried out once, by those who may, and never by a dry run."""

from dataclasses import replace
from typing import Any

import pytest
import strawberry
from graphql import GraphQLObjectType

from graph.describes import Argument, answered_by
from graph.documents import Documents, require_guarded, scope_of
from graph.schema import Mutation, Query, build_schema
from graph.types.commands import CommandPayload
from graph.types.inputs import BotActionInput
from tests.api.client import Api
from tests.fakes.seeded_trades import HELD, plan_of
from trading_bot.domain.errors import Scope
from trading_bot.domain.plans import PlanStatus
from trading_bot.errors.fault import Fault
from trading_bot.store import commands, plans

PAUSE = """mutation($input: BotActionInput!) { botPause(input: $input) {
  command { id kind status user reason } preview { summary risk effects confirmToken } errors { errorCode message } replayed
} }"""
STOP = """mutation($input: BotStopInput!) { botStop(input: $input) {
  command { kind status } preview { risk } errors { errorCode } replayed
} }"""


def test_a_write_is_stored_for_the_bot(api: Api) -> None:
    payload = api.data(PAUSE, {"input": action()})["botPause"]
    key_id = api.token.split("_")[1]

    assert payload["command"] == {
        "id": payload["command"]["id"],
        "kind": "PAUSE",
        "status": "PENDING",
        "user": key_id,
        "reason": "lunch",
    }
    assert (payload["preview"], payload["errors"], payload["replayed"]) == (None, [], False)
    assert [(command.kind.name, command.user) for command in stored(api)] == [("PAUSE", key_id)]
    query = f'{{ command(id: "{payload["command"]["id"]}") {{ status executedAt outcome error {{ errorCode }} }} }}'
    assert api.data(query)["command"] == {"status": "PENDING", "executedAt": None, "outcome": None, "error": None}


@pytest.mark.parametrize(("field", "kind"), [("botPause", "PAUSE"), ("botResume", "RESUME"), ("botStart", "START")])
def test_each_action_asks_for_its_own_kind(api: Api, field: str, kind: str) -> None:
    query = "mutation($input: BotActionInput!) { " + field + "(input: $input) { command { kind } } }"

    assert api.data(query, {"input": action()})[field] == {"command": {"kind": kind}}


def test_a_stop_hands_its_policy_to_the_bot(api: Api) -> None:
    close_plan(api)
    api.data(STOP, {"input": {**action(), "onStop": "CANCEL_ORDERS"}})

    assert [command.parameters for command in stored(api)] == [{"onStop": "CANCEL_ORDERS"}]


def test_the_same_write_again_is_answered_with_the_first(api: Api) -> None:
    first = api.data(PAUSE, {"input": action()})["botPause"]
    again = api.data(PAUSE, {"input": {**action(), "confirmToken": "left over"}})["botPause"]

    assert (first["replayed"], again["replayed"]) == (False, True)
    assert again["command"] == first["command"]
    assert len(stored(api)) == 1


def test_a_key_used_for_something_else_is_refused(api: Api) -> None:
    api.data(PAUSE, {"input": action()})
    payload = api.data(PAUSE, {"input": {**action(), "reason": "dinner"}})["botPause"]

    assert (payload["command"], payload["replayed"]) == (None, False)
    assert [error["errorCode"] for error in payload["errors"]] == ["QRY_007"]
    assert len(stored(api)) == 1


def test_the_same_key_for_another_operation_is_refused(api: Api) -> None:
    api.data(PAUSE, {"input": action()})
    query = "mutation($input: BotActionInput!) { botResume(input: $input) { errors { errorCode } } }"

    assert api.data(query, {"input": action()})["botResume"]["errors"] == [{"errorCode": "QRY_007"}]
    assert len(stored(api)) == 1


def test_another_caller_may_use_the_same_key(api: Api) -> None:
    api.data(PAUSE, {"input": action()})
    payload = api.data(PAUSE, {"input": {**action(), "reason": "mine"}}, token=api.key(Scope.OPERATE))["botPause"]

    assert payload["replayed"] is False
    assert len(stored(api)) == 2


def test_a_dry_run_says_what_would_happen_and_does_nothing(api: Api) -> None:
    before = version(api)
    payload = api.data(PAUSE, {"input": {**action(), "dryRun": True}}, token=api.key(Scope.READ))["botPause"]

    assert payload["command"] is None
    assert payload["preview"]["risk"] == "LOW"
    assert "Run state now: RUNNING." in payload["preview"]["effects"]
    assert version(api) == before
    assert stored(api) == ()


def test_a_dry_run_uses_up_no_key(api: Api) -> None:
    api.data(PAUSE, {"input": {**action(), "dryRun": True}})

    assert api.data(PAUSE, {"input": action()})["botPause"]["replayed"] is False


def test_an_unknown_bot_is_refused_in_the_payload(api: Api) -> None:
    payload = api.data(PAUSE, {"input": {**action(), "botId": "nobody"}})["botPause"]

    assert [error["errorCode"] for error in payload["errors"]] == ["BOT_001"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"reason": ""},
        {"reason": " \n\t"},
        {"reason": "é" * 251},
        {"idempotencyKey": ""},
        {"idempotencyKey": "  "},
        {"idempotencyKey": "k" * 129},
    ],
)
def test_a_reason_and_a_key_are_needed(api: Api, wrong: dict[str, str]) -> None:
    assert api.codes(PAUSE, {"input": {**action(), **wrong}}) == ["QRY_004"]
    assert stored(api) == ()


def test_the_longest_reason_and_key_are_taken(api: Api) -> None:
    longest = {"reason": "é" * 250, "idempotencyKey": "é" * 128}

    assert api.data(PAUSE, {"input": {**action(), **longest}})["botPause"]["command"]["reason"] == "é" * 250


def test_a_reader_may_not_write(api: Api) -> None:
    before = version(api)
    answer = api.post(PAUSE, {"input": action()}, token=api.key(Scope.READ)).json()

    assert answer["data"] == {"botPause": None}
    assert answer["errors"][0]["extensions"]["errorCode"] == "AUTH_002"
    assert answer["errors"][0]["extensions"]["context"] == {"needs": "OPERATE", "has": "READ"}
    assert (version(api), stored(api)) == (before, ())


def test_the_scope_is_looked_at_before_what_a_write_names(api: Api) -> None:
    """Who may not write learns nothing from trying."""
    close = """mutation($input: PositionsCloseInput!) { positionsClose(input: $input) { command { id } } }"""

    assert api.codes(PAUSE, {"input": {**action(), "botId": "nobody"}}, token=api.key(Scope.READ)) == ["AUTH_002"]
    assert api.codes(close, {"input": {**action(), "symbols": ["NONE"]}}, token=api.key(Scope.OPERATE)) == ["AUTH_002"]


def test_a_write_of_high_risk_needs_an_admin(api: Api) -> None:
    token = api.key(Scope.OPERATE)
    stop = {"input": {**action(), "onStop": "FLATTEN"}}
    before = version(api)

    assert api.data(STOP, {"input": {**stop["input"], "dryRun": True}}, token=token)["botStop"]["preview"] == {
        "risk": "HIGH"
    }
    assert api.codes(STOP, stop, token=token) == ["AUTH_002"]
    assert (version(api), stored(api)) == (before, ())


def test_a_write_whose_risk_rose_since_is_still_looked_up(api: Api) -> None:
    token = api.key(Scope.OPERATE)
    stop = {"input": {**action(), "onStop": "KEEP_EVERYTHING"}}
    close_plan(api)
    assert api.data(STOP, stop, token=token)["botStop"]["replayed"] is False
    with api.store.writing("main") as w:
        plans.save_plan(w, plan_of(HELD, "SPY"))

    assert api.data(STOP, stop, token=token)["botStop"]["replayed"] is True


def test_a_mutation_document_has_one_root_field(api: Api) -> None:
    part = 'botPause(input: {reason: "r", idempotencyKey: "k%d"}) { replayed }'
    two = "mutation { a: " + part % 1 + " b: " + part % 2 + " }"
    hidden = "mutation { ...F a: " + part % 1 + " } fragment F on Mutation { ... { b: " + part % 2 + " } }"

    assert api.codes(two) == api.codes(hidden) == ["QRY_003"]
    assert stored(api) == ()
    assert api.data("mutation { __typename " + part % 3 + " }")["botPause"] == {"replayed": False}


def test_an_answer_to_a_write_is_never_kept(api: Api) -> None:
    assert api.post(PAUSE, {"input": action()}).headers["Cache-Control"] == "no-store"


def test_every_mutation_names_its_scope() -> None:
    schema = build_schema()._schema
    kind = schema.mutation_type
    assert isinstance(kind, GraphQLObjectType)

    assert {name: scope_of(schema, name) for name in kind.fields} == {
        "botPause": Scope.OPERATE,
        "botResume": Scope.OPERATE,
        "botStart": Scope.OPERATE,
        "botStop": Scope.OPERATE,
        "circuitBreakerReset": Scope.ADMIN,
        "configApply": Scope.OPERATE,
        "configRollback": Scope.OPERATE,
        "errorAcknowledge": Scope.OPERATE,
        "ordersCancel": Scope.OPERATE,
        "positionsClose": Scope.ADMIN,
        "workflowCancel": Scope.OPERATE,
        "workflowExecute": Scope.OPERATE,
    }


def test_a_mutation_that_forgets_its_scope_is_refused_before_it_runs() -> None:
    async def forgetful(context: Any, *, input: Any) -> None:
        raise AssertionError("it ran")

    @strawberry.type
    class Forgetful(Mutation):
        wipe: CommandPayload | None = answered_by(forgetful, "All gone.", input=Argument(BotActionInput, "What."))

    schema = build_schema(Query, Forgetful)._schema
    text = 'mutation { wipe(input: {reason: "r", idempotencyKey: "k"}) { replayed } }'
    document = Documents(schema=schema).read(text)
    assert document.tree is not None
    with pytest.raises(Fault, match="AUTH_002: The field `wipe` names no scope"):
        require_guarded(schema, document.tree, document.operation(None))


def action() -> dict[str, Any]:
    return {"reason": "lunch", "idempotencyKey": "key-1"}


def stored(api: Api) -> tuple[Any, ...]:
    """What waits for the bot."""
    with api.store.reading("main") as r:
        return commands.list_pending_commands(r)


def version(api: Api) -> int:
    with api.store.reading("main") as r:
        return r.version()


def close_plan(api: Api) -> None:
    """So that a stop is not of risk HIGH."""
    with api.store.writing("main") as w:
        plan = replace(plan_of(HELD, "SPY"), status=PlanStatus.CLOSED)
        plans.save_plan(w, plan)
