"""A bot that only lives: it registers, gives heartbeats, and ends when asked to.

What it is told to do wrong stands in BOT_STAND_IN, and in the file `orders` of its home, which may change between two starts.
"""

import os
import signal
import sys
import threading
from dataclasses import replace

from trading_bot.clock import SystemClock
from trading_bot.domain.account import TradingMode
from trading_bot.domain.health import RunState
from trading_bot.settings import load_settings
from trading_bot.store import bots, runtime
from trading_bot.store.engine import open_engine
from trading_bot.store.store import Store

BEAT_SECONDS = 0.1


def main() -> int:
    settings = load_settings()
    later = settings.home / "orders"
    orders = os.environ.get("BOT_STAND_IN", "") + (later.read_text() if later.exists() else "")
    if "refuse" in orders:
        sys.stderr.write("CFG_001: Invalid configuration\n  Cause: risk.max_exposure_pct was 200.\n")
        return 78
    if "wait" in orders:
        sys.stderr.write("SYS_002: The store can't be used\n  Cause: The database is locked.\n")
        return os.EX_TEMPFAIL
    if "crash" in orders:
        sys.stderr.write("out of luck\n")
        return 1
    asked = threading.Event()
    signal.signal(signal.SIGTERM, lambda number, frame: None if "stubborn" in orders else asked.set())
    clock = SystemClock()
    store = Store(open_engine(settings.store_url), clock)
    with store.writing("main") as w:
        bots.register_bot(w, name="Stand-in", mode=TradingMode.PAPER, venue="paper", replay_of=None)
        runtime.begin_generation(w, pid=os.getpid())
    while True:
        with store.writing("main") as w:
            found = runtime.find_runtime(w)
            assert found is not None
            runtime.save_runtime(w, replace(found, run_state=RunState.RUNNING, last_heartbeat=clock.now()))
        if asked.wait(BEAT_SECONDS):
            return 0


if __name__ == "__main__":
    sys.exit(main())
