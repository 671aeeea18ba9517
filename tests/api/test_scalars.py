"""Scalars: what travels, exactly, and what is refused."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from graphql import GraphQLError
from hypothesis import given
from hypothesis import strategies as st

from graph.scalars import read_decimal, read_time, read_whole, write_decimal, write_time, write_whole


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
