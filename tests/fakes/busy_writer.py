"""A process that writes one bot's account and events as fast as it can: `python -m tests.fakes.busy_writer URL COUNT [MOST_SECONDS]`.

In every transaction balance, buying power and day trades are the same number, which is also the number of the event that it appends.
"""

import sys
from decimal import Decimal

from tests.domain.samples import sample_account
from trading_bot.clock import SystemClock
from trading_bot.domain.events import EventKind
from trading_bot.store import accounts
from trading_bot.store.engine import open_engine
from trading_bot.store.store import Store


def write(url: str, count: int) -> None:
    """`count` transactions, each with one account and one event."""
    store = Store(open_engine(url), SystemClock())
    for _ in range(count):
        with store.writing("main") as w:
            number = w.changed(EventKind.HEALTH, "main", "One more.", {})
            same = Decimal(number)
            accounts.save_account(w, sample_account(account_balance=same, buying_power=same, day_trade_count=number))
    store.close()


if __name__ == "__main__":
    write(sys.argv[1], int(sys.argv[2]))
