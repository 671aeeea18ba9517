"""What an error offers to send can be sent as it is, and where that resolves it, resolves it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from graphql import parse
from graphql.execution.values import get_variable_values

from graph.documents import Documents
from graph.doors.operations import load_operations
from graph.schema import build_schema
from tests.api.client import Api, Serving
from tests.errors.samples import CONTEXT
from tests.fakes.scripted import bar
from tests.fakes.scripted_bot import scripted_bot
from tests.fakes.standing_clock import StandingClock
from trading_bot.domain.commands import CommandKind, CommandStatus
from trading_bot.domain.errors import RemediationAction, Scope
from trading_bot.domain.health import RunState
from trading_bot.errors.catalogue import CATALOGUE
from trading_bot.errors.fault import Fault

SCHEMA = build_schema()._schema
OPERATIONS = load_operations(Documents(schema=SCHEMA))
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
FILLED = [
    (code, action) for code in CATALOGUE for action in Fault(code, "c", context=CONTEXT).semantic(now=NOW).actions
]
STOP = """mutation($input: BotStopInput!) { botStop(input: $input) {
  command { kind } preview { confirmToken } errors { errorCode } } }"""


def named(value: object) -> str:
    return value.operation if isinstance(value, RemediationAction) else str(value)


def test_most_codes_of_a_running_bot_offer_something_to_send() -> None:
    families = ("BOT_001", "BOT_003", "BOT_004", "RISK", "ORD", "DATA_003", "DATA_004", "DATA_005", "SYS_001")
    without = [code for code, known in CATALOGUE.items() if code.startswith(families) and not known.actions]

    assert without == ["RISK_007", "ORD_005"]


@pytest.mark.parametrize(("code", "action"), FILLED, ids=named)
def test_an_action_is_an_operation_with_variables_that_it_takes(code: str, action: RemediationAction) -> None:
    known = OPERATIONS[action.operation]
    definitions = parse(known.text).definitions[0].variable_definitions or ()  # type: ignore[attr-defined]
    coerced = get_variable_values(SCHEMA, definitions, dict(action.variables))

    assert not isinstance(coerced, list), coerced
    assert set(action.variables) <= {variable.name for variable in known.variables}
    is_dry_run = action.variables.get("dryRun") is True
    assert action.writes == (known.writes and not is_dry_run)
    assert action.scope is (Scope.READ if is_dry_run else known.scope)


@pytest.mark.parametrize(("code", "action"), FILLED, ids=named)
def test_an_action_is_carried_out_as_it_is(
    request: pytest.FixtureRequest, code: str, action: RemediationAction
) -> None:
    api: Api = request.getfixturevalue("api" if action.writes else "shared_api")
    body = send(api, action.operation, dict(action.variables))

    assert "errors" not in body
    assert all(part is not None for part in body["data"].values())


def test_no_placeholder_is_left_unfilled() -> None:
    texts = [value for _, action in FILLED for value in action.variables.values() if isinstance(value, str)]

    assert "SPY" in texts
    assert [text for text in texts if text.startswith("{")] == []


def test_an_action_whose_value_is_missing_is_left_out() -> None:
    assert [action.operation for action in Fault("ORD_003", "c").semantic(now=NOW).actions] == ["positions"]


def test_a_write_that_is_offered_happens_once(api: Api) -> None:
    action = Fault("BOT_004", "c").semantic(now=NOW).actions[-1]
    first, again = (send(api, action.operation, dict(action.variables))["data"]["botPause"] for _ in range(2))

    assert (first["replayed"], again["replayed"]) == (False, True)
    assert first["command"] == again["command"]


def test_an_unknown_bot_is_found_by_the_list_that_its_remedy_gives(api: Api) -> None:
    (error,) = api.post('{ botSummary(botId: "other") { seq } }').json()["errors"]
    (action,) = error["extensions"]["actions"]
    bot_id = send(api, action["operation"], action["variables"])["data"]["bots"][0]["id"]

    assert error["extensions"]["errorCode"] == "BOT_001"
    answer = api.data("query($id: ID) { botSummary(botId: $id) { runState } }", {"id": bot_id})
    assert answer["botSummary"] == {"runState": "RUNNING"}


def test_a_lost_place_in_the_stream_is_found_again_by_the_state_that_its_remedy_gives(api: Api) -> None:
    (error,) = send(api, "changes", {"afterSeq": 10**9})["errors"]
    (action,) = error["extensions"]["actions"]
    seq = send(api, action["operation"], action["variables"])["data"]["botState"]["seq"]

    assert error["extensions"]["errorCode"] == "DATA_006"
    assert send(api, "changes", {"afterSeq": seq}) == {"data": {"changes": []}}


def test_a_key_that_may_not_sees_what_it_may(api: Api) -> None:
    token = api.key(Scope.READ)
    sent = {"reason": "r", "idempotencyKey": "k"}
    (error,) = send(api, "botPause", sent, token=token)["errors"]
    (action,) = error["extensions"]["actions"]

    assert error["extensions"]["errorCode"] == "AUTH_002"
    assert send(api, action["operation"], action["variables"], token=token)["data"]["viewer"]["scope"] == "READ"


def test_a_write_without_a_token_is_carried_out_with_the_one_that_its_remedy_gives(api: Api) -> None:
    asked = {"onStop": "FLATTEN", "reason": "end of the day", "idempotencyKey": "k1"}
    (error,) = send(api, "botStop", asked)["errors"]
    (action,) = error["extensions"]["actions"]
    preview = send(api, action["operation"], action["variables"])["data"]["botStop"]["preview"]
    done = send(api, "botStop", {**asked, "confirmToken": preview["confirmToken"]})["data"]["botStop"]

    assert error["extensions"]["errorCode"] == "QRY_008"
    assert (done["command"]["kind"], done["errors"]) == ("STOP", [])


@pytest.mark.anyio
async def test_a_command_that_does_not_fit_names_the_one_that_does(home: Path) -> None:
    async with scripted_bot(home, [bar(index, "100") for index in range(10)]) as bot:
        await bot.bar()
        bot.command(CommandKind.PAUSE)
        await bot.bar()
        refused = bot.command(CommandKind.START)
        await bot.bar()
        error = bot.told(refused).error
        assert error is not None
        actions = {action.operation: action for action in error.actions}
        serving = Serving(
            home, StandingClock(datetime.now(UTC))
        )  # the bot runs on the real clock, and lets old commands expire
        try:
            resumed = send(serving.api, "botResume", dict(actions["botResume"].variables))["data"]["botResume"]
            await bot.bar()
            state = bot.bot.loop.run_state
        finally:
            serving.stop()

        assert (bot.told(refused).status, error.error_code) == (CommandStatus.FAILED, "BOT_003")
        assert list(actions) == ["botHealth", "botResume", "botStart"]
        assert bot.told(resumed["command"]["id"]).status is CommandStatus.DONE
        assert state is RunState.RUNNING


def send(api: Api, operation: str, variables: dict[str, Any], *, token: str | None = None) -> Any:
    body = {"documentId": operation, "variables": variables}
    return api.call("POST", "/graphql", json=body, headers={"X-API-Key": token or api.token}).json()
