"""A little bot in a process of its own, to be killed: `python -m tests.venues.paper.driven HOME MINUTES MOMENT`.

It handles each minute of a simulated market by the minute alone, so it does the same again when it is started again. It dies by SIGKILL at
the given moment: just before or just after one of the ledger's commits (0: never). What it has seen and handled stands in files.
"""

import os
import signal
import sys
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from tests.venues.hand_made import MINUTE, OPEN, ManualClock, request, run
from trading_bot.domain.config import PaperVenue as PaperConfig
from trading_bot.domain.orders import Side
from trading_bot.venues.feeds.opening import open_feed
from trading_bot.venues.paper.books import Books
from trading_bot.venues.paper.ledger import Ledger
from trading_bot.venues.paper.venue import PaperVenue
from trading_bot.venues.venue import MarketUpdate

SYMBOLS = ("ACME", "BTC/USD")


class Doomed:
    """Kills its own process at a moment that is counted."""

    def __init__(self, moment: int) -> None:
        self._left = moment

    def pass_moment(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def drive(home: Path, minutes: int, moment: int) -> None:
    """Trade until that many minutes after the open have been handled."""
    doom, save = Doomed(moment), Ledger.save

    def doomed_save(self: Ledger, books: Books, *, attempt: tuple[str, str] | None = None) -> None:
        doom.pass_moment()
        save(self, books, attempt=attempt)
        doom.pass_moment()

    Ledger.save = doomed_save  # type: ignore[method-assign] # the only way to die beside a commit
    config = PaperConfig(speed=None, commission_bps=Decimal(2))
    venue = PaperVenue(home / "venue.db", config, ManualClock(), open_feed(config, SYMBOLS), SYMBOLS)
    handled = home / "handled"
    after = datetime.fromisoformat(handled.read_text()) if handled.exists() else None
    while after is None or after < OPEN + minutes * MINUTE:
        update = run(venue.next_update(after))
        assert isinstance(update, MarketUpdate)
        with (home / "seen").open("a") as seen:
            seen.write(f"{update.time.isoformat()} {[(bar.symbol, str(bar.close)) for bar in update.bars]}\n")
        act(venue, update)
        after = update.time
        (home / "handled.new").write_text(after.isoformat())
        (home / "handled.new").rename(handled)
    run(venue.close())


def act(venue: PaperVenue, update: MarketUpdate) -> None:
    """What is done in a minute follows from the minute, and may be done twice."""
    number = update.time.hour * 60 + update.time.minute
    last = {bar.symbol: bar.close for bar in update.bars}
    if number % 3 == 2:
        run(venue.cancel(f"{number - 2}-limit"))
    symbol = SYMBOLS[number % 2]
    if symbol in last:
        quantity = "3" if symbol == "ACME" else "0.0123"
        run(venue.place(request(f"{number}-limit", Side.BUY, quantity, limit=str(last[symbol]), symbol=symbol)))
        side = Side.SELL if number % 5 == 4 else Side.BUY
        run(venue.place(request(f"{number}-market", side, quantity, symbol=symbol)))


if __name__ == "__main__":
    drive(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
