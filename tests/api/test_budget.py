"""Byte budget: no answer is larger than its key's, and what is offered in its place fits."""

import json
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from graphql import get_introspection_query, parse

from graph.guard import budget
from graph.guard.json import as_json
from graph.guard.limits import Limits
from graph.guard.picks import picks_of
from graph.schema import build_schema
from tests.api.client import Api
from tests.api.test_limits import quickest
from tests.api.test_reading import ROOTS
from trading_bot.domain.errors import Scope
from trading_bot.services.keys import ANSWER_BYTES

SCHEMA = build_schema()._schema
LIMITS = (300, 900, 3_000)
WRITE = """mutation($reason: String!) { botPause(input: {reason: $reason, idempotencyKey: "k"}) { command { id kind } replayed } }"""
RESUME = """mutation($reason: String!) { botResume(input: {reason: $reason, idempotencyKey: "k"}) {
  command { id kind reason outcome error { cause context } } preview { summary effects } errors { cause context } replayed } }"""


@cache
def of(api: Api, limit: int, scope: Scope = Scope.READ) -> str:
    """A key of that budget."""
    return api.keys.create(f"{limit} bytes", scope, max_response_bytes=limit)[1]


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("root", sorted(ROOTS))
def test_what_is_too_large_is_not_sent_and_the_narrower_document_fits(shared_api: Api, root: str, limit: int) -> None:
    query, token = "{ " + ROOTS[root] + " }", of(shared_api, limit)
    whole = shared_api.post(query)
    answer = shared_api.post(query, token=token)
    if "errors" not in answer.json():
        assert len(answer.content) <= limit
        assert list(answer.json()["data"][root]) == list(whole.json()["data"][root])
        return
    (error,) = answer.json()["errors"]
    context = error["extensions"]["context"]
    narrower = shared_api.post(context["narrower"], token=token)

    assert answer.json()["data"] is None
    assert error["extensions"]["errorCode"] == "QRY_027"
    assert (context["limit"], abs(context["bytes"] - len(whole.content)) < 60) == (limit, True)
    assert 1 <= len(context["heaviest"]) <= 5
    assert len(narrower.content) <= limit
    assert "errors" not in narrower.json()
    assert list(narrower.json()["data"]) == [root]


def test_the_default_budget_is_ten_kilobytes(shared_api: Api) -> None:
    assert ANSWER_BYTES == 10_240
    token = shared_api.key(Scope.READ)
    wide = (
        "{ trades(first: 100) { edges { node { "
        + " ".join(f"a{n}: decisionReasoning id" for n in range(30))
        + " } } } }"
    )
    answers = [shared_api.post(wide, token=token), shared_api.post("{ viewer { maxResponseBytes } }", token=token)]

    assert all(len(answer.content) <= 10_240 for answer in answers)
    assert answers[1].json() == {"data": {"viewer": {"maxResponseBytes": 10_240}}}


def test_the_strict_form_is_400_and_nothing_is_kept(shared_api: Api) -> None:
    headers = {"Accept": "application/graphql-response+json"}
    answer = shared_api.post("{ " + ROOTS["botState"] + " }", token=of(shared_api, 500), headers=headers)

    assert (answer.status_code, "data" in answer.json()) == (400, False)
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_narrower_document_goes_with_the_same_variables(shared_api: Api) -> None:
    query = """query T($n: Int!, $symbol: String, $from: DateTime, $all: Boolean!) {
      trades(first: $n, filter: {symbol: $symbol, from: $from}) { ...T pageInfo { hasNextPage } } viewer { name }
    }
    fragment T on TradeConnection { edges { node { id ... on Trade { symbol ...R @include(if: $all) } } } }
    fragment R on Trade { decisionReasoning fills { id price } indicatorsUsed }"""
    variables = {"n": 50, "from": "2013-01-01T00:00:00Z", "all": True}
    token = of(shared_api, 500)
    context = shared_api.post(query, variables, token=token).json()["errors"][0]["extensions"]["context"]
    narrower = shared_api.post(context["narrower"], variables, token=token)

    assert context["narrower"].startswith("query T($symbol:String$from:DateTime$all:Boolean!){trades(first:1 filter:")
    assert "$n" not in context["narrower"]
    assert "errors" not in narrower.json()
    assert len(narrower.content) <= 500


def test_each_answer_over_a_socket_is_bounded_and_a_subscription_goes_on(shared_api: Api) -> None:
    token = of(shared_api, 600)
    whole = ROOTS["botState"].removeprefix("botState")
    with shared_api.session(token) as socket:
        socket.subscribe("1", "{ botState" + whole + " }")
        refused = socket.receive()
        socket.subscribe("2", "subscription { botState(intervalSeconds: 1)" + whole + " }")
        ticks = [socket.receive() for _ in range(2)]
        narrower = ticks[0]["payload"]["errors"][0]["extensions"]["context"]["narrower"]
        socket.send({"type": "complete", "id": "2"})
        socket.subscribe("3", narrower)
        fitting = next(message for message in iter(socket.receive, None) if message["id"] == "3")

    assert (refused["type"], refused["payload"][0]["extensions"]["errorCode"]) == ("error", "QRY_027")
    assert [(tick["type"], tick["payload"]["data"]) for tick in ticks] == [("next", None), ("next", None)]
    assert [tick["payload"]["errors"][0]["extensions"]["errorCode"] for tick in ticks] == ["QRY_027", "QRY_027"]
    assert narrower.startswith("subscription{botState(intervalSeconds:1){")
    assert "errors" not in fitting["payload"]
    assert len(as_json(fitting["payload"])) <= 600


def test_introspection_alone_is_sent_whatever_the_budget(shared_api: Api) -> None:
    token = of(shared_api, 1_024)
    alone = shared_api.post(get_introspection_query(), token=token)
    mixed = shared_api.post("{ viewer { name } __schema { types { name description } } }", token=token).json()

    assert "errors" not in alone.json()
    assert len(alone.content) > 20_000
    assert mixed["errors"][0]["extensions"]["errorCode"] == "QRY_027"


@pytest.mark.parametrize("query", ["{ viewer { name } }", "{ " + ROOTS["botSummary"] + " }", "{ __typename }"])
def test_the_budget_is_told_to_the_byte_on_request_only(shared_api: Api, query: str) -> None:
    plain = shared_api.post(query)
    told = shared_api.post(query, extensions={"budget": True})

    assert "extensions" not in plain.json()
    assert told.json()["extensions"] == {"budget": {"used": len(told.content), "max": 1_048_576}}
    assert told.json()["data"] == plain.json()["data"]
    assert "extensions" not in shared_api.post(query, extensions={"budget": "yes"}).json()


def test_the_budget_is_told_over_a_socket_and_by_name_too(shared_api: Api) -> None:
    with shared_api.session() as socket:
        payload = {"query": "{ viewer { name } }", "extensions": {"budget": True}}
        socket.send({"type": "subscribe", "id": "1", "payload": payload})
        over_a_socket = socket.receive()["payload"]
    body = {"documentId": "viewer", "extensions": {"budget": True}}
    by_name = shared_api.call("POST", "/graphql", json=body, headers={"X-API-Key": shared_api.token})

    assert over_a_socket["extensions"]["budget"]["used"] == len(as_json(over_a_socket))
    assert by_name.json()["extensions"]["budget"]["used"] == len(by_name.content)


@pytest.mark.parametrize("digits", range(1, 6))
def test_what_is_told_counts_its_own_digits(digits: int) -> None:
    for length in range(10**digits - 80, 10**digits + 3):
        body = budget.told(as_json({"data": "x" * max(length, 0)}), 10_240)

        assert json.loads(body)["extensions"]["budget"]["used"] == len(body)


def test_every_answer_is_compact_json(shared_api: Api) -> None:
    for query in ("{ " + ROOTS["trades"] + " }", "{ nonsense }", "{ viewer { name } }"):
        raw = shared_api.post(query).content

        assert raw == json.dumps(json.loads(raw), separators=(",", ":"), ensure_ascii=False).encode()


def test_a_write_whose_answer_might_not_fit_is_not_begun(api: Api) -> None:
    token = of(api, 1_500, Scope.OPERATE)
    before = version(api)
    error = api.post(RESUME, {"reason": "r"}, token=token).json()["errors"][0]["extensions"]
    unchanged = version(api)
    narrower = api.post(error["context"]["narrower"], {"reason": "r"}, token=token)

    assert (error["errorCode"], error["impact"], unchanged) == ("QRY_027", "Nothing was changed.", before)
    assert (error["context"]["limit"], error["context"]["bytes"] > 1_500) == (1_500, True)
    assert {"field": "botResume.command", "bytes": error["context"]["heaviest"][0]["bytes"]} in error["context"][
        "heaviest"
    ]
    assert narrower.json()["data"]["botResume"] is not None
    assert len(narrower.content) <= 1_500
    assert version(api) > before


def test_a_write_that_ran_is_always_answered_and_a_pause_is_never_held_up(api: Api) -> None:
    token = of(api, 60, Scope.OPERATE)
    answer = api.post(WRITE, {"reason": "r"}, token=token)

    assert answer.json()["data"]["botPause"]["command"]["kind"] == "PAUSE"
    assert len(answer.content) > 60


def test_a_write_selected_whole_fits_the_default_budget(api: Api) -> None:
    query = """mutation { botResume(input: {reason: "r", idempotencyKey: "k"}) {
      command { id kind status user reason createdAt executedAt outcome error { errorCode cause remediation } }
      errors { errorCode message cause impact remediation context } replayed } }"""

    assert api.data(query, token=api.key(Scope.OPERATE))["botResume"]["replayed"] is False


def test_the_heaviest_fields_are_those_worth_leaving_out() -> None:
    text = "{ trades { edges { node { id decisionReasoning fills { price } indicatorsUsed } } } viewer { name } }"
    node = {
        "id": "1" * 36,
        "decisionReasoning": "x" * 300,
        "fills": [{"price": "1.00"}] * 20,
        "indicatorsUsed": ["vwap"],
    }
    body = {"data": {"trades": {"edges": [{"node": node}] * 10}, "viewer": {"name": "n"}}}
    refusal = refused(text, body, 3_000)

    assert refusal.heaviest == [
        {"field": "trades.edges.node.fills", "bytes": 3_710},
        {"field": "trades.edges.node.decisionReasoning", "bytes": 3_230},
        {"field": "trades.edges.node.id", "bytes": 440},
        {"field": "trades.edges.node.indicatorsUsed", "bytes": 260},
        {"field": "viewer", "bytes": 23},
    ]
    assert refusal.narrower == (
        "{trades(first:3){edges{node{id decisionReasoning fills{price}indicatorsUsed}}}viewer{name}}"
    )


@pytest.mark.parametrize(
    ("text", "data", "narrower"),
    [
        ("{ viewer { name } }", {"viewer": {"name": "x" * 500}}, None),
        ("{ viewer { name scope } }", {"viewer": {"name": "x" * 500, "scope": "READ"}}, "{viewer{scope}}"),
        ("{ a: viewer { name } b: viewer { scope } }", {"a": {"name": "x" * 500}, "b": {"scope": "READ"}}, "{b:viewer{scope}}"),
        ("{ bots(first: 9) { id name } }", {"bots": [{"id": "a" * 8, "name": "n" * 20}] * 9}, "{bots(first:4){id name}}"),
        ("{ bots { id name } }", {"bots": [{"id": "a", "name": "n" * 900}] * 9}, "{bots(first:1){id}}"),
        (
            "{ ... on Query { viewer { ...V } } } fragment V on Viewer { name scope }",
            {"viewer": {"name": "x" * 500, "scope": "READ"}},
            "{viewer{scope}}",
        ),
        (
            "{ viewer { ... @include(if: true) { name scope } } }",
            {"viewer": {"name": "x" * 500, "scope": "READ"}},
            "{viewer{...@include(if:true){scope}}}",
        ),
        (
            "{ botState { positions(first: 5) { symbol } orders { symbol } } }",
            {"botState": {"positions": [{"symbol": "s" * 30}] * 5, "orders": [{"symbol": "o" * 40}] * 9}},
            "{botState{positions(first:3){symbol}orders(first:1){symbol}}}",
        ),
    ],
)  # fmt: skip
def test_lists_are_shortened_first_and_then_the_heaviest_fields_dropped(
    text: str, data: dict[str, Any], narrower: str | None
) -> None:
    assert refused(text, {"data": data}, 280).narrower == narrower


def test_a_refusal_is_itself_bounded() -> None:
    text = "{ " + " ".join(f"a{n}: bots(first: 9) {{ id name }}" for n in range(20)) + " }"
    data = {f"a{n}": [{"id": "a", "name": "é" * 99}] * 9 for n in range(20)}
    refusal = refused(text, {"data": data}, 1_024)
    entry = {"message": "m", "extensions": {"context": {"limit": 1_024}, "cause": "c" * 3_000}}
    complete = refusal.completed(entry, 1_024)

    assert len(as_json({"errors": [complete]})) <= 4_096
    assert complete["extensions"]["context"]["heaviest"] == refusal.heaviest


def test_a_document_that_fits_is_left_out_where_it_is_too_long_itself() -> None:
    text = (
        "{ "
        + " ".join(f'a{n}: trades(first: 9, after: "{"x" * 600}") {{ edges {{ cursor }} }}' for n in range(20))
        + " }"
    )
    data = {f"a{n}": {"edges": [{"cursor": "c" * 50}] * 9} for n in range(20)}
    refusal = refused(text, {"data": data}, 1_024)
    entry = {"message": "m", "extensions": {"context": {"limit": 1_024}}}
    context = refusal.completed(entry, 1_024)["extensions"]["context"]
    roomy = refusal.completed(entry, 10_240)["extensions"]["context"]

    assert len(refusal.narrower or "") > 4_096
    assert context == {"limit": 1_024, "heaviest": refusal.heaviest}
    assert roomy == {**context, "narrower": refusal.narrower}


def test_the_refusal_of_the_largest_answer_takes_little_time() -> None:
    """18,000 fields in twenty lists; to shorten one after the other, weighing all anew each time, took ten times as long."""
    fields = "id timestamp symbol action quantity price totalValue orderId"
    text = "{ " + " ".join(f"r{n}: trades(first: 100) {{ edges {{ node {{ {fields} }} }} }}" for n in range(20)) + " }"
    node = dict.fromkeys(fields.split(), "x" * 20)
    body = {"data": {f"r{n}": {"edges": [{"node": node}] * 100} for n in range(20)}}
    narrower = refused(text, body, 10_240).narrower or ""

    assert (narrower.count("trades(first:1){"), narrower.count("trades(first:13){")) == (19, 1)
    assert quickest(lambda: refused(text, body, 10_240), of=3) < 0.25


def test_the_example_of_the_documentation_goes_as_it_says(api: Api) -> None:
    section = (Path(__file__).parents[2] / "docs" / "api.md").read_text().split("## Limits\n")[1].split("\n## ")[0]
    query, context = (section.split(f"```{kind}\n")[1].split("```")[0] for kind in ("graphql", "jsonc"))
    error = api.post(query, token=of(api, 600)).json()["errors"][0]["extensions"]

    assert error["context"] == json.loads(context.split("\n", 1)[1])


@pytest.mark.parametrize(("limit", "value"), [(name, str(value)) for name, value in asdict(Limits()).items()], ids=str)
def test_every_limit_is_documented(limit: str, value: str) -> None:
    section = (Path(__file__).parents[2] / "docs" / "api.md").read_text().split("## Limits\n")[1].split("\n## ")[0]

    assert f"{int(value):,}" in section, limit


def refused(text: str, body: dict[str, Any], limit: int) -> budget.Refusal:
    tree = parse(text)
    operation: Any = tree.definitions[0]
    refusal = budget.of_answer(SCHEMA, tree, operation, body, limit)
    if refusal.narrower is not None:
        picks_of(SCHEMA, parse(refusal.narrower), parse(refusal.narrower).definitions[0])  # type: ignore[arg-type]
    return refusal


def version(api: Api) -> int:
    with api.store.reading("main") as r:
        return r.version()
