"""Scalars: what travels, exactly, and what is refused."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from graphql import (
    GraphQLError,
    GraphQLField,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    execute_sync,
    get_named_type,
    parse,
)
from hypothesis import given
from hypothesis import strategies as st

from graph.scalars import read_decimal, read_json, read_time, read_whole, write_decimal, write_time, write_whole
from graph.schema import build_schema
from trading_bot.domain.state import Quantiles


def nested(levels: int) -> Any:
    """Lists and objects inside each other."""
    value: Any = 1
    for level in range(levels):
        value = {"a": value} if level % 2 else [value]
    return value


@pytest.mark.parametrize(
    ("value", "text"),
    [("1E+4", "10000"), ("1.10", "1.10"), ("-0.00000001", "-0.00000001"), ("0E-8", "0.00000000"), ("0", "0")],
)
def test_a_decimal_is_written_without_an_exponent(value: str, text: str) -> None:
    assert write_decimal(Decimal(value)) == text


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15, places=8))
def test_a_decimal_comes_back_as_it_went(value: Decimal) -> None:
    assert read_decimal(write_decimal(value)) == value


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), 1.5, 8, "7", None])
def test_what_is_no_finite_decimal_is_not_written(value: object) -> None:
    with pytest.raises(ValueError, match="Expected a finite Decimal"):
        write_decimal(value)


@pytest.mark.parametrize(("given_", "value"), [("12.50", "12.50"), (7, "7"), ("-3", "-3"), (10**20, "1E+20")])
def test_a_decimal_is_taken_as_a_string_or_a_whole_number(given_: object, value: str) -> None:
    assert read_decimal(given_) == Decimal(value)


@pytest.mark.parametrize("value", [1.5, True, None, [], "", "NaN", "Infinity", "1e400", "x", "1" * 40])
def test_anything_else_is_refused_as_a_decimal(value: object) -> None:
    with pytest.raises(GraphQLError, match="Expected"):
        read_decimal(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (datetime(2026, 1, 31, 14, 30, tzinfo=UTC), "2026-01-31T14:30:00Z"),
        (datetime(2026, 1, 31, 14, 30, 0, 5, tzinfo=UTC), "2026-01-31T14:30:00.000005Z"),
        (datetime(2026, 1, 31, 14, 30, tzinfo=timezone(timedelta(hours=-5))), "2026-01-31T19:30:00Z"),
    ],
)
def test_a_time_is_written_in_utc_ending_in_z(value: datetime, text: str) -> None:
    assert write_time(value) == text


@pytest.mark.parametrize("value", [datetime(2026, 1, 31), "2026-01-31T14:30:00Z", None])  # noqa: DTZ001
def test_what_names_no_moment_is_not_written(value: object) -> None:
    with pytest.raises(ValueError, match="Expected an aware time"):
        write_time(value)


@pytest.mark.parametrize("text", ["2026-01-31T14:30:00Z", "2026-01-31T09:30:00-05:00", "2026-01-31T14:30+00:00"])
def test_a_time_is_taken_with_any_offset(text: str) -> None:
    assert read_time(text) == datetime(2026, 1, 31, 14, 30, tzinfo=UTC)
    assert read_time(text).tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    ["2026-01-31T14:30:00", "2026-01-31", "yesterday", "", 1769869800, None, True, "0001-01-01T00:00:00+14:00"],
)
def test_what_names_no_moment_is_refused(value: object) -> None:
    with pytest.raises(GraphQLError, match="Expected a time"):
        read_time(value)


@pytest.mark.parametrize("value", [0, -1, 2**31, 2**53 + 1, 2**63 - 1, 1 - 2**63])
def test_a_whole_number_travels_beyond_32_bits(value: int) -> None:
    assert (write_whole(value), read_whole(value)) == (value, value)


@pytest.mark.parametrize("value", [2**63, -(2**63), 1.0, True, "1", None])
def test_anything_else_is_refused_as_a_whole_number(value: Any) -> None:
    with pytest.raises(GraphQLError, match="Expected a whole number"):
        read_whole(value)
    with pytest.raises(ValueError, match="Expected a whole number"):
        write_whole(value)


@pytest.mark.parametrize(
    "value", [None, True, "x", 2**63 - 1, -1.5e300, {"a": [1, {"b": None}]}, [], {}, nested(50), [nested(49)]]
)
def test_json_is_taken_as_it_was_sent(value: object) -> None:
    assert read_json(value) is value


@pytest.mark.parametrize(
    "value",
    [2**63, -(2**63), 10**30, float("nan"), float("inf"), {"a": [float("-inf")]}, [{"a": 2**64}], nested(51), nested(1_000)],
)  # fmt: skip
def test_json_that_could_not_be_kept_is_refused(value: object) -> None:
    with pytest.raises(GraphQLError, match="Expected JSON of at most 50 levels"):
        read_json(value)


FINITE = {
    "BotState.dataAgeSeconds": "difference of two times",
    "BotSummary.dataAgeSeconds": "difference of two times",
    "ConfigSummary.maxPositionSizePct": "bounded by the configuration's schema",
    "Metrics.uptimeSeconds": "difference of two readings of one clock",
    "PerformanceMetric.maxDrawdownPct": "a quotient of decimals by a peak above zero",
}
"""Each Float that is promised, and why it always has a value."""


def test_every_float_that_is_promised_is_known_to_be_finite() -> None:
    schema = build_schema()._schema
    floats = {
        f"{kind.name}.{name}": field.type
        for kind in schema.type_map.values()
        if isinstance(kind, GraphQLObjectType)
        for name, field in kind.fields.items()
        if get_named_type(field.type).name == "Float"
    }

    assert {str(kind) for kind in floats.values()} == {"Float", "Float!"}  # no lists, whose items no rule sees
    assert {name for name, kind in floats.items() if str(kind) == "Float!"} == set(FINITE)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_ratio_that_is_undefined_is_null_and_blanks_nothing(value: float) -> None:
    quantiles = build_schema()._schema.type_map["Quantiles"]
    assert isinstance(quantiles, GraphQLObjectType)
    schema = GraphQLSchema(GraphQLObjectType("Query", {"latency": GraphQLField(GraphQLNonNull(quantiles))}))
    root = {"latency": Quantiles(p50=value, p95=1.5, p99=None)}
    answer = execute_sync(schema, parse("{ latency { p50 p95 p99 } }"), root)

    assert (answer.errors, answer.data) == (None, {"latency": {"p50": None, "p95": 1.5, "p99": None}})


def test_counts_that_outgrow_32_bits_are_big() -> None:
    schema = build_schema()._schema
    seen = {
        f"{kind.name}.{name}": str(field.type)
        for kind in schema.type_map.values()
        if isinstance(kind, GraphQLObjectType)
        for name, field in kind.fields.items()
        if name in {"seq", "storeBytes"}
    }

    assert {kind.rstrip("!") for kind in seen.values()} == {"BigInt"}, seen
