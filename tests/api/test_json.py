"""JSON: compact UTF-8, with decimals and times as the scalars write them."""

from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType

import pytest

from graph.guard.json import as_json
from trading_bot.domain.orders import Side


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, "é"]}, '{"a":[1,"é"]}'),
        (Decimal("1E+4"), '"10000"'),
        (Decimal("NaN"), '"NaN"'),
        (float("nan"), "null"),
        (datetime(2026, 1, 31, tzinfo=UTC), '"2026-01-31T00:00:00Z"'),
        (Side.BUY, '"BUY"'),
        (MappingProxyType({"a": 1}), '{"a":1}'),
        ({1: 2}, '{"1":2}'),
        ({3}, '"{3}"'),
        (2**63 - 1, "9223372036854775807"),
    ],
)
def test_a_value_is_written_as_the_scalars_are(value: object, text: str) -> None:
    assert as_json(value).decode() == text
