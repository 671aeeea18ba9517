"""Counters: how much the API has answered, and how fast. Used from the event loop only."""

from collections import deque
from dataclasses import dataclass, field

from trading_bot.domain.state import Quantiles

REMEMBERED = 1000


@dataclass(slots=True, kw_only=True)
class Counters:
    """What the server has done since it started."""

    started: float
    """Monotonic seconds at the start."""
    requests: int = 0
    """Requests answered, and operations carried out over WebSocket."""
    subscribers: int = 0
    """Subscriptions that are open now."""
    cache_hits: int = 0
    """Answers that came from the cache."""
    cache_misses: int = 0
    """Answers that could have come from it, and were made anew."""
    facts_reused: int = 0
    """Readings of the state that found nothing new in the store."""
    facts_read: int = 0
    """Readings of the state that were made anew."""
    written: int = 0
    """Answers to subscriptions that were made, each for all who share it."""
    sent: int = 0
    """Answers to subscriptions that were sent, one for each who was shown one."""
    skipped: int = 0
    """Answers that a slow reader was not sent when they were made; it got the newest later."""
    latencies_ms: deque[float] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    """Time to answer, in milliseconds, of the last 1,000."""

    def answered(self, milliseconds: float) -> None:
        """Note one answer."""
        self.requests += 1
        self.latencies_ms.append(milliseconds)

    def shown(self, *, in_time: bool) -> None:
        """Note one answer to a subscription that a socket was sent, or was too slow for."""
        if in_time:
            self.sent += 1
        else:
            self.skipped += 1

    @property
    def hit_rate(self) -> float | None:
        """Share of answers that came from the cache, of those that could have, 0 to 1; null before the first."""
        answers = self.cache_hits + self.cache_misses
        return round(self.cache_hits / answers, 4) if answers else None


def quantiles(values: deque[float]) -> Quantiles:
    """p50, p95 and p99 of `values`, each the smallest value that so many are at most; null without values."""
    ordered = sorted(values)
    if not ordered:
        return Quantiles(p50=None, p95=None, p99=None)
    p50, p95, p99 = (round(ordered[(len(ordered) * share - 1) // 100], 3) for share in (50, 95, 99))
    return Quantiles(p50=p50, p95=p95, p99=p99)
