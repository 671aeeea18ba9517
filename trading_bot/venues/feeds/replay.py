"""Replay: a market read from a file of candles, streamed, so that the file may be of any size."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from trading_bot.domain.market import Bar
from trading_bot.errors.fault import Fault
from trading_bot.venues.feeds.candles import digest_of_file, digest_of_lines, read_back, read_candles, read_symbols

_KEPT = 1_000  # bars of each symbol that a look back finds without reading the file again


class ReplayFeed:
    """The minutes of one file."""

    def __init__(self, path: Path) -> None:
        """Open `path`; DATA_001 when it can't be read."""
        self._path = path
        self._identity = {"feed": "replay", "sha256": digest_of_file(path)}
        self._symbols: tuple[str, ...] | None = None
        self._passed: dict[str, tuple[Bar, ...]] = {}
        self._passed_until: datetime | None = None

    @property
    def identity(self) -> dict[str, str]:
        """The file's content."""
        return self._identity

    @property
    def replay_of(self) -> str | None:
        """The file's name, without its folder."""
        return self._path.name

    def symbols(self) -> tuple[str, ...]:
        """Every symbol in the file, sorted; the first call reads all of it."""
        if self._symbols is None:
            self._symbols = read_symbols(self._path)
        return self._symbols

    def minutes(self, after: datetime | None, *, symbols: tuple[str, ...] = ()) -> Iterator[tuple[Bar, ...]]:
        """The file's bars, one minute at a time.

        Before a broken row only whole minutes come: where the row may belong to the last of them, that minute is held back, so that a
        mended file goes on with all of its bars.
        """
        pending: list[Bar] = []
        try:
            for bar in read_candles(self._path, after=after):
                if symbols and bar.symbol not in symbols:
                    continue
                if pending and bar.timestamp != pending[0].timestamp:
                    yield _sorted(pending)
                    pending = []
                pending.append(bar)
        except Fault as fault:
            if pending and fault.context.get("timestamp", "") > pending[0].timestamp.isoformat():
                yield _sorted(pending)
            raise
        if pending:
            yield _sorted(pending)

    def history(self, symbol: str, *, until: datetime, count: int) -> tuple[Bar, ...]:
        """Bars that the replay has passed; there are none before the file's first."""
        if count > _KEPT:
            return read_back(self._path, until=until, count=count).get(symbol, ())
        if self._passed_until != until:  # the first look back reads for all symbols, for they will ask next
            self._passed = read_back(self._path, until=until, count=_KEPT)
            self._passed_until = until
        return self._passed.get(symbol, ())[-count:] if count else ()

    def digest(self, lines: int) -> str | None:
        """SHA-256 of the first `lines` lines."""
        return digest_of_lines(self._path, lines)


def _sorted(bars: list[Bar]) -> tuple[Bar, ...]:
    return tuple(sorted(bars, key=lambda bar: bar.symbol))
