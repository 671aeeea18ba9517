"""Refusals, trips, resets and figures are the same whenever the bot ends between two writes."""

import random
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.playing import first_days, left_behind, play, replay_settings
from trading_bot.domain.config import BotConfig
from trading_bot.domain.limits import AlertThresholds, BreakerReset, RiskLimits
from trading_bot.services.config_file import write_config
from trading_bot.services.configuration import with_feed
from trading_bot.services.journal import Journal
from trading_bot.settings import Settings

TIGHT = RiskLimits(
    max_consecutive_losses=2,
    breaker_reset=BreakerReset.NEXT_SESSION,
    max_open_positions=1,
    max_orders_per_minute=1,
    price_collar_pct=0.1,
    daily_loss_limit=Decimal(-60),
)


class EndedError(BaseException):
    """The process is gone: nothing of the bot catches it."""


def settings_of(home: Path, candles: Path) -> Settings:
    home.mkdir()
    settings = replay_settings(home, candles, f"sqlite:///{home / 'botgraph.db'}")
    settings.make_folders()
    config = with_feed(
        BotConfig(risk=TIGHT, alerts=AlertThresholds(max_consecutive_losses=2)), candles=candles, seed=None, speed="max"
    )
    write_config(settings.config_file, config)
    return settings


def ending(monkeypatch: pytest.MonkeyPatch, *, seed: int, ends: int) -> None:
    """Let the process end before or after one in some dozens of commits, that many times."""
    chance, commit, left = random.Random(seed), Journal.commit, [ends]

    def commit_or_end(journal: Journal, also: Any = None) -> None:
        draw = chance.randrange(300) if left[0] else 2
        if draw < 2:
            left[0] -= 1
        if draw == 0:
            raise EndedError
        commit(journal, also)
        if draw == 1:
            raise EndedError

    monkeypatch.setattr(Journal, "commit", commit_or_end)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_ends_at_any_commit_change_no_refusal_no_trip_and_no_figure(
    tmp_path: Path, candles_us: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    candles = first_days(candles_us, 2, tmp_path / "two-days.csv")
    calm, ended = settings_of(tmp_path / "calm", candles), settings_of(tmp_path / "ended", candles)
    play(calm)
    expected = left_behind(calm.store_url)
    ending(monkeypatch, seed=3, ends=20)
    starts = 0
    while True:
        starts += 1
        try:
            play(ended)
        except EndedError:
            continue
        break

    assert starts == 21
    assert left_behind(ended.store_url) == expected
    moves = [(event.event_type, event.timestamp, event.count) for event in reversed(expected["risk_events"])]
    assert [move for move in moves if move[0].startswith("circuit_breaker")] == [
        ("circuit_breaker_trip", datetime(2013, 10, 4, 14, 58, tzinfo=UTC), 1),
        ("circuit_breaker_reset", datetime(2013, 10, 7, 8, 1, tzinfo=UTC), 1),
        ("circuit_breaker_trip", datetime(2013, 10, 7, 15, 20, tzinfo=UTC), 1),
    ]
    assert sum(count for _, _, count in moves) == 59  # 56 refusals in eleven rows
    assert [metric.consecutive_losses for metric in expected["metrics"]] == [4, 3, 2, 1]
