"""Whether a home is as it must be: its files, and what store, log and ledger say of each other."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.playing import left_behind
from trading_bot.clock import SystemClock
from trading_bot.domain.streams import STREAMS
from trading_bot.errors.fault import Fault
from trading_bot.logs.audit import AuditLog
from trading_bot.settings import Settings
from trading_bot.store import outbox
from trading_bot.store.engine import open_engine
from trading_bot.store.store import Store
from trading_bot.venues.paper.ledger import read_ledger

CLOCK = SystemClock()


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def is_sound(settings: Settings) -> bool:
    """Whether the log verifies, agrees with the store's numbers, and the exchange has every fill that the store has."""
    log = AuditLog(settings.logs_dir, CLOCK)
    engine = open_engine(settings.store_url)
    with Store(engine, CLOCK).reading("main") as r:
        given, waiting = outbox.last_number(r), len(outbox.list_outbox(r, 10_000))
    engine.dispose()
    if settings.store_url.startswith("postgresql"):
        waiting = given  # other bots take numbers of the same sequence, and a transaction that was rolled back
    ours = {fill.id for fill in left_behind(settings.store_url)["fills"]}
    return (
        all(log.verify(stream).ok for stream in STREAMS)
        and given - waiting <= log.last_number("main") <= given
        and ours <= {fill.id for fill in read_ledger(settings.venue_file).fills}
    )


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(Fault) as refusal:
        act()
    return refusal.value.code
