"""Writes of risk HIGH: run only with the token of a dry run of the same input by the same key, once, within 120 seconds."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from tests.api.client import Api, Serving
from tests.api.test_writes import action, close_plan, stored, version
from tests.fakes.seeded_trades import HELD, held, plan_of, resting_of
from trading_bot.domain.errors import Scope
from trading_bot.domain.orders import Leg
from trading_bot.store import orders, plans, positions

STOP = """mutation($input: BotStopInput!) { botStop(input: $input) {
  command { id kind status reason } preview { risk confirmToken expiresAt } errors { errorCode } replayed
} }"""
PAUSE = "mutation($input: BotActionInput!) { botPause(input: $input) { command { kind } errors { errorCode } } }"


def test_a_dry_run_of_high_risk_gives_a_token_that_carries_the_write_out(api: Api) -> None:
    preview = dry_run(api)
    payload = api.data(STOP, {"input": {**flatten(), "confirmToken": preview["confirmToken"]}})["botStop"]

    assert preview["risk"] == "HIGH"
    assert preview["expiresAt"] == "2026-03-02T12:02:00Z"
    assert (payload["command"]["kind"], payload["errors"], payload["replayed"]) == ("STOP", [], False)
    assert [command.parameters for command in stored(api)] == [{"onStop": "FLATTEN"}]


def test_a_write_of_high_risk_without_a_token_is_told_how_to_get_one(api: Api) -> None:
    before = version(api)
    (error,) = api.post(STOP, {"input": flatten()}).json()["errors"]

    assert error["extensions"]["errorCode"] == "QRY_008"
    assert error["extensions"]["actions"] == [
        {
            "title": "See what it would do, and get a confirm token",
            "operation": "botStop",
            "variables": {**flatten(), "dryRun": True},
            "scope": "READ",
            "writes": False,
        }
    ]
    assert (version(api), stored(api)) == (before, ())


def test_a_write_of_lower_risk_gets_and_needs_no_token(api: Api) -> None:
    close_plan(api)
    keep = {**action(), "onStop": "KEEP_EVERYTHING"}
    preview = api.data(STOP, {"input": {**keep, "dryRun": True}})["botStop"]["preview"]

    assert preview == {"risk": "MEDIUM", "confirmToken": None, "expiresAt": None}
    assert api.data(STOP, {"input": {**keep, "confirmToken": "left over"}})["botStop"]["command"]["kind"] == "STOP"


def test_a_pause_needs_no_token_whatever_is_sent_as_one(api: Api) -> None:
    for number, token in enumerate([None, "", "nonsense", dry_run(api)["confirmToken"]]):
        sent = {**action(), "idempotencyKey": f"k{number}", "confirmToken": token}
        assert api.data(PAUSE, {"input": sent})["botPause"] == {"command": {"kind": "PAUSE"}, "errors": []}


def test_a_token_is_good_for_one_write(api: Api) -> None:
    token = dry_run(api)["confirmToken"]
    sent = {**flatten(), "confirmToken": token}
    api.data(STOP, {"input": sent})

    assert refused(api, {**sent, "idempotencyKey": "another"}) == (
        "QRY_009",
        "The token was used for another write; each is good for one.",
    )
    assert len(stored(api)) == 1


def test_a_token_expires(api: Api) -> None:
    token = dry_run(api)["confirmToken"]
    api.clock.advance(120)

    assert refused(api, {**flatten(), "confirmToken": token}) == (
        "QRY_009",
        "The token expired 0 s ago; it is good for 120 s.",
    )


@pytest.mark.parametrize("other", [{"reason": "another reason"}, {"onStop": "CANCEL_ORDERS"}, {"botId": "main"}])
def test_a_token_is_good_for_the_same_input_only(api: Api, other: dict[str, str]) -> None:
    token = dry_run(api)["confirmToken"]

    code, cause = refused(api, {**flatten(), **other, "confirmToken": token})
    assert (code, cause) == ("QRY_009", "The token is not from a dry run of just this input by this key.")


def test_a_token_is_good_for_another_idempotency_key(api: Api) -> None:
    sent = {**flatten(), "idempotencyKey": "chosen later", "confirmToken": dry_run(api)["confirmToken"]}

    assert api.data(STOP, {"input": sent})["botStop"]["replayed"] is False


def test_a_token_is_good_for_the_key_that_it_was_given_to_only(api: Api) -> None:
    token = dry_run(api)["confirmToken"]

    assert refused(api, {**flatten(), "confirmToken": token}, token=api.key(Scope.ADMIN))[0] == "QRY_009"


def test_an_operator_gets_a_token_and_may_still_not_use_it(api: Api) -> None:
    key = api.key(Scope.OPERATE)
    token = dry_run(api, token=key)["confirmToken"]

    assert refused(api, {**flatten(), "confirmToken": token}, token=key)[0] == "AUTH_002"


def test_a_write_that_was_carried_out_is_looked_up_without_or_with_an_old_token(api: Api) -> None:
    sent = {**flatten(), "confirmToken": dry_run(api)["confirmToken"]}
    first = api.data(STOP, {"input": sent})["botStop"]
    api.clock.advance(3600)
    again = [
        api.data(STOP, {"input": {**sent, "confirmToken": token}})["botStop"]
        for token in (sent["confirmToken"], None, "nonsense")
    ]

    assert [payload["replayed"] for payload in again] == [True] * 3
    assert [payload["command"] for payload in again] == [first["command"]] * 3
    assert len(stored(api)) == 1


def test_a_key_is_forgotten_after_24_hours(api: Api) -> None:
    api.data(PAUSE, {"input": action()})
    api.clock.advance(24 * 3600 - 1)
    api.data(PAUSE, {"input": action()})
    assert len(stored(api)) == 1

    api.clock.advance(1)
    api.data(PAUSE, {"input": action()})
    assert len(stored(api)) == 2


def test_the_risk_is_that_of_the_moment_of_the_write(api: Api) -> None:
    close_plan(api)
    keep = {**action(), "onStop": "KEEP_EVERYTHING"}
    assert api.data(STOP, {"input": {**keep, "dryRun": True}})["botStop"]["preview"]["risk"] == "MEDIUM"
    with api.store.writing("main") as w:
        plans.save_plan(w, plan_of(HELD, "SPY"))

    assert api.codes(STOP, {"input": keep}) == ["QRY_008"]
    assert stored(api) == ()


def test_a_token_outlives_a_restart_of_the_api(api: Api) -> None:
    sent = {**flatten(), "confirmToken": dry_run(api)["confirmToken"]}
    again = Serving(api.home, api.clock)
    try:
        assert again.api.data(STOP, {"input": sent}, token=api.token)["botStop"]["command"]["kind"] == "STOP"
    finally:
        again.stop()


def test_many_at_once_do_it_once(api: Api) -> None:
    sent = {**flatten(), "confirmToken": dry_run(api)["confirmToken"]}
    with ThreadPoolExecutor(8) as threads:
        same = list(threads.map(lambda _: api.data(STOP, {"input": sent})["botStop"], range(8)))
        other = list(threads.map(lambda n: refused(api, {**sent, "idempotencyKey": f"k{n}"})[0], range(8)))

    assert sorted(payload["replayed"] for payload in same) == [False] + [True] * 7
    assert other == ["QRY_009"] * 8
    assert len(stored(api)) == 1


def flatten() -> dict[str, Any]:
    return {**action(), "onStop": "FLATTEN"}


def dry_run(api: Api, **rest: Any) -> dict[str, Any]:
    """The preview of the stop that flattens."""
    preview: dict[str, Any] = api.data(STOP, {"input": {**flatten(), "dryRun": True}}, **rest)["botStop"]["preview"]
    return preview


def refused(api: Api, input: dict[str, Any], **rest: Any) -> tuple[str, str]:
    """Code and cause of a stop that is refused, and stores nothing."""
    before = stored(api)
    (error,) = api.post(STOP, {"input": input}, **rest).json()["errors"]
    assert stored(api) == before
    return error["extensions"]["errorCode"], error["extensions"]["cause"]


HIGH: dict[str, dict[str, Any]] = {
    "positionsClose": {"symbols": ["SPY"]},
    "ordersCancel": {"orderIds": [f"V-{HELD}-{Leg.EXIT.value}"]},
    "circuitBreakerReset": {},
    "botStop": {"onStop": "KEEP_EVERYTHING"},
}
"""Writes that are of risk HIGH on the demo bot, which holds SPY under a plan with a resting target."""


@pytest.mark.parametrize("name", HIGH)
def test_closing_cancelling_protection_resetting_and_stopping_under_a_plan_need_a_token(api: Api, name: str) -> None:
    asked = {**action(), **HIGH[name]}
    without = named(api, name, asked)
    preview = named(api, name, {**asked, "dryRun": True})["data"][name]["preview"]
    with_token = named(api, name, {**asked, "confirmToken": preview["confirmToken"]})

    assert [error["extensions"]["errorCode"] for error in without["errors"]] == ["QRY_008"]
    assert without["data"] == {name: None}
    assert preview["risk"] == "HIGH"
    assert with_token["data"][name]["errors"] == []
    assert len(stored(api)) == 1


def test_cancelling_an_entry_needs_no_token(api: Api) -> None:
    entry = replace(resting_of(plan_of(HELD, "SPY")), leg=Leg.ENTRY, client_order_id="entry-1", venue_order_id="V-1")
    with api.store.writing("main") as w:
        orders.save_order(w, entry)
    done = named(api, "ordersCancel", {**action(), "orderIds": ["V-1"]})

    assert done["data"]["ordersCancel"]["errors"] == []
    assert [command.kind.name for command in stored(api)] == ["CANCEL_ORDERS"]


def test_a_write_is_looked_up_also_when_what_it_named_is_gone(api: Api) -> None:
    asked = {**action(), "symbols": ["SPY"]}
    preview = named(api, "positionsClose", {**asked, "dryRun": True})["data"]["positionsClose"]["preview"]
    first = named(api, "positionsClose", {**asked, "confirmToken": preview["confirmToken"]})["data"]["positionsClose"]
    close_plan(api)
    with api.store.writing("main") as w:
        positions.save_position(w, replace(held(), lots=()))
    again = named(api, "positionsClose", asked)["data"]["positionsClose"]

    assert (first["replayed"], again["replayed"]) == (False, True)
    assert again["command"] == first["command"]


def named(api: Api, name: str, variables: dict[str, Any]) -> Any:
    """The answer to a named operation."""
    body = {"documentId": name, "variables": variables}
    return api.call("POST", "/graphql", json=body, headers={"X-API-Key": api.token}).json()
