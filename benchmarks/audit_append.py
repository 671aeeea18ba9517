"""What a durable line of the audit log costs, beside a bare write of the same bytes with the same sync."""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.table import Table
from tests.domain.samples import sample_order
from trading_bot.clock import SystemClock
from trading_bot.logs.audit import AuditLog
from trading_bot.services.records import order_record

LIMIT = 1.3
_APPENDS = 20  # in one go, before the other side has its turn


def run(quick: bool) -> Table:  # noqa: FBT001 - every benchmark has this signature
    """Medians over rounds in which both sides take turns."""
    rounds = 40 if quick else 400
    with tempfile.TemporaryDirectory(prefix="botgraph-bench-") as folder:
        ours, bare = _sides(Path(folder))
        pairs = [_pair(ours, bare, swapped=number % 2 == 1) for number in range(rounds)]
    mean_ours, mean_bare = (statistics.median(side) * 1e6 for side in zip(*pairs, strict=True))
    ratio = statistics.median(one / other for one, other in pairs)
    return Table(
        title="A durable append to the audit log",
        columns=("append µs", "bare write + fdatasync µs", "ratio", "limit"),
        rows=((f"{mean_ours:.0f}", f"{mean_bare:.0f}", f"{ratio:.2f}", f"{LIMIT}"),),
        note=(
            f"One order's record of some 700 bytes: numbered, chained, locked against other writers, written, synced. Medians of {rounds} "
            f"interleaved rounds of {_APPENDS}; the ratio is the median of the pairs."
        ),
    )


def _sides(folder: Path) -> tuple[Callable[[], None], Callable[[], None]]:
    log = AuditLog(folder / "logs", SystemClock())
    record = {**order_record(sample_order()), "recorded_at": "2026-03-02T15:00:00Z", "bot_id": "main"}
    log.append("orders", 1, record)
    line = next((folder / "logs").glob("orders-*.jsonl")).read_bytes()
    file = os.open(folder / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    number = 1

    def ours() -> None:
        nonlocal number
        number += 1
        log.append("orders", number, record)

    def bare() -> None:
        os.write(file, line)
        os.fdatasync(file)

    return ours, bare


def _pair(ours: Callable[[], None], bare: Callable[[], None], *, swapped: bool) -> tuple[float, float]:
    """Seconds for one append on each side, one after the other."""
    if swapped:
        second, first = _seconds(bare), _seconds(ours)
    else:
        first, second = _seconds(ours), _seconds(bare)
    return first, second


def _seconds(act: Callable[[], None]) -> float:
    begun = time.perf_counter()
    for _ in range(_APPENDS):
        act()
    return (time.perf_counter() - begun) / _APPENDS
