"""The configuration over the graph: its values, plans that write nothing, versions and what differs between them."""

from typing import Any

import orjson
import sqlalchemy as sa

from tests.api.client import Api
from tests.fakes.seeded_trades import CONFIG
from trading_bot.domain.errors import Scope
from trading_bot.services.config_fields import schema_bytes
from trading_bot.services.configuration import config_hash, config_values
from trading_bot.store import configs
from trading_bot.store.tables import metadata

PLAN = """query($patch: JSON!) { configPlan(input: { patch: $patch }) {
  baseVersion valid risk riskReasons effects loosened restart needsFlat planToken
  errors { errorCode cause context actions { operation variables writes scope } }
  diff { path before after description }
} }"""


def everything(api: Api) -> dict[str, list[Any]]:
    with api.store.reading("main") as r:
        return {table.name: list(r.connection.execute(sa.select(table)).all()) for table in metadata.sorted_tables}


def planned(api: Api, patch: Any, **rest: Any) -> dict[str, Any]:
    found: dict[str, Any] = api.data(PLAN, {"patch": patch}, **rest)["configPlan"]
    return found


def test_the_configuration_has_every_key_and_where_its_schema_is(shared_api: Api) -> None:
    found = shared_api.data("{ config { botId version values schemaUrl user adoption { status at detail } } }")[
        "config"
    ]

    assert (found["botId"], found["version"], found["user"]) == ("main", 1, "system")
    assert found["values"] == config_values(CONFIG)
    assert list(found["values"]) == list(config_values(CONFIG))
    assert found["adoption"] == {"status": "ADOPTED", "at": "2026-03-02T12:00:00Z", "detail": None}
    answer = shared_api.call("GET", found["schemaUrl"], headers={"X-API-Key": shared_api.token})
    assert answer.content == schema_bytes()
    assert answer.headers["Content-Type"] == "application/schema+json"


def test_a_version_that_does_not_exist_is_null(shared_api: Api) -> None:
    assert shared_api.data("{ config(version: 9) { version } }") == {"config": None}
    assert shared_api.codes("{ configDiff(fromVersion: 1, toVersion: 9) { path } }") == ["QRY_005"]


def test_a_plan_says_what_a_change_would_do_and_writes_nothing(api: Api) -> None:
    before = everything(api)
    plan = planned(api, {"risk": {"max_open_positions": 12}, "symbols": ["SPY"]}, token=api.key(Scope.READ))
    after = everything(api)

    assert plan["planToken"].startswith("pt_")
    assert {**plan, "planToken": None} == {
        "baseVersion": 1,
        "valid": True,
        "risk": "HIGH",
        "riskReasons": ["risk.max_open_positions is loosened from 10 to 12.", "Other symbols are traded."],
        "effects": [
            "No more entries on BAC, IBM.",
            "The new limits hold for entries from the next bar on; exits are never refused, open plans keep their stops.",
        ],
        "loosened": ["risk.max_open_positions"],
        "restart": [],
        "needsFlat": [],
        "planToken": None,
        "errors": [],
        "diff": [
            {
                "path": "symbols",
                "before": ["BAC", "IBM", "SPY"],
                "after": ["SPY"],
                "description": "What to trade, 1 to 50 symbols; empty takes every symbol that the venue has.",
            },
            {
                "path": "risk.max_open_positions",
                "before": 10,
                "after": 12,
                "description": "Plans open at the same time, 1 to 100.",
            },
        ],
    }
    assert {name for name in after if after[name] != before[name]} <= {"api_keys"}


def test_a_plan_that_is_not_valid_tells_everything_at_once_and_has_no_token(shared_api: Api) -> None:
    plan = planned(shared_api, {"risk": {"max_position_size_pct": 25, "daily_loss_limit": "1500"}, "mode": "live"})

    assert (plan["valid"], plan["planToken"], plan["diff"]) == (False, None, [])
    assert [
        (error["errorCode"], error["context"]["field"], error["context"]["suggestion"]) for error in plan["errors"]
    ] == [
        ("CFG_001", "mode", "LIVE"),
        ("CFG_001", "risk.daily_loss_limit", "-1500"),
        ("CFG_001", "risk.max_position_size_pct", 10.0),
    ]


def test_the_mended_change_of_a_refusal_can_be_sent_as_it_is(shared_api: Api) -> None:
    refused = planned(shared_api, {"risk": {"max_position_size_pct": 25}, "name": "Desk"})
    (action,) = refused["errors"][0]["actions"]
    answer = shared_api.call(
        "POST",
        "/graphql",
        json={"documentId": action["operation"], "variables": action["variables"]},
        headers={"X-API-Key": shared_api.token},
    ).json()

    assert (action["operation"], action["writes"], action["scope"]) == ("configPlan", False, "READ")
    assert answer["data"]["configPlan"]["valid"]
    assert [one["after"] for one in answer["data"]["configPlan"]["diff"]] == ["Desk", 10.0]


def test_a_plan_that_changes_nothing_has_no_token(shared_api: Api) -> None:
    plan = planned(shared_api, {})

    assert (plan["valid"], plan["planToken"], plan["effects"]) == (True, None, ["Nothing would change."])


def test_a_plan_is_never_kept_by_anybody(shared_api: Api) -> None:
    asked = {"query": PLAN, "variables": '{"patch": {"name": "x"}}'}
    headers = {"X-API-Key": shared_api.token, "If-None-Match": "*"}
    answer = shared_api.call("GET", "/graphql", params=asked, headers=headers)

    assert answer.json()["data"]["configPlan"]["planToken"].startswith("pt_")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert "ETag" not in answer.headers


def test_a_secret_in_a_patch_does_not_come_back(shared_api: Api) -> None:
    secret = "sk-proj-Zm9vYmFyYmF6cXV4MTIzNDU2"
    answer = shared_api.post(PLAN, {"patch": {"decider": {"key": secret}, "name": secret, "password": secret}})

    assert [error["errorCode"] for error in answer.json()["data"]["configPlan"]["errors"]] == ["CFG_021"] * 3
    assert secret.encode() not in answer.content


def test_what_differs_between_two_versions_is_told_by_path(api: Api) -> None:
    values = {**config_values(CONFIG), "name": "Desk"}
    with api.store.writing("main") as w:
        configs.save_config(w, version=2, values=values, config_hash=config_hash(values), user="k", reason="Name it.")

    there, back = (
        api.data("query($a: Int!, $b: Int!) { configDiff(fromVersion: $a, toVersion: $b) { path before after } }", pair)
        for pair in ({"a": 1, "b": 2}, {"a": 2, "b": 1})
    )

    assert there == {"configDiff": [{"path": "name", "before": "BotGraph", "after": "Desk"}]}
    assert back == {"configDiff": [{"path": "name", "before": "Desk", "after": "BotGraph"}]}
    assert api.codes("{ configDiff(fromVersion: 1, toVersion: 2, first: 0) { path } }") == ["QRY_004"]


def test_values_keep_the_order_of_their_keys_on_the_wire(shared_api: Api) -> None:
    raw = shared_api.post("{ config { values } }").content

    assert orjson.dumps(config_values(CONFIG)) in raw
