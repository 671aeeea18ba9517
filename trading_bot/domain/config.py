"""Configuration: what an operator may set about one bot. Money stands in files as a decimal string.

Every value has a default that is safe on the paper exchange. Ranges are checked where a value is made; a violation is a ValueError that
names the field, and the edge that read the file turns it into a SemanticError.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Annotated, ClassVar, Literal

from trading_bot.domain.account import TradingMode
from trading_bot.domain.backups import BackupPlan
from trading_bot.domain.decider import Decider, DeciderKind
from trading_bot.domain.hours import SessionHours
from trading_bot.domain.instruments import SYMBOL, require_symbols
from trading_bot.domain.limits import AlertThresholds, RiskLimits
from trading_bot.domain.ranges import STRICT, TEXT, Count, Form, Limit, Looser, Range, require_ranges
from trading_bot.domain.retention import Retention


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

    rate_limit: Annotated[float, Range(low=0.0, high=0.9, unit="share of attempts")] = 0.0
    """A call is refused because of too many calls; nothing happened."""
    timeout: Annotated[float, Range(low=0.0, high=0.9, unit="share of attempts")] = 0.0
    """A command's answer is lost; half of these were carried out."""
    rejection: Annotated[float, Range(low=0.0, high=0.9, unit="share of attempts")] = 0.0
    """An order is refused."""
    stale_feed: Annotated[float, Range(low=0.0, high=0.9, unit="share of attempts")] = 0.0
    """The market stands still for one poll."""
    partial_fill: Annotated[float, Range(low=0.0, high=0.9, unit="share of attempts")] = 0.0
    """A fill is cut to a part, the rest waits for the next bar."""
    disconnect: Annotated[float, Range(low=0.0, high=0.9, unit="share of attempts")] = 0.0
    """A read fails."""

    def __post_init__(self) -> None:
        require_ranges(self, "venue.faults.")


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperVenue:
    """The built-in paper exchange."""

    __pydantic_config__: ClassVar[dict[str, str]] = STRICT

    kind: Literal["paper"] = "paper"
    """Names the venue."""
    feed: FeedKind = FeedKind.SIMULATED
    """Where bars come from; can't be changed within one home."""
    candles: Annotated[str | None, TEXT, Count(low=1, high=400)] = None
    """Path of the candle file, for a replay; another file needs another home."""
    seed: Annotated[int, Range(low=0, high=2**63 - 1)] = 7
    """Seed of the simulated market and of faults; another seed needs another home."""
    speed: Annotated[float | None, Range(low=0.01, high=1_000_000, unit="venue seconds per second")] = 60.0
    """Venue seconds per second: 1 is real time; null is as fast as it can."""
    starting_cash: Annotated[Decimal, Range(low=Decimal(1), high=Decimal(1_000_000_000), unit="quote currency")] = (
        Decimal(100_000)
    )
    """Cash of the account at its very start, in the quote currency."""
    slippage_bps: Annotated[Decimal, Range(low=Decimal(0), high=Decimal(1000), unit="basis points")] = Decimal(1)
    """Market and stop orders fill this much worse than the price, in basis points (0.01 %)."""
    commission_bps: Annotated[Decimal, Range(low=Decimal(0), high=Decimal(1000), unit="basis points")] = Decimal(0)
    """Fee of a fill as basis points of its value."""
    commission_per_share: Annotated[Decimal, Range(low=Decimal(0), high=Decimal(1000), unit="quote currency")] = (
        Decimal(0)
    )
    """Fee of a fill per share or coin, on top."""
    volume_share: Annotated[Decimal, Range(low=Decimal("0.0001"), high=Decimal(1), unit="share of a bar's volume")] = (
        Decimal("0.1")
    )
    """A fill takes at most this share of a bar's volume, above 0 to 1."""
    faults: FaultRates = field(default_factory=FaultRates)
    """How often it misbehaves."""

    @property
    def is_real_time(self) -> bool:
        """Whether its market goes on while the bot thinks; a replay, and a market that runs faster than real time, waits for the bot."""
        return self.feed is FeedKind.SIMULATED and self.speed is not None and self.speed <= 1

    def __post_init__(self) -> None:
        require_ranges(self, "venue.")
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
    pole_bars: Annotated[int, Range(low=3, high=30, unit="bars")] = 8
    """Longest pole, in bars, 3 to 30."""
    pole_min_pct: Annotated[
        Decimal, Range(low=Decimal("0.01"), high=Decimal(50), unit="percent of the pole's start")
    ] = Decimal("0.25")
    """Smallest rise of the pole, in percent of its start."""
    flag_bars: Annotated[int, Range(low=2, high=30, unit="bars")] = 6
    """Longest flag, in bars, 2 to 30."""
    flag_max_retrace_pct: Annotated[
        Decimal, Range(low=Decimal(1), high=Decimal(100), unit="percent of the pole's height")
    ] = Decimal(50)
    """Deepest fall of the flag, in percent of the pole's height."""
    volume_ratio: Annotated[Decimal, Range(low=Decimal("0.1"), high=Decimal(100))] = Decimal("1.2")
    """Smallest mean volume of the pole as a multiple of the flag's."""
    risk_multiple: Annotated[Decimal, Range(low=Decimal("0.5"), high=Decimal(20))] = Decimal(2)
    """Target distance as a multiple of the stop distance."""
    good_for_bars: Annotated[int, Range(low=1, high=60, unit="minutes")] = 5
    """Minutes for which the entry rests."""

    def __post_init__(self) -> None:
        require_ranges(self, "strategies.")


@dataclass(frozen=True, slots=True, kw_only=True)
class VwapPullback:
    """Parameters of the VWAP pullback."""

    __pydantic_config__: ClassVar[dict[str, str]] = STRICT

    kind: Literal["vwap-pullback"] = "vwap-pullback"
    """Names the strategy."""
    trend_bars: Annotated[int, Range(low=5, high=120, unit="bars")] = 20
    """Bars over which the trend is measured, 5 to 120."""
    trend_min_pct: Annotated[Decimal, Range(low=Decimal("0.01"), high=Decimal(50), unit="percent")] = Decimal("0.15")
    """Smallest rise over these bars, in percent."""
    touch_pct: Annotated[Decimal, Range(low=Decimal("0.001"), high=Decimal(10), unit="percent of the VWAP")] = Decimal(
        "0.08"
    )
    """How near to the VWAP a low counts as a touch, in percent of the VWAP."""
    stop_pct: Annotated[Decimal, Range(low=Decimal("0.01"), high=Decimal(20), unit="percent of the VWAP")] = Decimal(
        "0.25"
    )
    """Stop below the VWAP, in percent of the VWAP."""
    risk_multiple: Annotated[Decimal, Range(low=Decimal("0.5"), high=Decimal(20))] = Decimal("1.5")
    """Target distance as a multiple of the stop distance."""
    good_for_bars: Annotated[int, Range(low=1, high=60, unit="minutes")] = 5
    """Minutes for which the entry rests."""

    def __post_init__(self) -> None:
        require_ranges(self, "strategies.")


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

    bot_id: Annotated[
        str, Form(pattern="[a-z0-9]{1,8}", says="of 1 to 8 characters a-z and 0-9", examples=("main",))
    ] = "main"
    """1 to 8 characters a-z and 0-9; part of every client order id."""
    name: Annotated[str, TEXT, Count(low=1, high=60)] = "BotGraph"
    """For people, 1 to 60 characters."""
    mode: Annotated[TradingMode, Limit(looser=Looser.HIGHER)] = TradingMode.PAPER
    """PAPER or LIVE; changes only when flat, at a restart."""
    symbols: Annotated[tuple[str, ...], Count(low=0, high=50), SYMBOL] = ()
    """What to trade, 1 to 50 symbols; empty takes every symbol that the venue has."""
    client_order_prefix: Annotated[
        str, Form(pattern="[a-z0-9]{1,6}", says="of 1 to 6 characters a-z and 0-9", examples=("bg",))
    ] = "bg"
    """1 to 6 characters a-z and 0-9: marks our orders at the venue (CLIENT_ORDER_PREFIX)."""
    trade_sync_cutoff_minutes: Annotated[int, Range(low=1, high=10_080, unit="minutes")] = 60
    """How far before the last completed sync or the oldest open order fills are read again (TRADE_SYNC_CUTOFF_MINUTES)."""
    on_signal: OnSignal = OnSignal.KEEP
    """What happens to resting orders when the process is asked to end."""
    venue: PaperVenue = field(default_factory=PaperVenue)
    """Where orders go."""
    strategies: Annotated[tuple[Strategy, ...], Count(low=0, high=10)] = field(
        default_factory=lambda: (BullFlag(), VwapPullback())
    )
    """What decides, in order of precedence, 0 to 10."""
    decider: Decider = field(default_factory=Decider)
    """Whether the strategies or a language model decide on entries."""
    risk: RiskLimits = field(default_factory=RiskLimits)
    """Limits that no strategy can override."""
    hours: SessionHours = field(default_factory=SessionHours)
    """When in a session entries may leave, and when before its close positions are closed; equities only."""
    alerts: AlertThresholds = field(default_factory=AlertThresholds)
    """From which figures over the last trades on an operator is told."""
    retention: Retention = field(default_factory=Retention)
    """How long logs are kept."""
    backup: BackupPlan = field(default_factory=BackupPlan)
    """When the home is backed up, and how many backups are kept."""

    def __post_init__(self) -> None:
        require_ranges(self)
        require_symbols("symbols", self.symbols)
        strange = sorted(set(self.decider.symbols) - set(self.symbols))
        if self.symbols and strange:
            msg = f"Expected `decider.symbols` among `symbols`, was {', '.join(strange)} besides."
            raise ValueError(msg)


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
