from datetime import UTC, date, datetime, timedelta

import exchange_calendars  # type: ignore[import-untyped] # it has no types
import pytest

from trading_bot.calendar import is_open, last_sessions, next_close, regular_hours, session_day
from trading_bot.domain.instruments import AssetClass

EQUITY, CRYPTO = AssetClass.EQUITY, AssetClass.CRYPTO


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "opens", "closes"),
    [
        (date(2013, 10, 4), "2013-10-04T13:30", "2013-10-04T20:00"),  # summer time
        (date(2025, 1, 6), "2025-01-06T14:30", "2025-01-06T21:00"),  # winter time
        (date(2025, 3, 10), "2025-03-10T13:30", "2025-03-10T20:00"),  # the day after the clocks went forward
        (date(2025, 11, 28), "2025-11-28T14:30", "2025-11-28T18:00"),  # half-day after Thanksgiving
        (date(2025, 12, 24), "2025-12-24T14:30", "2025-12-24T18:00"),
        (date(2101, 7, 4), "2101-07-04T13:30", "2101-07-04T20:00"),  # beyond the package's years: weekends alone
    ],
)
def test_regular_hours_are_new_yorks_in_utc(day: date, opens: str, closes: str) -> None:
    assert regular_hours(day) == (utc(opens), utc(closes))


@pytest.mark.parametrize(
    "day",
    [
        date(2025, 1, 1),
        date(2025, 1, 4),  # a Saturday
        date(2025, 1, 5),  # a Sunday
        date(2025, 1, 9),  # the mourning for President Carter
        date(2012, 10, 29),  # hurricane Sandy
        date(2025, 4, 18),  # Good Friday
        date(2022, 6, 20),  # Juneteenth, observed on the Monday
    ],
)
def test_a_closed_day_has_no_hours(day: date) -> None:
    assert regular_hours(day) is None


@pytest.mark.filterwarnings("ignore:Series.values returning")  # of pandas, inside exchange_calendars
def test_days_and_hours_equal_those_of_exchange_calendars_from_2005_to_2026() -> None:
    schedule = exchange_calendars.get_calendar("XNYS", start="2005-01-01", end="2026-12-31").schedule
    theirs = {
        row.Index.date(): (row.open.to_pydatetime(), row.close.to_pydatetime())
        for row in schedule.itertuples()  # one row a session
    }
    day, ours = date(2005, 1, 1), {}
    while day <= date(2026, 12, 31):
        hours = regular_hours(day)
        if hours is not None:
            ours[day] = hours
        day += timedelta(days=1)

    assert {
        day: (ours.get(day), theirs.get(day)) for day in ours.keys() | theirs if ours.get(day) != theirs.get(day)
    } == {}
    assert len(ours) == 5534


def test_hours_are_utc_to_the_letter() -> None:
    hours = regular_hours(date(2025, 1, 6))

    assert hours is not None
    assert [moment.tzinfo is UTC for moment in hours] == [True, True]


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2025-01-06T14:29:59", False),
        ("2025-01-06T14:30:00", True),
        ("2025-01-06T20:59:59", True),
        ("2025-01-06T21:00:00", False),
        ("2025-11-28T18:00:00", False),  # half-day
        ("2025-01-04T15:00:00", False),
    ],
)
def test_equities_are_open_from_the_open_up_to_the_close(moment: str, *, expected: bool) -> None:
    assert is_open(EQUITY, utc(moment)) is expected


def test_crypto_is_open_round_the_clock() -> None:
    assert is_open(CRYPTO, utc("2025-12-25T03:00"))


def test_the_session_day_is_new_yorks_date_for_equities_and_utcs_for_crypto() -> None:
    late = utc("2025-01-07T02:00")  # 21:00 of the day before in New York

    assert session_day(EQUITY, late) == date(2025, 1, 6)
    assert session_day(CRYPTO, late) == date(2025, 1, 7)


@pytest.mark.parametrize(
    ("moment", "closes"),
    [
        ("2025-01-06T20:59", "2025-01-06T21:00"),
        ("2025-01-06T21:00", "2025-01-07T21:00"),
        ("2025-01-06T05:00", "2025-01-06T21:00"),
        ("2025-01-08T21:00", "2025-01-10T21:00"),  # over a closed day
        ("2025-01-10T22:00", "2025-01-13T21:00"),  # over a weekend
        ("2025-11-27T15:00", "2025-11-28T18:00"),
    ],
)
def test_the_next_close_is_the_running_sessions_or_the_next_ones(moment: str, closes: str) -> None:
    assert next_close(utc(moment)) == utc(closes)


def test_the_last_sessions_go_back_over_weekends_and_closed_days() -> None:
    assert last_sessions(date(2025, 1, 12), 3) == (date(2025, 1, 10), date(2025, 1, 8), date(2025, 1, 7))
