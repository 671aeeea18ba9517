from datetime import UTC, datetime, timedelta

import pytest

from trading_bot.domain.hours import SessionHours
from trading_bot.domain.risk import Refused, check_hours

OPENS = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
CLOSES = datetime(2026, 3, 2, 21, 0, tzinfo=UTC)


def at(minutes: int) -> datetime:
    """A moment of the session."""
    return OPENS + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("hours", "first", "last"),
    [
        (SessionHours(), 0, 374),
        (SessionHours(entries_before_close_minutes=0), 0, 389),
        (SessionHours(entries_after_open_minutes=15), 15, 374),
        (SessionHours(entries_before_close_minutes=60), 0, 329),
        (SessionHours(entries_before_close_minutes=10, flatten_before_close_minutes=20), 0, 369),
        (SessionHours(entries_after_open_minutes=90, entries_before_close_minutes=270), 90, 119),
    ],
)
def test_entries_leave_from_the_first_to_the_last_minute_of_the_hours(
    hours: SessionHours, first: int, last: int
) -> None:
    allowed = [minute for minute in range(390) if check_hours(hours, at(minute), OPENS, CLOSES) is None]

    assert allowed == list(range(first, last + 1))


def test_on_a_half_day_that_is_too_short_for_the_hours_nothing_is_entered() -> None:
    hours = SessionHours(entries_after_open_minutes=120, entries_before_close_minutes=120)
    closes = at(210)

    verdicts = [check_hours(hours, at(minute), OPENS, closes) for minute in range(210)]
    assert [verdict.code for verdict in verdicts if isinstance(verdict, Refused)] == ["RISK_014"] * 210


def test_a_refusal_tells_whole_minutes_and_the_session() -> None:
    refused = check_hours(SessionHours(entries_before_close_minutes=30), CLOSES - timedelta(seconds=100), OPENS, CLOSES)

    assert refused == Refused(
        code="RISK_014",
        cause="Too few minutes until the session closes: limit 30, is 1.",
        figures={"limit": "30", "value": "1", "opens": "2026-03-02T14:30Z", "closes": "2026-03-02T21:00Z"},
    )


def test_positions_are_closed_from_then_to_the_close_and_never_without_that_setting() -> None:
    hours = SessionHours(flatten_before_close_minutes=20)
    due = [minute for minute in range(400) if hours.flatten_due(at(minute), CLOSES) is not None]

    assert due == list(range(370, 391))
    assert hours.flatten_due(at(370), CLOSES) == "hours: flat 20 min before the session's close at 21:00 UTC"
    assert SessionHours(entries_before_close_minutes=390).flatten_due(at(389), CLOSES) is None


def test_minutes_for_entries_are_what_both_ends_leave() -> None:
    hours = SessionHours(entries_after_open_minutes=15, entries_before_close_minutes=5, flatten_before_close_minutes=60)

    assert (hours.last_minutes, hours.minutes_for_entries) == (60, 315)
    assert SessionHours(entries_after_open_minutes=390, entries_before_close_minutes=390).minutes_for_entries == -390
