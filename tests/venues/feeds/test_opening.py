from pathlib import Path

import pytest

from trading_bot.domain.config import FeedKind
from trading_bot.domain.config import PaperVenue as PaperConfig
from trading_bot.errors.fault import Fault
from trading_bot.venues.feeds.opening import open_feed


def test_the_default_is_a_simulated_market_of_equities() -> None:
    feed = open_feed(PaperConfig(), ())

    assert (feed.symbols(), feed.replay_of) == (("ACME", "BOLT", "CRUX", "DYNA"), None)
    assert feed.identity == {"feed": "simulated", "seed": "7"}


def test_the_simulated_market_has_the_symbols_that_are_asked_for() -> None:
    assert open_feed(PaperConfig(), ("SOL/USD", "ACME")).symbols() == ("ACME", "SOL/USD")


def test_a_symbol_that_is_none_is_a_fault_of_the_configuration() -> None:
    with pytest.raises(Fault) as caught:
        open_feed(PaperConfig(), ("ACME", "TOOLONG"))
    assert (caught.value.code, caught.value.context) == ("CFG_001", {"field": "symbols"})


def test_a_replay_has_the_symbols_of_its_file(tmp_path: Path) -> None:
    file = tmp_path / "bars.csv"
    file.write_text("timestamp,symbol,open,high,low,close,volume\n2025-01-06T14:30:00Z,IBM,1,1,1,1,1\n")

    assert open_feed(PaperConfig(feed=FeedKind.REPLAY, candles=str(file)), ("ACME",)).symbols() == ("IBM",)


def test_a_replay_needs_its_file(tmp_path: Path) -> None:
    with pytest.raises(Fault, match=r"DATA_001: none.csv: No such file or directory"):
        open_feed(PaperConfig(feed=FeedKind.REPLAY, candles=str(tmp_path / "none.csv")), ())
