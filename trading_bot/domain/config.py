"""Configuration: what an operator may set about one bot. Money stands in files as a decimal string.

Every value has a default that is safe on the paper exchange. Ranges are checked where a value is made; a violation is a ValueError that
names the field, and the edge that read the file turns it into a SemanticError.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import ClassVar, Literal

from trading_bot.domain.account import TradingMode
from trading_bot.domain.backups import BackupPlan
from trading_bot.domain.decider import Decider, DeciderKind
from trading_bot.domain.instruments import instrument
from trading_bot.domain.limits import AlertThresholds, RiskLimits
from trading_bot.domain.ranges import STRICT, within
from trading_bot.domain.retention import Retention


def _require_symbols(symbols: tuple[str, ...]) -> None:
    for symbol in symbols:
        try:
            instrument(symbol)
        except ValueError as error:
            msg = f"Expected `symbols` to be tradable. {error}"
            raise ValueError(msg) from None
        if symbols.count(symbol) > 1:
            msg = f"Expected `symbols` without repetition, was `{symbol}` twice."
            raise ValueError(msg)


class FeedKind(Enum):
    """Where the paper exchange takes its bars from."""

    SIMULATED = "simulated"
    """A seeded market made here."""
    REPLAY = "replay"
    """A file of candles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRates:
    """How often the paper exchange misbehaves, as shares of attempts (0 to 1), keyed by hash of seed, order and attempt."""

    __pydantic_config__: ClassVar[dict[str, str]] = STRICT

    rate_limit: float = 0.0
    """A call is refused because of too many calls; nothing happened."""
    timeout: float = 0.0
    """A command's answer is lost; half of these were carried out."""
    rejection: float = 0.0
    """An order is refused."""
    stale_feed: float = 0.0
    """The market stands still for one poll."""
    partial_fill: float = 0.0
    """A fill is cut to a part, the rest waits for the next bar."""
    disconnect: float = 0.0
    """A read fails."""

    def __post_init__(self) -> None:
        for name in ("rate_limit", "timeout", "rejection", "stale_feed", "partial_fill", "disconnect"):
            within(f"venue.faults.{name}", getattr(self, name), 0.0, 0.9)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperVenue:
    """The built-in paper exchange."""

    __pydantic_config__: ClassVar[dict[str, str]] = STRICT

    kind: Literal["paper"] = "paper"
    """Names the venue."""
    feed: FeedKind = FeedKind.SIMULATED
    """Where bars come from; can't be changed within one home."""
    candles: str | None = None
    """Path of the candle file, for a replay; another file needs another home."""
    seed: int = 7
    """Seed of the simulated market and of faults; another seed needs another home."""
    speed: float | None = 60.0
    """Venue seconds per second: 1 is real time; null is as fast as it can."""
    starting_cash: Decimal = Decimal(100_000)
    """Cash of the account at its very start, in the quote currency."""
    slippage_bps: Decimal = Decimal(1)
    """Market and stop orders fill this much worse than the price, in basis points (0.01 %)."""
    commission_bps: Decimal = Decimal(0)
    """Fee of a fill as basis points of its value."""
    commission_per_share: Decimal = Decimal(0)
    """Fee of a fill per share or coin, on top."""
    volume_share: Decimal = Decimal("0.1")
    """A fill takes at most this share of a bar's volume, above 0 to 1."""
    faults: FaultRates = field(default_factory=FaultRates)
    """How often it misbehaves."""

    @property
    def is_real_time(self) -> bool:
        """Whether its market goes on while the bot thinks; a replay, and a market that runs faster than real time, waits for the bot."""
        return self.feed is FeedKind.SIMULATED and self.speed is not None and self.speed <= 1

    def __post_init__(self) -> None:
        within("venue.starting_cash", self.starting_cash, Decimal(1), Decimal(1_000_000_000))
        within("venue.slippage_bps", self.slippage_bps, Decimal(0), Decimal(1000))
        within("venue.commission_bps", self.commission_bps, Decimal(0), Decimal(1000))
        within("venue.commission_per_share", self.commission_per_share, Decimal(0), Decimal(1000))
        within("venue.volume_share", self.volume_share, Decimal("0.0001"), Decimal(1))
        if self.speed is not None:
            within("venue.speed", self.speed, 0.01, 1_000_000)
        if (self.feed is FeedKind.REPLAY) != (self.candles is not None):
            msg = (
                f"Expected `venue.candles` exactly for a replay, feed is {self.feed.value} and candles {self.candles}."
            )
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class BullFlag:
    """Parameters of the bull-flag breakout."""

    __pydantic_config__: ClassVar[dict[str, str]] = STRICT

    kind: Literal["bull-flag-breakout"] = "bull-flag-breakout"
    """Names the strategy."""
    pole_bars: int = 8
    """Longest pole, in bars, 3 to 30."""
    pole_min_pct: Decimal = Decimal("0.25")
    """Smallest rise of the pole, in percent of its start."""
    flag_bars: int = 6
    """Longest flag, in bars, 2 to 30."""
    flag_max_retrace_pct: Decimal = Decimal(50)
    """Deepest fall of the flag, in percent of the pole's height."""
    volume_ratio: Decimal = Decimal("1.2")
    """Smallest mean volume of the pole as a multiple of the flag's."""
    risk_multiple: Decimal = Decimal(2)
    """Target distance as a multiple of the stop distance."""
    good_for_bars: int = 5
    """Minutes for which the entry rests."""

    def __post_init__(self) -> None:
        within("strategies.pole_bars", self.pole_bars, 3, 30)
        within("strategies.flag_bars", self.flag_bars, 2, 30)
        within("strategies.pole_min_pct", self.pole_min_pct, Decimal("0.01"), Decimal(50))
        within("strategies.flag_max_retrace_pct", self.flag_max_retrace_pct, Decimal(1), Decimal(100))
        within("strategies.volume_ratio", self.volume_ratio, Decimal("0.1"), Decimal(100))
        within("strategies.risk_multiple", self.risk_multiple, Decimal("0.5"), Decimal(20))
        within("strategies.good_for_bars", self.good_for_bars, 1, 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class VwapPullback:
    """Parameters of the VWAP pullback."""

    __pydantic_config__: ClassVar[dict[str, str]] = STRICT

    kind: Literal["vwap-pullback"] = "vwap-pullback"
    """Names the strategy."""
    trend_bars: int = 20
    """Bars over which the trend is measured, 5 to 120."""
    trend_min_pct: Decimal = Decimal("0.15")
    """Smallest rise over these bars, in percent."""
    touch_pct: Decimal = Decimal("0.08")
    """How near to the VWAP a low counts as a touch, in percent of the VWAP."""
    stop_pct: Decimal = Decimal("0.25")
    """Stop below the VWAP, in percent of the VWAP."""
    risk_multiple: Decimal = Decimal("1.5")
    """Target distance as a multiple of the stop distance."""
    good_for_bars: int = 5
    """Minutes for which the entry rests."""

    def __post_init__(self) -> None:
        within("strategies.trend_bars", self.trend_bars, 5, 120)
        within("strategies.trend_min_pct", self.trend_min_pct, Decimal("0.01"), Decimal(50))
        within("strategies.touch_pct", self.touch_pct, Decimal("0.001"), Decimal(10))
        within("strategies.stop_pct", self.stop_pct, Decimal("0.01"), Decimal(20))
        within("strategies.risk_multiple", self.risk_multiple, Decimal("0.5"), Decimal(20))
        within("strategies.good_for_bars", self.good_for_bars, 1, 60)


Strategy = BullFlag | VwapPullback


class OnSignal(Enum):
    """What happens to resting orders when the process is asked to end."""

    KEEP = "keep"
    """They stay at the venue."""
    CANCEL = "cancel"
    """They are cancelled first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BotConfig:
    """Everything an operator may set about one bot."""

    __pydantic_config__: ClassVar[dict[str, str]] = STRICT

    bot_id: str = "main"
    """1 to 8 characters a-z and 0-9; part of every client order id."""
    name: str = "BotGraph"
    """For people, 1 to 60 characters."""
    mode: TradingMode = TradingMode.PAPER
    """PAPER or LIVE; changes only when flat, at a restart."""
    symbols: tuple[str, ...] = ()
    """What to trade, 1 to 50 symbols; empty takes every symbol that the venue has."""
    client_order_prefix: str = "bg"
    """1 to 6 characters a-z and 0-9: marks our orders at the venue (CLIENT_ORDER_PREFIX)."""
    trade_sync_cutoff_minutes: int = 60
    """How far before the last completed sync or the oldest open order fills are read again (TRADE_SYNC_CUTOFF_MINUTES)."""
    on_signal: OnSignal = OnSignal.KEEP
    """What happens to resting orders when the process is asked to end."""
    venue: PaperVenue = field(default_factory=PaperVenue)
    """Where orders go."""
    strategies: tuple[Strategy, ...] = field(default_factory=lambda: (BullFlag(), VwapPullback()))
    """What decides, in order of precedence, 0 to 10."""
    decider: Decider = field(default_factory=Decider)
    """Whether the strategies or a language model decide on entries."""
    risk: RiskLimits = field(default_factory=RiskLimits)
    """Limits that no strategy can override."""
    alerts: AlertThresholds = field(default_factory=AlertThresholds)
    """From which figures over the last trades on an operator is told."""
    retention: Retention = field(default_factory=Retention)
    """How long logs are kept."""
    backup: BackupPlan = field(default_factory=BackupPlan)
    """When the home is backed up, and how many backups are kept."""

    def __post_init__(self) -> None:
        for name, value, longest in (("bot_id", self.bot_id, 8), ("client_order_prefix", self.client_order_prefix, 6)):
            if not (1 <= len(value) <= longest and value.isascii() and value.isalnum() and value == value.lower()):
                msg = f"Expected `{name}` of 1 to {longest} characters a-z and 0-9, was `{value[:40]}`."
                raise ValueError(msg)
        within("trade_sync_cutoff_minutes", self.trade_sync_cutoff_minutes, 1, 10_080)
        within("symbols (count)", len(self.symbols), 0, 50)
        _require_symbols(self.symbols)
        strange = sorted(set(self.decider.symbols) - set(self.symbols))
        if self.symbols and strange:
            msg = f"Expected `decider.symbols` among `symbols`, was {', '.join(strange)} besides."
            raise ValueError(msg)
        within("strategies (count)", len(self.strategies), 0, 10)
        within("name (length)", len(self.name), 1, 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigSummary:
    """The highlights of the configuration in force."""

    mode: TradingMode
    """PAPER or LIVE."""
    max_position_size_pct: float
    """Largest worth of one position, in percent of equity, 1 to 10."""
    daily_loss_limit: Decimal
    """No entries once the session's P&L is at or below this; negative, in the quote currency."""
    version: int
    """Number of the configuration, from 1."""
    strategies: tuple[str, ...]
    """Names of the strategies, at most 10."""
    symbols: tuple[str, ...]
    """What is traded, at most 50."""


def summary(config: BotConfig, version: int) -> ConfigSummary:
    """The highlights of `config`."""
    return ConfigSummary(
        mode=config.mode,
        max_position_size_pct=config.risk.max_position_size_pct,
        daily_loss_limit=config.risk.daily_loss_limit,
        version=version,
        strategies=_deciding(config),
        symbols=config.symbols,
    )


def _deciding(config: BotConfig) -> tuple[str, ...]:
    if config.decider.kind is DeciderKind.LANGUAGE_MODEL:
        return (config.decider.kind.value,)
    return tuple(strategy.kind for strategy in config.strategies)
