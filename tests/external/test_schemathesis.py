"""schemathesis: operations made up from the whole schema, writes included, never meet a fault of ours or an error without a code."""

from collections import Counter
from typing import Any

import pytest
import schemathesis
from graphql import NameNode, ObjectFieldNode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import nodes
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok

from tests.api.client import Api
from trading_bot.errors.catalogue import CATALOGUE

TIMES = st.datetimes(timezones=st.timezones()).map(lambda time: time.isoformat()) | st.sampled_from([
    "2013-10-08T14:32:00Z",
    "2013-10-08T14:32:00.123456789Z",
    "2013-10-08",
    "9999-12-31T23:59:59+14:00",
])  # fmt: skip
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, places=4).map(str) | st.sampled_from(
    ["NaN", "1e9999", "-0"]
)
WHOLE = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([0, 1, 4, 2**63])
ANY = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), inner),
    max_leaves=5,
)


def _register_scalars() -> None:
    schemathesis.graphql.scalar("DateTime", TIMES.map(nodes.String))
    schemathesis.graphql.scalar("Decimal", DECIMALS.map(nodes.String))
    schemathesis.graphql.scalar("BigInt", WHOLE.map(nodes.Int))
    schemathesis.graphql.scalar("JSON", ANY.map(_literal))


def _literal(value: Any) -> Any:
    match value:
        case bool():
            return nodes.Boolean(value)
        case int():
            return nodes.Int(value)
        case str():
            return nodes.String(value)
        case list():
            return nodes.List([_literal(one) for one in value])
        case _:
            return nodes.Object([_field(name, one) for name, one in value.items()])


def _field(name: str, value: Any) -> ObjectFieldNode:
    return ObjectFieldNode(name=NameNode(value=name), value=_literal(value))


@pytest.mark.parametrize("count", [200, pytest.param(2_000, marks=[pytest.mark.long, pytest.mark.timeout(1_800)])])
def test_no_operation_meets_a_fault_of_ours(api: Api, count: int) -> None:
    _register_scalars()
    headers = {"X-API-Key": api.token}
    judge = schemathesis.graphql.from_url(f"{api.url}/graphql", headers=headers, config=SchemathesisConfig())
    operations: list[Any] = [found.ok() for found in judge.get_all_operations() if isinstance(found, Ok)]
    seen: Counter[str] = Counter()

    for operation in operations:

        @settings(
            max_examples=-(-count // len(operations)),
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def judge_one(case: Any) -> None:
            answer = case.call(headers=headers)
            body = answer.json()
            codes = [error.get("extensions", {}).get("errorCode") for error in body.get("errors", ())]
            seen.update(["data" if body.get("data") else "errors", *map(str, codes)])

            assert answer.status_code == 200
            assert [code for code in codes if code not in CATALOGUE or code.startswith("SYS_")] == [], case.body

        judge_one()

    assert {operation.definition.field_name for operation in operations} >= {
        "botState",
        "trades",
        "botStop",
        "ordersCancel",
    }
    assert seen["data"] + seen["errors"] >= count
    assert seen["data"] > count // 4
