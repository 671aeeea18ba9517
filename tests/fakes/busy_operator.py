"""A process that raises one figure of a bot's configuration again and again: `python -m tests.fakes.busy_operator URL TIMES NAME`.

Each time it plans on the latest version and applies; where somebody else was faster it looks, plans and tries again.
"""

import sys

from tests.config.changing import Operator
from trading_bot.clock import SystemClock
from trading_bot.errors.fault import Fault
from trading_bot.store.engine import open_engine
from trading_bot.store.store import Store


def raise_figure(url: str, times: int) -> int:
    """How often somebody else was faster."""
    clock = SystemClock()
    store = Store(open_engine(url), clock)
    operator, conflicts = Operator(store, clock), 0
    for _ in range(times):
        while True:
            try:
                figure = operator.values()["trade_sync_cutoff_minutes"]
                operator.apply({"trade_sync_cutoff_minutes": figure + 1})
                break
            except Fault as fault:
                if fault.code not in {"CFG_007", "CFG_010"}:
                    raise
                conflicts += 1
    store.close()
    return conflicts


if __name__ == "__main__":
    sys.stdout.write(f"{raise_figure(sys.argv[1], int(sys.argv[2]))}\n")
