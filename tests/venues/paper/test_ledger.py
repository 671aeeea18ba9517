"""The exchange's ledger as a file: it outlives the process, belongs to one exchange at a time, and is never half written."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from tests.venues.hand_made import MINUTE, OPEN, Exchange, flat, request, run
from trading_bot.domain.orders import OrderStatus, Side
from trading_bot.errors.fault import Fault
from trading_bot.venues.paper.ledger import Ledger, read_ledger
from trading_bot.venues.venue import Unknown


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
