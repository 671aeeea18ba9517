"""Made configurations: stored ones for plans, and hypothesis strategies that follow the JSON Schema."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import Phase
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from trading_bot.domain.config import BotConfig
from trading_bot.domain.config_changes import ConfigView
from trading_bot.domain.hours import SessionHours
from trading_bot.services.config_check import check
from trading_bot.services.config_fields import inside, schema
from trading_bot.services.configuration import config_hash, config_values, parse_config
from trading_bot.store.configs import StoredConfig

NOW = datetime(2026, 3, 2, 15, 30, tzinfo=UTC)
VIEW = ConfigView(now=NOW)
FAST = (Phase.explicit, Phase.reuse, Phase.generate)
"""Without shrinking: whole configurations shrink for minutes, and a failure names what differs anyway."""


def stored(config: BotConfig | None = None, version: int = 3) -> StoredConfig:
    """A version as it is stored."""
    values = config_values(config or BotConfig())
    return StoredConfig(
        version=version, values=values, config_hash=config_hash(values), user="key-1", reason="Test.", updated_at=NOW
    )


def configs() -> SearchStrategy[BotConfig]:
    """Valid configurations of any kind, but for the home-bound values."""
    return _object(schema()).map(_tamed).filter(lambda values: check(values).config is not None).map(parse_config)


def sound() -> SearchStrategy[BotConfig]:
    """Those of them whose values also go together."""
    return configs().map(_sound)


def _sound(config: BotConfig) -> BotConfig:
    risk, kept = config.risk, config.retention
    worth = min(risk.max_position_size_pct, risk.max_exposure_pct)
    lost = float(min(-risk.daily_loss_limit, Decimal(100_000))) / 1_001  # of 100,000 in percent, a little less
    return replace(
        config,
        risk=replace(
            risk,
            max_position_size_pct=worth,
            daily_loss_limit=min(risk.daily_loss_limit, Decimal(-100)),
            risk_per_trade_pct=max(0.01, min(risk.risk_per_trade_pct, worth, lost)),
        ),
        venue=replace(config.venue, slippage_bps=min(config.venue.slippage_bps, Decimal("0.4"))),
        hours=_with_time_left(config.hours),
        retention=replace(kept, hot_days=min(kept.hot_days, kept.archive_days)),
    )


def _with_time_left(hours: SessionHours) -> SessionHours:
    begin = min(hours.entries_after_open_minutes, 240)
    return replace(
        hours,
        entries_after_open_minutes=begin,
        entries_before_close_minutes=min(hours.entries_before_close_minutes, 360 - begin),
    )


def _tamed(values: dict[str, Any]) -> dict[str, Any]:
    """What values that depend on each other must be, so that few are thrown away."""
    venue = {**values["venue"], "feed": "simulated", "candles": None, "seed": 7, "starting_cash": "100000"}
    decider = {**values["decider"], "kind": "rules", "url": None, "symbols": values["symbols"][:3]}
    return {**values, "bot_id": "main", "venue": venue, "decider": decider}


def _object(shape: dict[str, Any]) -> SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({name: _value(part) for name, part in shape["properties"].items()})


def _value(shape: dict[str, Any]) -> SearchStrategy[Any]:
    whole = inside(shape, None)
    made = _bare(whole)
    return st.none() | made if "null" in (whole.get("type") or ()) else made


def _bare(shape: dict[str, Any]) -> SearchStrategy[Any]:  # noqa: PLR0911 - one strategy a kind
    if "enum" in shape:
        return st.sampled_from(shape["enum"])
    if "const" in shape:
        return st.just(shape["const"])
    kinds = shape["type"]
    if "integer" in kinds:
        return st.integers(shape["minimum"], shape["maximum"])
    if "number" in kinds:
        return st.floats(shape["minimum"], shape["maximum"], allow_nan=False)
    if "x-minimum" in shape:
        return st.decimals(Decimal(shape["x-minimum"]), Decimal(shape["x-maximum"]), places=4).map(
            lambda one: format(one, "f")
        )
    if "object" in kinds:
        return (
            st.one_of([_object(inside(branch["then"], None)) for branch in shape["allOf"]])
            if "allOf" in shape
            else _object(shape)
        )
    if "array" in kinds:
        unique = (lambda one: one) if shape.get("uniqueItems") else None
        return st.lists(_value(shape["items"]), max_size=4, unique_by=unique)
    examples = (
        [one for one in shape["examples"] if isinstance(one, str)]
        if "examples" in shape
        else ["AAPL", "MSFT", "BTC/USD", "ETH/USD"]
    )
    return st.sampled_from(examples)
