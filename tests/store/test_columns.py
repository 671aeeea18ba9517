from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trading_bot.domain.money import plain
from trading_bot.domain.orders import Side
from trading_bot.domain.trades import Outcome
from trading_bot.store.columns import Enumerated, Exact, Json, Text, Texts, Utc, at_least, at_most
from trading_bot.store.engine import open_engine, reading, writing

METADATA = sa.MetaData()
SAMPLES = sa.Table(
    "samples",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("amount", Exact),
    sa.Column("moment", Utc),
    sa.Column("words", Text),
    sa.Column("data", Json),
    sa.Column("names", Texts),
    sa.Column("side", Enumerated(Side)),
    sa.Column("outcome", Enumerated(Outcome)),
)
MANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, places=None).filter(
    lambda value: value.adjusted() < 60 and int(value.as_tuple().exponent) > -60
)


@pytest.fixture
def engine(store_url: str) -> Iterator[sa.Engine]:
    opened = open_engine(store_url)
    METADATA.create_all(opened)
    yield opened
    opened.dispose()


def kept(engine: sa.Engine, **values: Any) -> Any:
    """What comes back of one row with `values`: its first value."""
    with writing(engine) as connection:
        connection.execute(SAMPLES.delete())
        connection.execute(SAMPLES.insert(), {"id": 1, **values})
    with reading(engine) as connection:
        return connection.execute(sa.select(*(SAMPLES.c[name] for name in values))).one()[0]


@MANY
@given(amount=DECIMALS)
def test_a_decimal_comes_back_digit_by_digit(engine: sa.Engine, amount: Decimal) -> None:
    back = kept(engine, amount=amount)

    assert plain(back) == plain(amount or abs(amount))
    assert back == amount


@pytest.mark.parametrize(
    "text",
    [
        "1234567890.12345678",
        "0.00",
        "1E+4",
        "-1E-8",
        "9.10",
        "79228162514264337593543950335",
        "0.10000000000000000555111512",
    ],
)
def test_decimals_that_a_float_would_lose_are_exact(engine: sa.Engine, text: str) -> None:
    assert plain(kept(engine, amount=Decimal(text))) == plain(Decimal(text))


@pytest.mark.parametrize(
    "amount", [Decimal("NaN"), Decimal("Infinity"), Decimal("1E+64"), Decimal("1E-65"), 1.5, 1, "1.25"]
)
def test_what_is_no_finite_decimal_is_refused(engine: sa.Engine, amount: object) -> None:
    with pytest.raises(sa.exc.StatementError, match="Expected"):
        kept(engine, amount=amount)

    with reading(engine) as connection:
        assert connection.execute(sa.select(SAMPLES)).all() == []


def test_decimals_compare_by_value_not_by_letter(engine: sa.Engine) -> None:
    amounts = ["-1E-8", "10.2", "9.10", "-20", "0", "1000000000000000000000.5"]
    with writing(engine) as connection:
        rows: list[dict[str, Any]] = [{"id": n, "amount": Decimal(text)} for n, text in enumerate(amounts)]
        connection.execute(SAMPLES.insert(), [*rows, {"id": 99, "amount": None}])

    def ids(condition: sa.ColumnElement[bool]) -> list[int]:
        with reading(engine) as connection:
            return list(connection.execute(sa.select(SAMPLES.c.id).where(condition).order_by(SAMPLES.c.id)).scalars())

    assert ids(at_least(SAMPLES.c.amount, Decimal("9.1"))) == [1, 2, 5]
    assert ids(at_most(SAMPLES.c.amount, Decimal("-0.00000001"))) == [0, 3]
    assert ids(at_least(SAMPLES.c.amount, Decimal("1000000000000000000000.50"))) == [5]


@MANY
@given(
    moment=st.datetimes(
        min_value=datetime(1900, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
        max_value=datetime(2200, 1, 1),  # noqa: DTZ001
        timezones=st.builds(timezone, st.timedeltas(timedelta(hours=-14), timedelta(hours=14))),
    )
)
def test_a_moment_comes_back_as_utc_to_the_microsecond(engine: sa.Engine, moment: datetime) -> None:
    back = kept(engine, moment=moment)

    assert back == moment
    assert back.tzinfo is UTC


def test_a_time_without_a_zone_is_refused(engine: sa.Engine) -> None:
    with pytest.raises(sa.exc.StatementError, match="Expected a time with its zone"):
        kept(engine, moment=datetime(2025, 1, 6, 12, 0))  # noqa: DTZ001


def test_moments_order_and_compare(engine: sa.Engine) -> None:
    first = datetime(2025, 1, 6, 17, 0, 0, 1, tzinfo=UTC)
    kept(engine, moment=first)

    with reading(engine) as connection:
        later = sa.select(SAMPLES.c.id).where(SAMPLES.c.moment > first)
        same = sa.select(SAMPLES.c.id).where(SAMPLES.c.moment >= first.astimezone(timezone(timedelta(hours=5))))
        assert (connection.execute(later).all(), connection.execute(same).scalar()) == ([], 1)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@MANY
@given(
    data=st.dictionaries(st.text(st.characters(codec="utf-8", exclude_characters="\0")), JSON, min_size=1, max_size=3)
)
def test_json_comes_back_as_it_was(engine: sa.Engine, data: dict[str, Any]) -> None:
    assert repr(kept(engine, data=data)) == repr(readable(data))


def readable(value: Any) -> Any:
    match value:
        case str():
            return value.replace("\0", "\N{REPLACEMENT CHARACTER}")
        case dict():
            return {readable(key): readable(item) for key, item in value.items()}
        case list():
            return [readable(item) for item in value]
        case _:
            return value


def test_json_keeps_the_order_of_its_keys(engine: sa.Engine) -> None:
    assert list(kept(engine, data={"zz": 1, "a": 2, "m": 3})) == ["zz", "a", "m"]


@pytest.mark.parametrize(
    "data",
    [
        {"x": Decimal(1)},
        {"x": float("nan")},
        {"x": 2**63},
        {1: "x"},
        {"x": datetime(2025, 1, 6, tzinfo=UTC)},
        {"x": {1, 2}},
    ],
)
def test_what_json_can_not_hold_exactly_is_refused(engine: sa.Engine, data: object) -> None:
    with pytest.raises((sa.exc.StatementError, TypeError), match="Expected JSON data"):
        kept(engine, data=data)


def test_text_that_one_database_refuses_is_kept_readable(engine: sa.Engine) -> None:
    assert kept(engine, words="a\0b\ud800c é €") == "a�b�c é €"


def test_texts_stay_a_tuple(engine: sa.Engine) -> None:
    assert kept(engine, names=("VWAP", "EMA-9")) == ("VWAP", "EMA-9")


def test_an_enum_comes_back_as_its_member(engine: sa.Engine) -> None:
    assert kept(engine, side=Side.SELL) is Side.SELL


def test_a_member_of_another_enum_is_refused(engine: sa.Engine) -> None:
    with pytest.raises(sa.exc.StatementError, match="Expected a Outcome"):
        kept(engine, outcome=Side.SELL)


def test_null_stays_null_in_every_column(engine: sa.Engine) -> None:
    columns = ("amount", "moment", "words", "data", "names", "side")
    with writing(engine) as connection:
        connection.execute(SAMPLES.insert(), {"id": 1, **dict.fromkeys(columns)})
    with reading(engine) as connection:
        is_null = sa.and_(*(SAMPLES.c[name].is_(None) for name in columns))
        row = connection.execute(sa.select(*(SAMPLES.c[name] for name in columns)).where(is_null)).one()
    assert tuple(row) == (None,) * 6
