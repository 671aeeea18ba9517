from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from trading_bot.domain.account import TradingMode
from trading_bot.domain.config import (
    BotConfig,
    BullFlag,
    ConfigSummary,
    FaultRates,
    FeedKind,
    PaperVenue,
    VwapPullback,
    summary,
)
from trading_bot.domain.hours import SessionHours
from trading_bot.domain.limits import AlertThresholds, RiskLimits

# Each bound may be met; `past` is the nearest value that may not be, below and above.
RANGES: list[tuple[Any, str, str, Any, Any, Any, Any]] = [
    # what, field, its name in the message, low, high, past low, past high
    (BullFlag(), "pole_bars", "strategies.pole_bars", 3, 30, 2, 31),
    (BullFlag(), "flag_bars", "strategies.flag_bars", 2, 30, 1, 31),
    (BullFlag(), "pole_min_pct", "strategies.pole_min_pct", "0.01", "50", "0.009", "50.01"),
    (BullFlag(), "flag_max_retrace_pct", "strategies.flag_max_retrace_pct", "1", "100", "0.9", "100.1"),
    (BullFlag(), "volume_ratio", "strategies.volume_ratio", "0.1", "100", "0.09", "100.1"),
    (BullFlag(), "risk_multiple", "strategies.risk_multiple", "0.5", "20", "0.49", "20.1"),
    (BullFlag(), "good_for_bars", "strategies.good_for_bars", 1, 60, 0, 61),
    (VwapPullback(), "trend_bars", "strategies.trend_bars", 5, 120, 4, 121),
    (VwapPullback(), "trend_min_pct", "strategies.trend_min_pct", "0.01", "50", "0.009", "50.1"),
    (VwapPullback(), "touch_pct", "strategies.touch_pct", "0.001", "10", "0.0009", "10.1"),
    (VwapPullback(), "stop_pct", "strategies.stop_pct", "0.01", "20", "0.009", "20.1"),
    (VwapPullback(), "risk_multiple", "strategies.risk_multiple", "0.5", "20", "0.4", "20.1"),
    (VwapPullback(), "good_for_bars", "strategies.good_for_bars", 1, 60, 0, 61),
    (RiskLimits(), "max_position_size_pct", "risk.max_position_size_pct", 1.0, 10.0, 0.99, 10.01),
    (RiskLimits(), "max_exposure_pct", "risk.max_exposure_pct", 1.0, 100.0, 0.99, 100.01),
    (RiskLimits(), "risk_per_trade_pct", "risk.risk_per_trade_pct", 0.01, 5.0, 0.009, 5.01),
    (RiskLimits(), "daily_loss_limit", "risk.daily_loss_limit", "-1000000000", "-0.01", "-1000000001", "0"),
    (RiskLimits(), "max_open_positions", "risk.max_open_positions", 1, 100, 0, 101),
    (RiskLimits(), "max_data_age_seconds", "risk.max_data_age_seconds", 60.0, 3600.0, 59.9, 3600.1),
    (RiskLimits(), "max_consecutive_losses", "risk.max_consecutive_losses", 1, 100, 0, 101),
    (RiskLimits(), "max_orders_per_minute", "risk.max_orders_per_minute", 1, 1000, 0, 1001),
    (RiskLimits(), "price_collar_pct", "risk.price_collar_pct", 0.1, 50.0, 0.09, 50.1),
    (RiskLimits(), "max_rejections", "risk.max_rejections", 1, 1000, 0, 1001),
    (RiskLimits(), "rejection_window_minutes", "risk.rejection_window_minutes", 1, 1440, 0, 1441),
    (SessionHours(), "entries_after_open_minutes", "hours.entries_after_open_minutes", 0, 390, -1, 391),
    (SessionHours(), "entries_before_close_minutes", "hours.entries_before_close_minutes", 0, 390, -1, 391),
    (SessionHours(), "flatten_before_close_minutes", "hours.flatten_before_close_minutes", 1, 120, 0, 121),
    (AlertThresholds(), "min_win_rate", "alerts.min_win_rate", 0.0, 1.0, -0.1, 1.1),
    (AlertThresholds(), "min_profit_factor", "alerts.min_profit_factor", 0.0, 100.0, -0.1, 100.1),
    (AlertThresholds(), "max_drawdown_pct", "alerts.max_drawdown_pct", -100.0, 0.0, -100.1, 0.1),
    (AlertThresholds(), "max_consecutive_losses", "alerts.max_consecutive_losses", 1, 20, 0, 21),
    (PaperVenue(), "starting_cash", "venue.starting_cash", "1", "1000000000", "0.99", "1000000001"),
    (PaperVenue(), "slippage_bps", "venue.slippage_bps", "0", "1000", "-0.1", "1000.1"),
    (PaperVenue(), "commission_bps", "venue.commission_bps", "0", "1000", "-0.1", "1000.1"),
    (PaperVenue(), "commission_per_share", "venue.commission_per_share", "0", "1000", "-0.1", "1000.1"),
    (PaperVenue(), "volume_share", "venue.volume_share", "0.0001", "1", "0", "1.1"),
    (PaperVenue(), "speed", "venue.speed", 0.01, 1_000_000, 0.0, 1_000_001.0),
    (FaultRates(), "rate_limit", "venue.faults.rate_limit", 0.0, 0.9, -0.1, 0.91),
    (FaultRates(), "timeout", "venue.faults.timeout", 0.0, 0.9, -0.1, 0.91),
    (FaultRates(), "rejection", "venue.faults.rejection", 0.0, 0.9, -0.1, 0.91),
    (FaultRates(), "stale_feed", "venue.faults.stale_feed", 0.0, 0.9, -0.1, 0.91),
    (FaultRates(), "partial_fill", "venue.faults.partial_fill", 0.0, 0.9, -0.1, 0.91),
    (FaultRates(), "disconnect", "venue.faults.disconnect", 0.0, 0.9, -0.1, 0.91),
    (BotConfig(), "trade_sync_cutoff_minutes", "trade_sync_cutoff_minutes", 1, 10_080, 0, 10_081),
]


def value_of(given: Any) -> Any:
    return Decimal(given) if isinstance(given, str) else given


@pytest.mark.parametrize(
    ("whole", "field", "name", "low", "high", "past_low", "past_high"),
    RANGES,
    ids=[f"{type(row[0]).__name__}.{row[1]}" for row in RANGES],
)
def test_each_number_keeps_to_its_range_and_a_refusal_names_it(
    *, whole: Any, field: str, name: str, low: Any, high: Any, past_low: Any, past_high: Any
) -> None:
    for met in (low, high):
        assert getattr(replace(whole, **{field: value_of(met)}), field) == value_of(met)
    for missed in (past_low, past_high):
        with pytest.raises(ValueError, match=rf"Expected `{name}` between {low} and {high}, was {missed}\."):
            replace(whole, **{field: value_of(missed)})


@pytest.mark.parametrize(
    ("whole", "field", "value"),
    [
        (RiskLimits(), "daily_loss_limit", Decimal("NaN")),
        (RiskLimits(), "max_position_size_pct", float("nan")),
        (RiskLimits(), "max_position_size_pct", float("inf")),
        (PaperVenue(), "starting_cash", Decimal("Infinity")),
    ],
)
def test_what_is_no_number_is_refused(whole: Any, field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"Expected `.*{field}` between"):
        replace(whole, **{field: value})


@pytest.mark.parametrize(("field", "longest"), [("bot_id", 8), ("client_order_prefix", 6)])
def test_names_in_order_ids_are_short_and_plain(field: str, longest: int) -> None:
    for good in ("a", "0", "b" * longest):
        assert getattr(replace(BotConfig(), **{field: good}), field) == good  # type: ignore[arg-type]  # by name
    for bad in ("", "b" * (longest + 1), "Main", "a-b", "ä", "a b", "²"):
        with pytest.raises(ValueError, match=f"Expected `{field}` of 1 to {longest} characters a-z and 0-9"):
            replace(BotConfig(), **{field: bad})  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"name": ""}, "name (length)"),
        ({"name": "x" * 61}, "name (length)"),
        ({"strategies": (BullFlag(),) * 11}, "strategies (count)"),
        ({"symbols": tuple(f"C{number:02}/USD" for number in range(51))}, "symbols (count)"),
    ],
)
def test_lists_and_names_keep_to_their_lengths(changes: dict[str, Any], name: str) -> None:
    with pytest.raises(ValueError, match=name.replace("(", r"\(").replace(")", r"\)")):
        BotConfig(**changes)


@pytest.mark.parametrize(
    ("symbols", "text"),
    [
        (("ACME", "acme"), r"Expected `symbols` to be tradable\. Expected one to five capital letters .* was `acme`"),
        (("ACME", "BOLT", "ACME"), "Expected `symbols` without repetition, was `ACME` twice"),
    ],
)
def test_symbols_are_tradable_and_named_once(symbols: tuple[str, ...], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        BotConfig(symbols=symbols)


def test_equities_and_coins_may_be_traded_side_by_side() -> None:
    assert BotConfig(symbols=("ACME", "BTC/USD")).symbols == ("ACME", "BTC/USD")


def test_a_replay_names_its_file_and_nothing_else_does() -> None:
    assert PaperVenue(feed=FeedKind.REPLAY, candles="candles.csv").candles == "candles.csv"
    for feed, candles in ((FeedKind.REPLAY, None), (FeedKind.SIMULATED, "candles.csv")):
        with pytest.raises(ValueError, match=r"Expected `venue\.candles` exactly for a replay"):
            PaperVenue(feed=feed, candles=candles)


def test_a_venue_may_run_as_fast_as_it_can() -> None:
    assert PaperVenue(speed=None).speed is None


def test_the_defaults_are_paper_money_and_both_strategies() -> None:
    config = BotConfig()

    assert config.mode is TradingMode.PAPER
    assert config.venue == PaperVenue(
        feed=FeedKind.SIMULATED, speed=60.0, starting_cash=Decimal(100_000), slippage_bps=Decimal(1)
    )
    assert config.strategies == (BullFlag(), VwapPullback())


def test_a_summary_shows_the_highlights() -> None:
    config = BotConfig(symbols=("ACME",), risk=RiskLimits(max_position_size_pct=3.0))

    assert summary(config, 4) == ConfigSummary(
        mode=TradingMode.PAPER,
        max_position_size_pct=3.0,
        daily_loss_limit=Decimal(-2_000),
        version=4,
        strategies=("bull-flag-breakout", "vwap-pullback"),
        symbols=("ACME",),
    )
