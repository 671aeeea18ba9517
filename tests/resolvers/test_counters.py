"""Counters: quantiles of the last answers."""

from collections import deque

from resolvers.counters import Counters, quantiles
from trading_bot.domain.state import Quantiles


def test_quantiles_are_values_that_were_seen() -> None:
    assert quantiles(deque(float(n) for n in range(100, 0, -1))) == Quantiles(p50=50.0, p95=95.0, p99=99.0)
    assert quantiles(deque([7.0])) == Quantiles(p50=7.0, p95=7.0, p99=7.0)
    assert quantiles(deque([1.0, 2.0])) == Quantiles(p50=1.0, p95=2.0, p99=2.0)


def test_without_values_there_are_no_quantiles() -> None:
    assert quantiles(deque()) == Quantiles(p50=None, p95=None, p99=None)


def test_only_the_last_thousand_answers_count() -> None:
    counters = Counters(started=0.0)
    for number in range(1500):
        counters.answered(float(number))

    assert (counters.requests, len(counters.latencies_ms), min(counters.latencies_ms)) == (1500, 1000, 500.0)


def test_a_hit_rate_needs_a_reading() -> None:
    counters = Counters(started=0.0)
    assert counters.hit_rate is None
    counters.cache_hits = 3
    counters.cache_misses = 1

    assert counters.hit_rate == 0.75
