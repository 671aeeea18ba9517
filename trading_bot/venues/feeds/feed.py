"""Feed: a market that has been written down or is made up, minute by minute."""

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

from trading_bot.domain.market import Bar


class Feed(Protocol):
    """Bars of one-minute length, the same at every reading."""

    @property
    def identity(self) -> dict[str, str]:
        """What makes this feed this one and no other: a ledger takes up no other feed."""
        ...

    @property
    def replay_of(self) -> str | None:
        """Name of the file that is replayed; null for a market that is made up."""
        ...

    def symbols(self) -> tuple[str, ...]:
        """Every symbol that the feed has, sorted."""
        ...

    def minutes(self, after: datetime | None, *, symbols: tuple[str, ...] = ()) -> Iterator[tuple[Bar, ...]]:
        """All bars of one timestamp at a time, by symbol, strictly later each time, from the first one later than `after`.

        Of `symbols` only, when there are any; a minute without a bar of them does not come. Ends where the feed ends; raises a Fault
        where it can't be read on.
        """
        ...

    def history(self, symbol: str, *, until: datetime, count: int) -> tuple[Bar, ...]:
        """The last `count` bars of `symbol` that were over at `until`, oldest first; fewer where the feed has no more."""
        ...

    def digest(self, lines: int) -> str | None:
        """SHA-256 of the first `lines` lines, by which a mended file is known again; null for a market that is made up."""
        ...
