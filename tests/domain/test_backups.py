from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from trading_bot.domain.backups import BackupPlan

MONDAY = datetime(2026, 3, 2, 21, 30, tzinfo=UTC)


def test_seven_daily_four_weekly_and_twelve_monthly_ones_are_kept() -> None:
    made = [MONDAY - timedelta(days=days) for days in range(800)]

    kept = sorted(BackupPlan().kept(made), reverse=True)

    assert [f"{one:%Y-%m-%d}" for one in kept] == [
        "2026-03-02",
        "2026-03-01",
        "2026-02-28",
        "2026-02-27",
        "2026-02-26",
        "2026-02-25",
        "2026-02-24",
        "2026-02-22",
        "2026-02-15",
        "2026-01-31",
        "2025-12-31",
        "2025-11-30",
        "2025-10-31",
        "2025-09-30",
        "2025-08-31",
        "2025-07-31",
        "2025-06-30",
        "2025-05-31",
        "2025-04-30",
    ]


def test_of_one_day_the_last_is_kept() -> None:
    made = [MONDAY, MONDAY - timedelta(hours=1), MONDAY - timedelta(hours=2)]

    assert BackupPlan().kept(made) == {MONDAY}


def test_days_without_a_backup_do_not_count() -> None:
    made = [MONDAY - timedelta(days=40 * n) for n in range(7)]

    assert BackupPlan(keep_weekly=0, keep_monthly=0).kept(made) == frozenset(made)


def test_nothing_is_kept_of_nothing() -> None:
    assert BackupPlan().kept([]) == frozenset()


@pytest.mark.parametrize(
    ("now", "last", "is_due"),
    [
        (MONDAY - timedelta(seconds=1), None, False),
        (MONDAY, None, True),
        (MONDAY, MONDAY, False),
        (MONDAY + timedelta(hours=2), MONDAY - timedelta(days=1), True),
        (MONDAY + timedelta(hours=2), MONDAY + timedelta(hours=1), False),
        (MONDAY + timedelta(hours=3), MONDAY - timedelta(days=1), False),
    ],
)
def test_a_backup_is_due_once_a_day_at_its_time(now: datetime, last: datetime | None, *, is_due: bool) -> None:
    assert BackupPlan().is_due(now, last) is is_due


def test_without_a_time_none_is_ever_due() -> None:
    assert BackupPlan(daily_at=None).is_due(MONDAY, None) is False


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"daily_at": "24:00"}, "`backup.daily_at` as HH:MM, was `24:00`"),
        ({"daily_at": "9:30"}, "`backup.daily_at`"),
        ({"daily_at": ""}, "`backup.daily_at`"),
        ({"keep_daily": 0}, "`backup.keep_daily` between 1 and 1000, was 0"),
        ({"keep_weekly": -1}, "`backup.keep_weekly`"),
        ({"keep_monthly": 1001}, "`backup.keep_monthly`"),
    ],
)
def test_a_wrong_plan_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BackupPlan(**change)
