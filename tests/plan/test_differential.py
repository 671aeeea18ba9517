"""Whatever is asked, and whatever the store holds: the API answers as graphql-core would, and a proof never lets a wrong document in."""

import asyncio
import json
import random
from collections import Counter
from typing import Any

import pytest
from graphql import ExecutionResult, parse, validate
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from graph.execution import Answer, Executor, Prepared, Request, answer_of
from graph.plan.proof import is_proven
from resolvers.state import find_bot_state, find_bot_summary
from tests.plan.conftest import Stand, operation_of
from tests.plan.made_documents import Made, Maker

# Where one of several fields fails at once, graphql-core forgets what it had begun of the others: its own answer, and no part of ours.
pytestmark = pytest.mark.filterwarnings("ignore:coroutine 'Executor.execute_fields:RuntimeWarning")

ROOTS = (
    "botState",
    "botState",
    "botSummary",
    "bots",
    "metrics",
    "trades",
    "tradePlans",
    "fills",
    "botSessions",
    "decisions",
    "riskEvents",
    "performanceAlerts",
    "marketSnapshot",
    "candles",
    "command",
    "commands",
    "changes",
    "errors",
    "errorCodes",
    "config",
    "configHistory",
    "configDiff",
    "workflow",
    "workflows",
    "workflowRun",
    "workflowRuns",
    "viewer",
)
FEW = settings(
    max_examples=300, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate]
)
MANY = settings(FEW, max_examples=10_000)
CASES = st.tuples(st.integers(0, 2**63), st.sampled_from((0.0, 0.0, 0.02, 0.2)), st.sampled_from((0.0, 0.0, 0.0, 0.03)))
"""Chance, how often data is wrong, how often the document is."""


@FEW
@given(case=CASES)
def test_a_query_is_answered_as_graphql_core_would(stand: Stand, case: tuple[int, float, float]) -> None:
    check_query(stand.executor, case)


@pytest.mark.long
@pytest.mark.timeout(1_800)
@MANY
@given(case=CASES)
def test_ten_thousand_queries_are_answered_as_graphql_core_would(stand: Stand, case: tuple[int, float, float]) -> None:
    check_query(stand.executor, case)


@settings(FEW, max_examples=100)
@given(case=CASES)
def test_an_event_is_answered_as_graphql_core_would(stand: Stand, case: tuple[int, float, float]) -> None:
    check_event(stand.executor, case)


@FEW
@given(seed=st.integers(0, 2**63), mistakes=st.sampled_from((0.0, 0.01, 0.05, 0.2)))
def test_what_is_proven_is_valid(stand: Stand, seed: int, mistakes: float) -> None:
    check_proof(stand.executor, seed, mistakes)


@pytest.mark.long
@pytest.mark.timeout(1_800)
@MANY
@given(seed=st.integers(0, 2**63), mistakes=st.sampled_from((0.0, 0.01, 0.05, 0.2)))
def test_ten_thousand_times_what_is_proven_is_valid(stand: Stand, seed: int, mistakes: float) -> None:
    check_proof(stand.executor, seed, mistakes)


def test_the_fuzz_tries_what_it_is_there_for(stand: Stand) -> None:
    """Without this the others could agree on nothing but refusals."""
    run = stand.executor
    seen: Counter[str] = Counter()
    for seed in range(100):
        seen[check_query(run, (seed, 0.0, 0.0))] += 1
        seen["proven"] += is_proven(run.schema, parse(document(run, seed, 0.0).text))
        seen[check_query(run, (seed, 0.0, 0.05)) + ", perhaps with mistakes"] += 1
        seen[check_query(run, (seed, 0.2, 0.0)) + ", perhaps of wrong data"] += 1

    assert seen["planned"] > 35, seen
    assert seen["proven"] > 35, seen
    assert seen["refused, perhaps with mistakes"] > 20, seen
    assert seen["executed, perhaps of wrong data"] > 20, seen


def document(run: Executor, seed: int, mistakes: float, kind: str = "query") -> Made:
    roots = ROOTS if kind == "query" else ("botState", "botSummary")
    return Maker(schema=run.schema, chance=random.Random(seed), roots=roots, mistakes=mistakes).made(kind)


def check_query(run: Executor, case: tuple[int, float, float]) -> str:
    seed, wrong, mistakes = case
    asked = document(run, seed, mistakes)
    prepared = run.read(Request(query=asked.text, variables=asked.variables))
    if isinstance(prepared, Answer):
        require_refused(run, asked, prepared)
        return "refused"
    return asyncio.run(compared(run, prepared, asked, seed, wrong))


async def compared(run: Executor, prepared: Prepared, asked: Made, seed: int, wrong: float) -> str:
    plan, first = prepared.plan, None
    if plan is not None:  # what was answered before, of the same data and of other, must leave nothing behind
        first, *_ = [await plan.answer(operation_of(run, earlier, wrong)) for earlier in (seed, seed + 1, seed)]
    operation = operation_of(run, seed, wrong)
    raw = None if plan is None else await plan.answer(operation)
    expected = await by_graphql_core(run, prepared, seed, wrong)
    answer = await run._answered(prepared, operation_of(run, seed, wrong))

    assert plain(answer.body) == plain(expected.body), asked
    if raw is not None:
        assert "errors" not in expected.body, asked
        assert raw == first, asked
        return "planned"
    return "executed"


def check_event(run: Executor, case: tuple[int, float, float]) -> None:
    seed, wrong, mistakes = case
    asked = document(run, seed, mistakes, "subscription")
    prepared = run.read(Request(query=asked.text, variables=asked.variables))
    if isinstance(prepared, Answer):
        require_refused(run, asked, prepared)
        return
    asyncio.run(compared_event(run, prepared, asked, seed, wrong))


async def compared_event(run: Executor, prepared: Prepared, asked: Made, seed: int, wrong: float) -> None:
    operation = operation_of(run, seed, wrong)
    find: Any = find_bot_state if prepared.root_fields == {"botState"} else find_bot_summary
    try:
        event = await find(operation.of_root("any"))
    except Exception as failure:  # noqa: BLE001 - a watch yields what failed
        event = failure
    answer = await run.event_bytes(prepared, operation, event)
    expected = await by_graphql_core(run, prepared, seed, wrong, event)

    assert plain(answer.body) == plain(expected.body), asked


async def by_graphql_core(run: Executor, prepared: Prepared, seed: int, wrong: float, event: object = None) -> Answer:
    """The answer without plans."""
    result = run._execute(prepared, operation_of(run, seed, wrong), event)
    return answer_of(run._body(result if isinstance(result, ExecutionResult) else await result))


def require_refused(run: Executor, asked: Made, answer: Answer) -> None:
    """Nothing that graphql-core finds valid is refused, but by a limit."""
    codes = {error["extensions"]["errorCode"] for error in answer.body["errors"]}
    if codes <= {"QRY_002", "QRY_003", "QRY_005"}:
        try:
            tree = parse(asked.text)
        except Exception:  # noqa: BLE001 - it can't be parsed
            return
        operations = [node for node in tree.definitions if node.kind == "operation_definition"]
        assert validate(run.schema, tree) or len(operations) != 1, asked


def check_proof(run: Executor, seed: int, mistakes: float) -> None:
    assert run.schema.query_type is not None
    maker = Maker(
        schema=run.schema, chance=random.Random(seed), roots=tuple(run.schema.query_type.fields), mistakes=mistakes
    )
    asked = maker.made()
    try:
        tree = parse(asked.text)
    except Exception:  # noqa: BLE001 - it can't be parsed
        return
    if is_proven(run.schema, tree):
        assert validate(run.schema, tree) == [], asked.text


def plain(body: Any) -> str:
    """The body with all that may differ left out: the names under which faults stand in the log."""
    for error in body.get("errors", ()):
        (error["extensions"].get("context") or {}).pop("fault_id", None)
    return json.dumps(body)
