"""Closing positions, cancelling orders, resetting the breaker, acknowledging errors: what is refused, what is foretold, what is stored."""

from dataclasses import replace
from typing import Any

import pytest

from tests.api.client import Api
from tests.api.test_writes import action, stored, version
from tests.fakes.seeded_trades import HELD, LOSS, client_id, plan_of
from trading_bot.domain.errors import Scope
from trading_bot.domain.orders import Leg
from trading_bot.store import errors, plans
from trading_bot.store.outbox import list_outbox

CLOSE = "mutation($input: PositionsCloseInput!) { write: positionsClose(input: $input) { ...All } }"
CANCEL = "mutation($input: OrdersCancelInput!) { write: ordersCancel(input: $input) { ...All } }"
RESET = "mutation($input: BotActionInput!) { write: circuitBreakerReset(input: $input) { ...All } }"
ALL = """ fragment All on CommandPayload {
  command { kind status parameters } preview { summary effects risk confirmToken } errors { errorCode cause } replayed
}"""
ACKNOWLEDGE = """mutation($input: ErrorAcknowledgeInput!) { errorAcknowledge(input: $input) {
  acknowledged { errorCode acknowledgedAt } preview { effects risk confirmToken } errors { errorCode cause } replayed
} }"""
SMALL = """mutation($input: ErrorAcknowledgeInput!) { errorAcknowledge(input: $input) {
  acknowledged { id } preview { effects risk } errors { errorCode }
} }"""
RESTING = client_id(HELD, Leg.EXIT)


def test_closing_says_what_is_sold_and_needs_its_token(api: Api) -> None:
    wanted = {**action(), "symbols": ["SPY"]}
    preview = write(api, CLOSE, {**wanted, "dryRun": True})["preview"]
    unconfirmed = api.codes(CLOSE + ALL, {"input": wanted})
    done = write(api, CLOSE, {**wanted, "confirmToken": preview["confirmToken"]})

    assert preview["risk"] == "HIGH"
    assert preview["effects"] == [
        "Run state now: RUNNING.",
        "10 SPY are sold at the market, last price 171.00; 1 live orders on it are cancelled or end with the exit.",
    ]
    assert unconfirmed == ["QRY_008"]
    assert done["command"] == {"kind": "CLOSE_POSITIONS", "status": "PENDING", "parameters": {"symbols": ["SPY"]}}


def test_a_token_for_one_symbol_closes_no_other(api: Api) -> None:
    with api.store.writing("main") as w:
        plans.save_plan(w, replace(plan_of(HELD, "BAC"), id="another"))
    token = write(api, CLOSE, {**action(), "symbols": ["SPY"], "dryRun": True})["preview"]["confirmToken"]
    both = {**action(), "symbols": ["SPY", "BAC"], "confirmToken": token}

    assert api.codes(CLOSE + ALL, {"input": both}) == ["QRY_009"]
    assert stored(api) == ()


def test_a_position_that_is_not_there_is_named(api: Api) -> None:
    before = version(api)
    for dry_run in (True, False):
        refused = write(api, CLOSE, {**action(), "symbols": ["SPY", "APPL"], "dryRun": dry_run})
        assert refused["errors"] == [
            {"errorCode": "QRY_005", "cause": "There is no position or open plan `APPL`; there is SPY."}
        ]

    assert (version(api), stored(api)) == (before, ())


def test_cancelling_an_order_that_closes_a_position_is_of_high_risk(api: Api) -> None:
    wanted = {**action(), "orderIds": [RESTING]}
    preview = write(api, CANCEL, {**wanted, "dryRun": True})["preview"]

    assert (preview["risk"], preview["effects"][1]) == (
        "HIGH",
        "SELL 10 SPY (ACCEPTED) is cancelled; it was to close a position, whose stop and target stay watched.",
    )
    assert api.codes(CANCEL + ALL, {"input": wanted}) == ["QRY_008"]
    assert write(api, CANCEL, {**wanted, "confirmToken": preview["confirmToken"]})["command"]["parameters"] == {
        "orderIds": [RESTING]
    }


def test_cancelling_what_has_ended_is_of_medium_risk_and_needs_no_token(api: Api) -> None:
    ended = {**action(), "orderIds": [f"V-{LOSS}-E"]}
    preview = write(api, CANCEL, {**ended, "dryRun": True})["preview"]
    done = write(api, CANCEL, ended, token=api.key(Scope.OPERATE))

    assert (preview["risk"], preview["confirmToken"], preview["effects"][1]) == (
        "MEDIUM",
        None,
        "BUY 100 IBM (FILLED) has ended and stays as it is.",
    )
    assert done["command"]["kind"] == "CANCEL_ORDERS"


def test_an_order_that_is_not_there_is_named(api: Api) -> None:
    (error,) = write(api, CANCEL, {**action(), "orderIds": ["bg-main-nothing"]})["errors"]

    assert error == {"errorCode": "QRY_005", "cause": f"There is no order `bg-main-nothing`; there is {RESTING}."}
    assert stored(api) == ()


def test_a_reset_is_of_high_risk_and_says_what_tripped(api: Api) -> None:
    preview = write(api, RESET, {**action(), "dryRun": True})["preview"]
    done = write(api, RESET, {**action(), "confirmToken": preview["confirmToken"]})

    assert (preview["risk"], preview["effects"]) == (
        "HIGH",
        ["Run state now: RUNNING.", "The breaker is not tripped: the bot will refuse."],
    )
    assert done["command"]["kind"] == "RESET_BREAKER"


@pytest.mark.parametrize("scope", [Scope.READ, Scope.OPERATE])
def test_what_may_cost_money_needs_an_admin(api: Api, scope: Scope) -> None:
    before, token = version(api), api.key(scope)
    for text, more in ((CLOSE, {"symbols": ["SPY"]}), (CANCEL, {"orderIds": [RESTING]}), (RESET, {})):
        preview = write(api, text, {**action(), **more, "dryRun": True}, token=token)["preview"]
        sent = {**action(), **more, "confirmToken": preview["confirmToken"]}
        assert api.codes(text + ALL, {"input": sent}, token=token) == ["AUTH_002"]

    assert (version(api), stored(api)) == (before, ())


@pytest.mark.parametrize("names", [[], ["SPY"] * 51, [""], ["  "], ["A" * 129]])
def test_names_are_one_to_fifty_and_none_is_blank(api: Api, names: list[str]) -> None:
    before = version(api)
    for text, field in ((CLOSE + ALL, "symbols"), (CANCEL + ALL, "orderIds"), (ACKNOWLEDGE, "errorIds")):
        assert api.codes(text, {"input": {**action(), field: names}}) == ["QRY_004"]

    assert version(api) == before


def test_errors_are_acknowledged_once(api: Api) -> None:
    ids = error_ids(api)
    wanted = {**action(), "errorIds": ids}
    first = acknowledge(api, wanted)
    api.clock.advance(60)
    again = acknowledge(api, wanted)
    later = acknowledge(api, {**wanted, "idempotencyKey": "another"})

    seen = [{"errorCode": code, "acknowledgedAt": "2026-03-02T12:00:00Z"} for code in ("ORD_001", "DATA_004")]
    assert (first["acknowledged"], first["replayed"]) == (seen, False)
    assert (again["acknowledged"], again["replayed"]) == (seen, True)
    assert (later["acknowledged"], later["replayed"]) == (seen, False)
    assert api.data("{ errors(filter: {acknowledged: false}) { edges { cursor } } }") == {"errors": {"edges": []}}
    events = api.data("{ changes(afterSeq: 4) { kind summary data } }")["changes"]
    assert [(event["kind"], event["data"]["errorCode"]) for event in events] == [
        ("ERROR", "ORD_001"),
        ("ERROR", "DATA_004"),
    ]


def test_an_acknowledgement_stands_in_the_log_with_who_and_why(api: Api) -> None:
    ids = error_ids(api)[:1]
    acknowledge(api, {**action(), "errorIds": ids})
    with api.store.reading("main") as r:
        line = list_outbox(r, 100)[-1]
        known = errors.find_error(r, ids[0])

    assert known is not None
    assert (line.stream, line.record["id"], line.record["acknowledged_at"]) == (
        "errors",
        ids[0],
        "2026-03-02T12:00:00+00:00",
    )
    assert line.record["acknowledged_because"] == action()["reason"]
    assert line.record["acknowledged_by"]


def test_acknowledging_can_be_looked_at_first(api: Api) -> None:
    before = version(api)
    wanted = {"input": {**action(), "errorIds": error_ids(api), "dryRun": True}}

    assert api.data(SMALL, wanted, token=api.key(Scope.READ))["errorAcknowledge"] == {
        "acknowledged": [],
        "preview": {
            "effects": ["ORD_001: The venue rejected an order", "DATA_004: The venue could not be read"],
            "risk": "LOW",
        },
        "errors": [],
    }
    assert version(api) == before


def test_an_error_that_is_not_there_is_named_and_none_is_acknowledged(api: Api) -> None:
    before = version(api)
    refused = acknowledge(api, {**action(), "errorIds": [*error_ids(api), "nothing"]})

    assert refused["errors"] == [{"errorCode": "QRY_005", "cause": "No error of that bot has the id `nothing`."}]
    assert (refused["acknowledged"], version(api)) == ([], before)


def test_acknowledging_needs_a_key_that_may_operate(api: Api) -> None:
    wanted = {"input": {**action(), "errorIds": error_ids(api)}}

    assert api.codes(SMALL, wanted, token=api.key(Scope.READ)) == ["AUTH_002"]
    assert api.data(SMALL, wanted, token=api.key(Scope.OPERATE))["errorAcknowledge"]["errors"] == []


def test_a_key_that_stands_for_another_write_is_refused(api: Api) -> None:
    ids = error_ids(api)
    acknowledge(api, {**action(), "errorIds": ids[:1]})
    (error,) = acknowledge(api, {**action(), "errorIds": ids})["errors"]

    assert error["errorCode"] == "QRY_007"


def write(api: Api, text: str, given: dict[str, Any], **rest: Any) -> Any:
    return api.data(text + ALL, {"input": given}, **rest)["write"]


def acknowledge(api: Api, given: dict[str, Any], **rest: Any) -> Any:
    return api.data(ACKNOWLEDGE, {"input": given}, **rest)["errorAcknowledge"]


def error_ids(api: Api) -> list[str]:
    found = api.data("{ errors { edges { node { id } } } }")["errors"]["edges"]
    return [edge["node"]["id"] for edge in found]
