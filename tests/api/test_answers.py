"""An answer is given again exactly as long as nothing that it shows has changed."""

import gc
import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from graph.answers import form_of
from graph.documents import Documents
from graph.execution import Executor
from graph.schema import build_schema
from resolvers.context import Operation
from tests.api.client import Api
from trading_bot.domain.account import TradingMode
from trading_bot.domain.errors import Scope
from trading_bot.store import bots, positions, runtime

SEQ = "{ botState { seq positions { symbol quantity } } }"
AGED = "{ botSummary { dataAgeSeconds healthStatus generatedAt } }"
PAUSE = 'mutation { botPause(input: {reason: "r", idempotencyKey: "k"}) { command { id } } }'


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The documents of all answers that were made and not found, in order."""
    seen: list[str] = []
    make = Executor._made

    async def noting(self: Executor, prepared: Any, caller: Any, versions: Any) -> Any:
        seen.append(prepared.request.query)
        return await make(self, prepared, caller, versions)

    make_at_once = Executor._made_at_once

    def noting_at_once(self: Executor, prepared: Any, *rest: Any) -> Any:
        answer = make_at_once(self, prepared, *rest)
        seen.extend([] if answer is None else [prepared.request.query])
        return answer

    monkeypatch.setattr(Executor, "_made", noting)
    monkeypatch.setattr(Executor, "_made_at_once", noting_at_once)
    return seen


def test_the_same_question_is_answered_once(api: Api, made: list[str]) -> None:
    answers = [api.post(SEQ) for _ in range(4)]

    assert made == [SEQ]
    assert len({answer.content for answer in answers}) == 1
    assert {answer.headers["Cache-Control"] for answer in answers} == {"no-store"}
    assert {answer.headers["Content-Type"] for answer in answers} == {"application/json; charset=utf-8"}


def test_layout_and_the_order_of_variables_do_not_matter(api: Api, made: list[str]) -> None:
    query = "query ($a: Int!, $b: Int!) { botState { positions(first: $a) { symbol } orders(first: $b) { symbol } } }"
    first = api.post(query, {"a": 1, "b": 2})
    again = api.post(query.replace(" ", "  ") + "# the same", {"b": 2, "a": 1})
    other = api.post(query, {"a": 2, "b": 2})

    assert (first.content == again.content, len(made)) == (True, 2)
    assert len(other.json()["data"]["botState"]["positions"]) <= 2


def test_any_door_gives_what_was_answered_at_another(api: Api, made: list[str]) -> None:
    posted = api.post(SEQ).content
    got = api.call("GET", "/graphql", params={"query": SEQ}, headers={"X-API-Key": api.token})
    with api.session() as socket:
        socket.subscribe("1", SEQ)
        pushed = socket.receive()["payload"]

    assert (got.content, pushed, made) == (posted, got.json(), [SEQ])


def test_a_commit_ends_every_answer(api: Api, made: list[str]) -> None:
    api.post(SEQ)
    api.data(PAUSE)
    commands = api.data("{ commands(first: 1) { edges { node { kind } } } }")
    api.post(SEQ)

    assert commands["commands"]["edges"][0]["node"]["kind"] == "PAUSE"
    assert made.count(SEQ) == 2


def test_a_commit_of_another_process_ends_them_too(api: Api, made: list[str]) -> None:
    api.post(SEQ)
    with api.store.writing("main") as w:
        found = runtime.find_runtime(w)
        assert found is not None
        runtime.save_runtime(w, replace(found, ticks=found.ticks + 1))
    api.post(SEQ)

    assert made == [SEQ, SEQ]


def test_what_the_clock_moves_is_answered_anew_each_second(api: Api, made: list[str]) -> None:
    first = api.data(AGED)["botSummary"]
    api.clock.advance(0.4)
    same = api.data(AGED)["botSummary"]
    api.clock.advance(0.6)
    other = api.data(AGED)["botSummary"]

    assert (same, len(made)) == (first, 2)
    assert other["dataAgeSeconds"] == first["dataAgeSeconds"] + 1


def test_an_answer_ends_when_the_bot_goes_offline_though_nothing_is_written(api: Api, made: list[str]) -> None:
    api.post(SEQ)
    api.clock.advance(10)
    api.post(SEQ)
    api.clock.advance(6)
    api.post(SEQ)

    assert made == [SEQ, SEQ]


def test_an_answer_ends_with_the_ttl(start: Callable[..., Api], made: list[str]) -> None:
    api = start(state_cache_ttl=0)
    api.post(SEQ)
    api.post(SEQ)

    assert made == [SEQ, SEQ]


@pytest.mark.parametrize(
    "query", ["{ viewer { name } }", "{ metrics { apiRequests } }", "{ botSummary { seq } viewer { name } }"]
)
def test_what_says_who_asks_or_what_the_server_does_is_never_kept(api: Api, made: list[str], query: str) -> None:
    for _ in range(3):
        assert "errors" not in api.post(query).json()

    assert len(made) == 3


@pytest.mark.parametrize(
    "query",
    [
        "{ config { version } }",
        "{ configHistory(first: 5) { edges { node { version reason } } } }",
        "{ configDiff(fromVersion: 1, toVersion: 1, first: 5) { path } }",
        '{ workflowRun(id: "none") { status } }',
        "{ workflowRuns(first: 5) { edges { node { status } } } }",
    ],
)
def test_the_configuration_and_runs_are_kept_until_the_next_commit(api: Api, made: list[str], query: str) -> None:
    first = api.post(query)
    again = api.post(query)
    api.data(PAUSE)
    api.post(query)

    assert again.content == first.content
    assert made.count(query) == 2


def test_a_run_that_was_asked_for_is_seen_at_once(api: Api) -> None:
    def runs() -> list[str]:
        found = api.data("{ workflowRuns(first: 5) { edges { node { workflow { id } } } } }")
        return [edge["node"]["workflow"]["id"] for edge in found["workflowRuns"]["edges"]]

    before = runs()
    api.data(
        """mutation { workflowExecute(input: {workflowId: "check-health", reason: "r", idempotencyKey: "k"}) {
             run { id } errors { errorCode } } }"""
    )

    assert runs() == ["check-health", *before]


def test_nothing_of_an_answer_waits_for_the_garbage_collector(api: Api) -> None:
    for wish in ("no-cache", "max-age=60"):
        api.post(SEQ, headers={"Cache-Control": wish})
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            api.post(SEQ, headers={"Cache-Control": "no-cache"})  # made at once, or on the whole way
            api.post("{ trades(first: 1) { edges { cursor } } }", headers={"Cache-Control": "no-cache"})
        left = [thing for thing in gc.get_objects() if isinstance(thing, Operation)]
    finally:
        gc.enable()

    assert left == []


def test_an_error_is_never_kept(api: Api, made: list[str]) -> None:
    query = '{ botState(botId: "nobody") { seq } }'
    codes = [api.codes(query) for _ in range(3)]

    assert (codes, len(made)) == ([["BOT_001"]] * 3, 3)


def test_a_caller_may_have_an_answer_made_anew(api: Api, made: list[str]) -> None:
    for wish in ("no-cache", "max-age=0, no-cache", "no-store"):
        api.post(SEQ, headers={"Cache-Control": wish})

    assert len(made) == 3


def test_the_budget_is_compared_after_the_look(api: Api, made: list[str]) -> None:
    small = api.keys.create("small", Scope.ADMIN, max_response_bytes=50)[1]
    whole = api.post(SEQ)
    refused = [api.codes(SEQ, token=small) for _ in range(2)]
    told = [api.post(SEQ, extensions={"budget": True}).json() for _ in range(2)]

    assert len(whole.content) > 50
    assert (refused, made) == ([["QRY_027"]] * 2, [SEQ])
    assert told[0] == told[1] == {**whole.json(), "extensions": told[0]["extensions"]}


def test_a_key_that_was_revoked_is_given_nothing_that_is_kept(api: Api) -> None:
    caller, token = api.keys.create("gone", Scope.READ)
    for _ in range(2):
        assert api.post(SEQ, token=token).status_code == 200
    api.keys.revoke(caller.key_id)

    give_up = api.clock.monotonic() + 5
    while api.post(SEQ, token=token).status_code != 401:
        assert api.clock.monotonic() < give_up


def test_another_bot_is_seen_at_once(api: Api) -> None:
    query = "{ botState { botId } }"
    api.data(query)
    with api.store.writing("other") as w:
        bots.register_bot(w, name="other", mode=TradingMode.PAPER, venue="paper", replay_of=None)

    assert api.codes(query) == ["BOT_001"]


def test_hits_are_counted(api: Api) -> None:
    for _ in range(4):
        api.post(SEQ)

    assert api.data("{ metrics { cacheHitRate } }")["metrics"]["cacheHitRate"] == 0.75


def test_a_known_query_is_drawn_from_the_rate_and_its_headers_say_so(start: Callable[..., Api]) -> None:
    api = start(api_rate_per_minute=3)
    left = [api.post(SEQ).headers["RateLimit-Remaining"] for _ in range(3)]
    over = api.post(SEQ)

    assert left == ["2", "1", "0"]
    assert (over.status_code, over.json()["errors"][0]["extensions"]["errorCode"]) == (429, "API_429")


def test_a_form_has_no_comments_and_keeps_what_is_in_texts() -> None:
    documents = Documents(schema=build_schema()._schema)
    texts = [
        '{ trades(after: "a  # b") { edges { cursor } } }',
        '{trades(after:"a  # b"){edges{cursor}}} # seen',
        '{ trades(after: """a  # b""") { edges { cursor } } }',
        '{ trades(after: "a # b") { edges { cursor } } }',
    ]
    forms = [form_of(documents.read(text).tree) for text in texts]  # type: ignore[arg-type]  # they are valid

    assert forms[0] == forms[1] == forms[2]
    assert forms[3].text != forms[0].text
    assert [form.is_clocked for form in forms] == [False] * 4


@pytest.mark.parametrize(
    "query",
    [
        "{ botState { timestamp } }",
        "{ botState { timestamp...F } } fragment F on BotState { seq }",
        "{botState{seq...{dataAgeSeconds}}}",
        "{botSummary{warnings...on BotSummary{seq}}}",
        "{ botState { at:timestamp,seq } }",
        "{ botSummary { healthReason...F } } fragment F on BotSummary { seq }",
    ],
)
def test_what_the_clock_moves_is_found_however_it_is_laid_out(query: str) -> None:
    tree = Documents(schema=build_schema()._schema).read(query).tree

    assert tree is not None
    assert form_of(tree).is_clocked


def test_what_is_made_again_shows_what_changed_and_nothing_old(api: Api) -> None:
    query = "{ botState { positions { symbol currentPrice unrealizedPl } orders { orderId } account { cashBalance } } }"
    before = [api.post(query, headers={"Cache-Control": "no-cache"}).content for _ in range(4)]
    with api.store.writing("main") as w:
        held = positions.list_positions(w)[0]
        positions.save_position(w, replace(held, current_price=held.current_price + 1))
    after = [api.post(query, headers={"Cache-Control": "no-cache"}).content for _ in range(4)]
    was, now = (json.loads(one)["data"]["botState"] for one in (before[0], after[0]))

    assert (len(set(before)), len(set(after))) == (1, 1)
    assert now["positions"][0]["currentPrice"] == str(Decimal(was["positions"][0]["currentPrice"]) + 1)
    assert now["positions"][0]["unrealizedPl"] != was["positions"][0]["unrealizedPl"]
    assert (now["orders"], now["account"]) == (was["orders"], was["account"])


def test_variables_nested_beyond_what_can_be_written_are_refused_like_others(api: Api) -> None:
    query = "query ($filter: TradeFilter) { trades(filter: $filter) { edges { cursor } } }"
    nested = b'{"a":' * 400 + b"1" + b"}" * 400
    body = b'{"query":' + json.dumps(query).encode() + b',"variables":{"filter":' + nested + b"}}"
    headers = {"X-API-Key": api.token, "Content-Type": "application/json"}
    answer = api.call("POST", "/graphql", content=body, headers=headers).json()

    assert [error["extensions"]["errorCode"] for error in answer["errors"]] == ["QRY_004"]
