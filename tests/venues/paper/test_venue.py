"""The exchange as a whole: pace, identity, memory, locks, broken feeds."""

import gzip
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.venues.hand_made import MINUTE, OPEN, PLAIN, Exchange, ManualClock, bar, flat, request, run
from trading_bot.domain.config import FeedKind
from trading_bot.domain.config import PaperVenue as PaperConfig
from trading_bot.domain.market import Bar
from trading_bot.domain.orders import OrderStatus, Side
from trading_bot.errors.fault import Fault
from trading_bot.venues.feeds.opening import open_feed
from trading_bot.venues.paper.ledger import Ledger, read_ledger
from trading_bot.venues.paper.venue import PaperVenue
from trading_bot.venues.venue import FeedEnded, MarketUpdate, NotYet, Rejected, Unknown

HEADER = "timestamp,symbol,open,high,low,close,volume"


def test_venue_time_runs_at_the_speed_that_is_set(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path, flat(5), speed=60.0)  # a bar a second
    exchange.tick()

    assert run(exchange.venue.next_update(exchange.after)) == NotYet(wait_seconds=1.0)
    exchange.clock.seconds = 0.75
    assert run(exchange.venue.next_update(exchange.after)) == NotYet(wait_seconds=0.25)
    exchange.clock.seconds = 1.0
    assert exchange.tick().time == OPEN + 2 * MINUTE


def test_what_was_missed_is_not_caught_up_with_and_small_delays_do_not_add_up(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path, flat(6), speed=60.0)
    exchange.tick()
    exchange.clock.seconds = 1.25
    exchange.tick()
    assert run(exchange.venue.next_update(exchange.after)) == NotYet(wait_seconds=0.75)

    exchange.clock.seconds = 60.0
    exchange.tick(2)
    assert run(exchange.venue.next_update(exchange.after)) == NotYet(wait_seconds=1.0)


def test_a_gap_of_the_feed_takes_no_longer_than_a_bar(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path, [bar("1 1 1 1"), bar("1 1 1 1", at=5000)], speed=60.0)
    exchange.tick()

    assert run(exchange.venue.next_update(exchange.after)) == NotYet(wait_seconds=1.0)


def test_without_a_speed_nothing_waits(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path, flat(100))

    assert exchange.tick(100).time == OPEN + 100 * MINUTE


def test_the_clock_stands_still_until_the_bot_has_handled_the_minute(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path, flat(3), speed=60.0)
    first = exchange.tick()
    exchange.clock.seconds = 100.0

    assert [run(exchange.venue.next_update(None)) for _ in range(3)] == [first] * 3
    assert run(exchange.venue.account()).last_updated == first.time


def test_a_feed_ends_and_says_so_as_often_as_it_is_asked(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path, flat(2))
    last = exchange.tick(2)

    assert [run(exchange.venue.next_update(exchange.after)) for _ in range(2)] == [FeedEnded(reason="feed ended")] * 2
    assert run(exchange.venue.next_update(None)) == last


def test_everything_outlives_the_process(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path, [*flat(4), *flat(4, symbol="BOLT", price="7")], commission_bps=Decimal(3))
    exchange.tick()
    exchange.place("in")
    exchange.place("far", limit="1", quantity="3")
    update = exchange.tick()
    before = exchange.state()

    exchange.reopen()

    assert exchange.state() == before
    assert run(exchange.venue.next_update(None)) == update
    assert exchange.place("in").status is OrderStatus.FILLED
    assert exchange.tick().time == OPEN + 3 * MINUTE
    assert exchange.place("new").order_id == "o-000003"


def test_the_ledger_can_be_read_while_its_exchange_runs(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path, flat(4))
    exchange.tick()
    exchange.place("in")
    exchange.tick()
    exchange.place("out", Side.SELL, "4", limit="200")

    books = read_ledger(exchange.path)

    assert (books.clock, books.cash) == (exchange.after, Decimal("99000.00"))
    assert [(held.symbol, held.quantity) for held in books.positions] == [("ACME", Decimal(10))]
    assert [(order.client_order_id, order.status.value) for order in books.orders] == [
        ("in", "FILLED"),
        ("out", "ACCEPTED"),
    ]
    assert [(fill.id, fill.order_id) for fill in books.fills] == [("f-000001", "o-000001")]


@pytest.mark.parametrize("content", [None, b"", b"no database at all, whatever its name says"])
def test_a_ledger_that_is_none_is_a_fault(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "venue.db"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(Fault) as caught:
        read_ledger(path)
    assert (caught.value.code, caught.value.context) == ("SYS_002", {"file": "venue.db"})


def test_a_ledger_that_was_never_used_holds_no_account(tmp_path: Path) -> None:
    Ledger(tmp_path / "venue.db").close()

    with pytest.raises(Fault, match="it holds no account yet"):
        read_ledger(tmp_path / "venue.db")
    assert Exchange(tmp_path, flat(2)).cash == 100_000


def test_a_damaged_ledger_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "venue.db"
    path.write_bytes(b"no database at all" * 100)

    with pytest.raises(Fault, match="SYS_002"):
        Exchange(tmp_path, flat(1))
    assert path.read_bytes() == b"no database at all" * 100


def test_the_ledger_of_a_later_release_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "venue.db")) as connection:
        connection.execute("PRAGMA user_version = 2")

    with pytest.raises(Fault, match=r"SYS_003: venue.db has version 2, this release knows 1"):
        Exchange(tmp_path, flat(1))


def test_a_second_exchange_on_the_same_ledger_is_refused(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path, flat(2))
    script = (
        "from pathlib import Path; from trading_bot.venues.paper.ledger import Ledger\n"
        "from trading_bot.errors.fault import Fault\n"
        "try: Ledger(Path('venue.db'))\n"
        "except Fault as fault: print(fault.code, fault.context['pid'])"
    )
    root = Path(__file__).resolve().parents[3]
    other = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert other.stdout.split()[0] == "SYS_002"
    assert other.stdout.split()[1] == (tmp_path / "venue.db.lock").read_text()
    run(exchange.venue.close())
    exchange.reopen()


def test_a_second_exchange_of_the_same_process_is_refused_too(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path, flat(2))

    with pytest.raises(Fault) as caught:
        Exchange(tmp_path, flat(2))
    assert (caught.value.code, caught.value.context) == ("SYS_002", {"file": "venue.db", "pid": str(os.getpid())})
    assert exchange.tick().time == OPEN + MINUTE


def test_a_home_that_can_not_be_written_to_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where a folder should be")

    with pytest.raises(Fault, match=r"SYS_002: venue\.db can not be locked"):
        Exchange(tmp_path / "home", flat(2))


def test_a_ledger_that_another_program_writes_to_is_a_fault_and_the_exchange_goes_on_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trading_bot.venues.paper.ledger._BUSY_SECONDS", 0.01)
    exchange = Exchange(tmp_path, flat(5))
    exchange.tick()
    with closing(sqlite3.connect(exchange.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        outcome = run(exchange.venue.place(request("in")))
        assert isinstance(outcome, Unknown)
        assert "venue.db" in outcome.reason
        with pytest.raises(Fault, match="SYS_002"):
            exchange.tick()
        other.execute("ROLLBACK")

    assert exchange.tick().time == OPEN + 2 * MINUTE
    assert run(exchange.venue.order("in")) is None
    assert run(exchange.venue.open_orders()) == ()
    assert exchange.place("in").order_id == "o-000001"


def test_a_full_disk_is_a_fault_that_leaves_nothing_half_done(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path, flat(6))
    exchange.tick()
    limit = exchange.venue._ledger._connection.execute
    limit("PRAGMA max_page_count = 1")
    placed = 0
    while not isinstance(run(exchange.venue.place(request(f"order-{placed}", quantity="1"))), Unknown):
        placed += 1
        assert placed < 500

    assert len(read_ledger(exchange.path).orders) == placed == len(run(exchange.venue.open_orders()))
    assert run(exchange.venue.order(f"order-{placed}")) is None
    limit("PRAGMA max_page_count = 1000000")
    assert exchange.place(f"order-{placed}", quantity="1").order_id == f"o-{placed + 1:06}"
    assert exchange.tick().time == OPEN + 2 * MINUTE


def test_a_closed_exchange_lets_go_and_may_be_closed_again(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path, flat(2))
    run(exchange.venue.close())
    run(exchange.venue.close())

    assert isinstance(run(exchange.venue.place(request("in"))), Unknown)
    assert read_ledger(exchange.path).orders == ()


def test_the_ledger_is_for_its_owner_only(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path / "home", flat(2))

    assert [oct(path.stat().st_mode & 0o777) for path in (exchange.path.parent, exchange.path)] == ["0o700", "0o600"]


def candles(path: Path, bars: list[Bar], *, wrong: tuple[int, str] | None = None) -> Path:
    """A candle file; `wrong` replaces one line, counted from 1."""
    rows = [f"{b.timestamp:%Y-%m-%dT%H:%MZ},{b.symbol},{b.open},{b.high},{b.low},{b.close},{b.volume}" for b in bars]
    lines = [HEADER, *rows]
    if wrong:
        lines[wrong[0] - 1] = wrong[1]
    path.write_text("\n".join(lines) + "\n")
    return path


def replay(path: Path, file: Path, **changes: object) -> PaperVenue:
    config = replace(PLAIN, feed=FeedKind.REPLAY, candles=str(file), **changes)  # type: ignore[arg-type] # any field
    return PaperVenue(path / "venue.db", config, ManualClock(), open_feed(config, ()), ())


def test_a_ledger_takes_up_no_other_feed_and_no_other_starting_cash(tmp_path: Path) -> None:
    one, other = candles(tmp_path / "one.csv", flat(3)), candles(tmp_path / "other.csv", flat(4))
    run(replay(tmp_path, one).close())
    before = (tmp_path / "venue.db").read_bytes()

    with pytest.raises(Fault) as caught:
        replay(tmp_path, other)
    assert caught.value.code == "CFG_004"
    assert (caught.value.context["expected"]["file"], caught.value.context["given"]["file"]) == ("one.csv", "other.csv")
    assert caught.value.context["expected"]["sha256"] != caught.value.context["given"]["sha256"]
    with pytest.raises(Fault) as caught:
        replay(tmp_path, one, starting_cash=Decimal(5000))
    assert (caught.value.context["expected"]["starting_cash"], caught.value.context["given"]["starting_cash"]) == (
        "100000",
        "5000",
    )
    simulated = PaperConfig()
    with pytest.raises(Fault, match="CFG_004"):
        PaperVenue(tmp_path / "venue.db", simulated, ManualClock(), open_feed(simulated, ()), ())
    assert (tmp_path / "venue.db").read_bytes() == before

    renamed = one.rename(tmp_path / "renamed.csv")
    run(replay(tmp_path, renamed, starting_cash=Decimal("100000.00"), slippage_bps=Decimal(5)).close())


def test_another_seed_is_another_market(tmp_path: Path) -> None:
    for seed, code in ((7, None), (8, "CFG_004"), (7, None)):
        config = PaperConfig(seed=seed)
        if code is None:
            run(PaperVenue(tmp_path / "venue.db", config, ManualClock(), open_feed(config, ()), ()).close())
        else:
            with pytest.raises(Fault, match=code):
                PaperVenue(tmp_path / "venue.db", config, ManualClock(), open_feed(config, ()), ())


def test_the_market_stops_before_a_broken_row_and_goes_on_once_it_is_mended(tmp_path: Path) -> None:
    bars = [*flat(5), *flat(5, symbol="BOLT")]
    bars.sort(key=lambda b: (b.timestamp, b.symbol))
    file = candles(tmp_path / "bars.csv", bars, wrong=(7, "2025-01-06T14:32Z,BOLT,100,99,100,100,1"))
    venue = replay(tmp_path, file)
    update = run(venue.next_update(None))
    assert isinstance(update, MarketUpdate)
    update = run(venue.next_update(update.time))
    assert isinstance(update, MarketUpdate)

    for _ in range(2):
        with pytest.raises(Fault) as caught:
            run(venue.next_update(update.time))
        assert (caught.value.code, caught.value.context["file"], caught.value.context["line"]) == (
            "DATA_002",
            "bars.csv",
            7,
        )
    assert run(venue.account()).last_updated == update.time == OPEN + 2 * MINUTE
    run(venue.close())

    candles(file, bars)
    venue = replay(tmp_path, file)
    third = run(venue.next_update(update.time))
    assert isinstance(third, MarketUpdate)
    assert [b.symbol for b in third.bars] == ["ACME", "BOLT"]  # no bar of the broken minute is lost
    run(venue.close())

    candles(file, bars[:-1])
    with pytest.raises(Fault, match="CFG_004"):
        replay(tmp_path, file)


def test_a_mended_file_may_not_differ_before_the_broken_row(tmp_path: Path) -> None:
    file = candles(tmp_path / "bars.csv", flat(5), wrong=(4, "nonsense"))
    venue = replay(tmp_path, file)
    first = run(venue.next_update(None))
    assert isinstance(first, MarketUpdate)
    with pytest.raises(Fault, match="DATA_002"):
        run(venue.next_update(first.time))
    run(venue.close())

    candles(file, flat(5, price="101"))
    with pytest.raises(Fault, match="CFG_004"):
        replay(tmp_path, file)


def test_a_file_whose_first_row_is_broken_does_not_bind_the_home(tmp_path: Path) -> None:
    file = candles(tmp_path / "bars.csv", flat(3), wrong=(2, "nonsense"))
    with pytest.raises(Fault, match="DATA_002"):
        replay(tmp_path, file)

    candles(file, flat(3))
    assert run(replay(tmp_path, file).account()).last_updated == OPEN


def test_a_file_without_rows_is_no_market(tmp_path: Path) -> None:
    with pytest.raises(Fault, match="DATA_001: The candle file has no rows"):
        replay(tmp_path, candles(tmp_path / "bars.csv", []))


def test_a_symbol_that_the_feed_lacks_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(Fault) as caught:
        Exchange(tmp_path, flat(2), symbols=("ACME", "NOPE"))
    assert (caught.value.code, caught.value.context) == (
        "CFG_001",
        {"field": "symbols", "missing": ["NOPE"], "known": ["ACME"]},
    )


def test_only_the_symbols_asked_for_are_traded_but_what_is_held_stays(tmp_path: Path) -> None:
    bars = [*flat(6), *flat(6, symbol="BOLT"), *flat(6, symbol="CRUX")]
    exchange = Exchange(tmp_path, bars, symbols=("ACME", "BOLT"))
    assert [b.symbol for b in exchange.tick().bars] == ["ACME", "BOLT"]
    assert exchange.refusal("in", symbol="CRUX") == "CRUX is not traded here"
    exchange.place("in", symbol="BOLT")
    exchange.tick()

    exchange._symbols = ("ACME",)
    exchange.reopen()

    assert run(exchange.venue.symbols()) == ("ACME", "BOLT")
    exchange.place("out", Side.SELL, symbol="BOLT")
    assert [b.symbol for b in exchange.tick().bars] == ["ACME", "BOLT"]
    exchange.reopen()
    assert run(exchange.venue.symbols()) == ("ACME",)


def test_bars_never_come_from_beyond_the_clock(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path, flat(9))
    exchange.tick(3)

    seen = run(exchange.venue.bars("ACME", until=OPEN + 9 * MINUTE, count=100))

    assert [b.timestamp for b in seen] == [OPEN, OPEN + MINUTE, OPEN + 2 * MINUTE]
    exchange.tick()
    assert len(run(exchange.venue.bars("ACME", until=OPEN + 9 * MINUTE, count=100))) == 4
    assert run(exchange.venue.bars("ACME", until=OPEN + 9 * MINUTE, count=0)) == ()
    assert run(exchange.venue.bars("NOPE", until=OPEN + 9 * MINUTE, count=5)) == ()


def test_a_simulated_market_starts_with_a_past_and_at_its_open(tmp_path: Path) -> None:
    config = PaperConfig(speed=None)
    venue = PaperVenue(tmp_path / "venue.db", config, ManualClock(), open_feed(config, ()), ())

    assert run(venue.account()).last_updated == OPEN
    assert run(venue.symbols()) == ("ACME", "BOLT", "CRUX", "DYNA")
    assert len(run(venue.bars("BOLT", until=OPEN, count=2000))) == 2000
    assert run(venue.quote("BOLT")).timestamp == datetime(2025, 1, 3, 21, 0, tzinfo=UTC)
    assert (venue.name, venue.dedupes, venue.replay_of) == ("paper", True, None)


def test_a_quote_without_a_price_is_a_fault(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path, [*flat(3), bar("5 5 5 5", symbol="LATE", at=2)])
    exchange.tick()

    with pytest.raises(Fault, match="DATA_004"):
        run(exchange.venue.quote("LATE"))


def test_a_cancel_says_when_there_is_nothing_to_cancel(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path, flat(2))

    assert run(exchange.venue.cancel("never")) == Rejected(code="ORD_004", reason="there is no such order")


@pytest.mark.parametrize("name", ["bars.csv", "bars.csv.gz"])
def test_a_replay_names_its_file(tmp_path: Path, name: str) -> None:
    file = candles(tmp_path / "bars.csv", flat(3))
    if name.endswith("gz"):
        (tmp_path / name).write_bytes(gzip.compress(file.read_bytes()))

    assert replay(tmp_path, tmp_path / name).replay_of == name


def test_the_same_run_gives_the_same_ledger_to_the_last_digit(tmp_path: Path) -> None:
    ledgers = []
    for number in range(2):
        exchange = Exchange(
            tmp_path / str(number), [*flat(30), *flat(30, symbol="BTC/USD", price="77.7")], slippage_bps=Decimal(7)
        )
        for minute in range(29):
            exchange.tick()
            side = Side.SELL if minute % 3 == 2 else Side.BUY
            run(exchange.venue.place(request(f"o{minute}", side, "3", symbol=("ACME", "BTC/USD")[minute % 2])))
        ledgers.append(repr(read_ledger(exchange.path)))

    assert ledgers[0] == ledgers[1]
    assert ledgers[0].count("VenueFill(") > 15
