"""A disk that takes no more: the audit log alone, then the store as well. Nothing leaves, nothing is lost, and all goes on by itself."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from decimal import Decimal
from pathlib import Path

import pytest

from tests.fakes.scripted import bar, proposal
from tests.fakes.scripted_bot import ScriptedBot, scripted_bot
from trading_bot.clock import SystemClock
from trading_bot.domain.orders import Leg, OrderStatus
from trading_bot.domain.streams import STREAMS
from trading_bot.errors.fault import Fault
from trading_bot.logs.audit import AuditLog
from trading_bot.store import outbox
from trading_bot.venues.paper.ledger import read_ledger

pytestmark = pytest.mark.anyio

# The stop at 99 is met at bar 5; the market stays there.
FALLS = [*(bar(index, "100") for index in range(5)), *(bar(index, "98") for index in range(5, 40))]
PADDING = 24_000_000  # more than the store and its journal take


class Padded:
    """A record that makes the log's file longer than the store's, so that a limit of a file's size meets the log first."""

    stream = "orders"

    def __init__(self, number: int) -> None:
        self.id = number
        self.record = {"bot_id": "padding", "entity": "padding", "note": "x" * 100_000}


def pad(home: Path) -> Path:
    """The log of `home` with a long file for orders, and that file."""
    log = AuditLog(home / "logs", SystemClock())
    log.append_all([Padded(number) for number in range(1, PADDING // 100_000 + 1)])
    log.close()
    (file,) = (home / "logs").glob("orders-*.jsonl")
    return file


@contextmanager
def limited_to(size: int) -> Iterator[None]:
    """No file of this process may grow beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def sent(home: Path) -> list[str]:
    return [order.client_order_id for order in read_ledger(home / "venue.db").orders]


def check(bot: ScriptedBot, name: str) -> bool:
    return not bot.bot.loop._vitals.is_failing(name)


def all_is_logged(bot: ScriptedBot, home: Path) -> None:
    """Nothing waits, every stream verifies, and every order and fill stands in the log as it stands in the store."""
    with bot.bot.store.reading("main") as r:
        assert [row.id for row in outbox.list_outbox(r, 10) if row.id > bot.bot.journal._delivered] == []
    log = AuditLog(home / "logs", SystemClock())
    assert [stream for stream in STREAMS if not log.verify(stream).ok] == []
    lines = [line for line in log.read("orders") if line["bot_id"] == "main"]
    plan = bot.plan()
    for order in (*bot.orders(plan, Leg.ENTRY), *bot.orders(plan, Leg.EXIT)):
        own = [
            line for line in lines if line.get("client_order_id") == order.client_order_id and line["entity"] == "order"
        ]
        assert own[-1]["status"] == order.status.value
    assert len([line for line in lines if line["entity"] == "fill"]) == len(read_ledger(home / "venue.db").fills)


async def test_while_the_log_is_full_no_order_leaves_and_nothing_is_lost(home: Path) -> None:
    file = pad(home)
    async with scripted_bot(home, FALLS) as bot:
        await bot.bar()
        plan = await bot.enter(proposal(target=None))
        await bot.bar(2)
        assert bot.held() == 10
        before = sent(home)

        with limited_to(file.stat().st_size + 100):
            await bot.bar(6)  # the stop is met, and the exit can't be recorded
            assert bot.plan().exit_reason is not None
            assert sent(home) == before
            assert (await bot.at_venue(), bot.held()) == (Decimal(10), Decimal(10))
            with pytest.raises(Fault) as refusal:
                await bot.enter(proposal(symbol="ACME", target=None))
            assert refusal.value.code == "SYS_005"
            assert len(bot.errors("SYS_005")) >= 1
            assert not check(bot, "audit_log")

        await bot.bar(4)
        assert (await bot.at_venue(), bot.held()) == (Decimal(0), Decimal(0))
        assert check(bot, "audit_log")
        assert [order.status for order in bot.orders(plan, Leg.EXIT)][-1] is OrderStatus.FILLED
        all_is_logged(bot, home)


async def test_while_the_store_is_full_nothing_leaves_and_the_bar_is_handled_again(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Brought in meanwhile, the journal would begin again at its start, where there is room.
    monkeypatch.setattr("trading_bot.bootstrap.checkpointed", lambda engine: nullcontext())
    async with scripted_bot(home, FALLS) as bot:
        await bot.bar()
        await bot.enter(proposal(target=None))
        await bot.bar(2)
        assert bot.held() == 10
        before, cursor = sent(home), bot.now

        with limited_to((home / "botgraph.db-wal").stat().st_size):
            await bot.bar(6)
            assert not check(bot, "store")
            assert (bot.now, sent(home)) == (cursor, before)

        await bot.bar(8)
        assert (await bot.at_venue(), bot.held()) == (Decimal(0), Decimal(0))
        assert (check(bot, "store"), check(bot, "audit_log")) == (True, True)
        all_is_logged(bot, home)


async def test_a_log_that_can_not_be_written_is_stored_as_an_error_before_anything_is_to_leave(home: Path) -> None:
    file = pad(home)
    async with scripted_bot(home, FALLS) as bot:
        await bot.bar()
        with limited_to(file.stat().st_size):
            with bot.bot.store.writing("main") as w:
                w.log("orders", {"entity": "note"})
            bot.bot.journal.drain()
            await bot.bar(2)
            assert [error.context["stream"] for error in bot.errors("SYS_005")] == ["orders"]
            assert not check(bot, "audit_log")

        bot.bot.journal.drain()
        await bot.bar()
        assert check(bot, "audit_log")
        assert bot.bot.journal.log_fault is None


def test_a_bot_that_can_not_start_on_a_full_disk_says_by_its_exit_code_that_it_waits(home: Path) -> None:
    """Its last words find no room either: the supervisor has to tell it from one that crashes without a word."""
    argv = ["/bin/sh", "-c", 'ulimit -f 0; exec "$0" -m trading_bot 2> /dev/full', sys.executable]
    ended = subprocess.run(argv, env={**os.environ, "BOTGRAPH_HOME": str(home)}, check=False)

    assert ended.returncode == os.EX_TEMPFAIL
