from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from tests.domain.samples import sample_fill, sample_order, sample_plan
from trading_bot.domain.fills import Fill
from trading_bot.domain.orders import Leg, Order, OrderStatus
from trading_bot.domain.plans import TradePlan
from trading_bot.domain.records import data_of, record_of, value_of


def test_a_record_holds_each_field_as_json_does() -> None:
    record = record_of(sample_plan())

    assert list(record)[:6] == ["id", "symbol", "side", "strategy_name", "entry_type", "entry_price"]
    assert (record["side"], record["status"]) == ("BUY", sample_plan().status.value)
    assert record["entry_price"] == str(sample_plan().entry_price)
    assert record["indicators_used"] == list(sample_plan().indicators_used)
    assert record["closed_at"] is None


def test_digits_times_and_members_are_written_plainly() -> None:
    noon_in_new_york = datetime(2026, 3, 2, 12, 0, 0, 5, tzinfo=timezone(timedelta(hours=-5)))

    assert data_of(Decimal("1E+4")) == "10000"
    assert data_of(Decimal("1.50")) == "1.50"
    assert data_of(noon_in_new_york) == "2026-03-02T17:00:00.000005Z"
    assert data_of(Leg.ENTRY) == "E"
    assert data_of((Decimal("0.10"), "x", None, 2, 0.5)) == ["0.10", "x", None, 2, 0.5]


@pytest.mark.parametrize(
    "value",
    [
        sample_order(),
        sample_plan(),
        sample_fill(),
        replace(sample_order(), status=OrderStatus.UNKNOWN, price=None, average_price=Decimal("1.10"), good_until=None),
    ],
    ids=["order", "plan", "fill", "order without a price"],
)
def test_what_is_read_back_equals_what_was_written(value: Order | TradePlan | Fill) -> None:
    again = value_of(type(value), {**record_of(value), "seq": 1, "note": "passed over"})

    assert again == value
    assert record_of(again) == record_of(value)


def test_times_come_back_in_utc() -> None:
    record = record_of(sample_order()) | {"created_at": "2026-03-02T12:00:00-05:00"}

    assert value_of(Order, record).created_at == datetime(2026, 3, 2, 17, tzinfo=UTC)
    assert value_of(Order, record).created_at.tzinfo is UTC


def test_a_field_that_is_missing_or_wrong_is_refused() -> None:
    record = record_of(sample_order())
    without = {name: data for name, data in record.items() if name != "leg"}

    with pytest.raises(KeyError, match="leg"):
        value_of(Order, without)
    with pytest.raises(ValueError, match="Z"):
        value_of(Order, record | {"leg": "Z"})
