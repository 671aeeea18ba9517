"""Metrics: figures for Prometheus. Nothing that a caller writes becomes a label, so the number of series has an upper bound."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate

from prometheus_client import CollectorRegistry, Counter, Gauge, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from resolvers.counters import Counters
from trading_bot.clock import Clock
from trading_bot.domain.health import Health
from trading_bot.domain.state import BotSummary
from trading_bot.domain.state import Metrics as Figures
from trading_bot.errors.catalogue import CATALOGUE

Labels = tuple[str, ...]
"""Values of a series' labels, in the order of the family's names."""

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OTHER = "other"
"""The label of every operation that is not in the catalogue of named operations."""
SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Upper ends of the classes of durations."""
METHODS = frozenset({"GET", "POST", "OPTIONS", "HEAD"})


@dataclass(frozen=True, slots=True, kw_only=True)
class BotFigures:
    """One bot's figures at a moment."""

    bot_id: str
    """The bot."""
    figures: Figures
    """Of its loop and its books."""
    summary: BotSummary
    """Its state."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """How often something happened, by labels. The library's counters take five times as long, for they may be shared by threads."""

    counts: dict[Labels, int] = field(default_factory=dict)

    def note(self, labels: Labels) -> None:
        """Once more."""
        self.counts[labels] = self.counts.get(labels, 0) + 1


@dataclass(slots=True, kw_only=True)
class Durations:
    """How long something took, by classes; likewise."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(SECONDS) + 1))
    """In each class of SECONDS, and above."""
    total: float = 0.0
    """Seconds, of all together."""

    def note(self, seconds: float) -> None:
        """Once more."""
        self.counts[bisect_left(SECONDS, seconds)] += 1
        self.total += seconds

    @property
    def buckets(self) -> list[tuple[str, float]]:
        """How many took at most so long."""
        ends = (*(str(end) for end in SECONDS), "+Inf")
        return [(end, float(count)) for end, count in zip(ends, accumulate(self.counts), strict=True)]


class Metrics(Collector):
    """What is counted for one API. Used from the event loop only."""

    def __init__(self, *, operations: Iterable[str], counters: Counters, clock: Clock) -> None:
        self.registry = CollectorRegistry()
        self._names = frozenset(operations)
        self._operations = Tally()
        self._requests = Tally()
        self._seconds: dict[Labels, Durations] = {}
        self._request_seconds = Durations()
        self.errors = Counter("botgraph_errors", "Errors that were shown, by code.", ["code"], registry=self.registry)
        self.sockets = Gauge("botgraph_sockets", "WebSockets that are open.", registry=self.registry)
        self.registry.register(_Counted(counters=counters, clock=clock))
        self.registry.register(self)

    def operation(self, name: str | None, kind: str, door: str, *, is_good: bool, seconds: float | None = None) -> None:
        """Note one operation; `seconds` is how long it took, null for one that was refused and for a subscription."""
        label = name if name in self._names else OTHER
        self._operations.note((label, kind, door, "ok" if is_good else "error"))
        if seconds is not None:
            durations = self._seconds.get((label, kind))
            if durations is None:
                durations = self._seconds[(label, kind)] = Durations()
            durations.note(seconds)

    def error(self, code: str) -> None:
        """Note one error that was shown."""
        self.errors.labels(code if code in CATALOGUE else OTHER).inc()

    def request(self, method: str, status: int, seconds: float) -> None:
        """Note one HTTP request."""
        self._requests.note((method if method in METHODS else OTHER, str(status)))
        self._request_seconds.note(seconds)

    def collect(self) -> Iterator[Metric]:
        """What is noted with every answer, as the registry wants it."""
        operations = CounterMetricFamily(
            "botgraph_operations",
            "GraphQL operations that were carried out or refused.",
            labels=["operation", "kind", "door", "outcome"],
        )
        requests = CounterMetricFamily(
            "botgraph_http_requests", "HTTP requests that were answered.", labels=["method", "status"]
        )
        for family, tally in ((operations, self._operations), (requests, self._requests)):
            for labels, count in tally.counts.items():
                family.add_metric(labels, count)
            yield family
        seconds = HistogramMetricFamily(
            "botgraph_operation_seconds", "Time to carry out one query or mutation.", labels=["operation", "kind"]
        )
        for labels, durations in self._seconds.items():
            seconds.add_metric(labels, durations.buckets, durations.total)
        yield seconds
        durations = self._request_seconds
        yield HistogramMetricFamily(
            "botgraph_http_request_seconds",
            "Time to answer one HTTP request.",
            buckets=durations.buckets,
            sum_value=durations.total,
        )

    def text(self, bots: Iterable[BotFigures] | None) -> bytes:
        """All figures in Prometheus' text format, with those of the bots; null for bots that can't be read."""
        own = CollectorRegistry(auto_describe=False)
        own.register(_Bots(bots=None if bots is None else tuple(bots)))
        return generate_latest(self.registry) + generate_latest(own)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # a registry knows it by identity
class _Counted(Collector):
    """What the resolvers count."""

    counters: Counters
    clock: Clock

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        yield GaugeMetricFamily(
            "botgraph_subscriptions", "Subscriptions that are open.", value=self.counters.subscribers
        )
        for name, text, value in (
            ("written", "Answers to subscriptions that were made, each for all who share it.", self.counters.written),
            ("sent", "Answers to subscriptions that were sent, one for each subscriber.", self.counters.sent),
            ("skipped", "Answers that a slow reader got later, or a newer one instead.", self.counters.skipped),
        ):
            yield CounterMetricFamily(f"botgraph_pushes_{name}", text, value=value)
        yield CounterMetricFamily(
            "botgraph_cache_hits", "Answers that came from the cache.", value=self.counters.cache_hits
        )
        yield CounterMetricFamily(
            "botgraph_cache_misses",
            "Answers that could have come from it, and were made anew.",
            value=self.counters.cache_misses,
        )
        uptime = self.clock.monotonic() - self.counters.started
        yield GaugeMetricFamily("botgraph_api_uptime_seconds", "Since the API's process started.", value=uptime)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # a registry knows it by identity
class _Bots(Collector):
    """The bots' figures."""

    bots: tuple[BotFigures, ...] | None

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        readable = GaugeMetricFamily(
            "botgraph_store_readable", "Whether the store could be read: 1 or 0.", value=float(self.bots is not None)
        )
        yield readable
        if not self.bots:
            return
        yield GaugeMetricFamily(
            "botgraph_store_bytes", "Size of the store.", value=float(self.bots[0].figures.store_bytes)
        )
        for name, text, values in _FAMILIES:
            family = GaugeMetricFamily(name, text, labels=["bot"])
            for bot in self.bots:
                value = values(bot)
                if value is not None:
                    family.add_metric([bot.bot_id], value)
            yield family
        latency = GaugeMetricFamily(
            "botgraph_bot_loop_latency_seconds",
            "Time to handle one bar, over the last 1,000.",
            labels=["bot", "quantile"],
        )
        for bot in self.bots:
            found = bot.figures.loop_latency_ms
            for quantile, milliseconds in (("0.5", found.p50), ("0.95", found.p95), ("0.99", found.p99)):
                if milliseconds is not None:
                    latency.add_metric([bot.bot_id, quantile], milliseconds / 1000)
        yield latency


def _last_tick(bot: BotFigures) -> float | None:
    at = bot.figures.last_tick_at
    return None if at is None else at.timestamp()


_FAMILIES = (
    (
        "botgraph_bot_healthy",
        "Whether the bot is HEALTHY: 1 or 0.",
        lambda bot: float(bot.summary.health_status is Health.HEALTHY),
    ),
    (
        "botgraph_bot_online",
        "Whether the bot is not OFFLINE: 1 or 0.",
        lambda bot: float(bot.summary.health_status is not Health.OFFLINE),
    ),
    ("botgraph_bot_data_age_seconds", "Since the bot last wrote.", lambda bot: bot.summary.data_age_seconds),
    ("botgraph_bot_positions", "Positions held.", lambda bot: float(bot.summary.position_count)),
    ("botgraph_bot_open_orders", "Orders that may still act.", lambda bot: float(bot.summary.open_order_count)),
    (
        "botgraph_bot_daily_pnl",
        "Equity now minus that at the session's start.",
        lambda bot: float(bot.summary.daily_pnl),
    ),
    (
        "botgraph_bot_circuit_breaker",
        "Whether the breaker stops entries: 1 or 0.",
        lambda bot: float(bot.summary.circuit_breaker_active),
    ),
    ("botgraph_bot_ticks", "Bars handled since the bot's process started.", lambda bot: float(bot.figures.ticks)),
    ("botgraph_bot_last_tick_timestamp_seconds", "When the last bar was handled.", _last_tick),
    (
        "botgraph_bot_errors_last_hour",
        "Errors stored in the last hour.",
        lambda bot: float(bot.figures.errors_last_hour),
    ),
    ("botgraph_bot_orders_last_hour", "Orders of the last hour.", lambda bot: float(bot.figures.orders_last_hour)),
    ("botgraph_bot_fills_last_hour", "Fills of the last hour.", lambda bot: float(bot.figures.fills_last_hour)),
)
"""Name, meaning and value of each figure that a bot has once."""
