"""Log numbers: at each start the numbers of store and log are held against each other.

The log tells by its number whether it has a record, and would pass over a new one under an old number: so a store that was put back from
an older copy gets numbers beyond the log's. And a log that ends before what the store knows was in it has lost its end, which no sum in it
could show.
"""

from trading_bot.errors.fault import Fault
from trading_bot.logs.audit import AuditLog
from trading_bot.store import errors, outbox
from trading_bot.store.store import Store

_MANY = 1_000_000


def settle_numbers(store: Store, log: AuditLog, bot_id: str, generation: int) -> None:
    """Bring the outbox's numbers beyond those that the log has; what waits under a number of another record gets a new one.

    LOG_003 is stored where that was needed, LOG_002 where the log has lost its end. SYS_005 when the log can't be read.
    """
    logged = log.last_number(bot_id)
    with store.reading(bot_id) as r:
        given, delivered = outbox.last_number(r), outbox.last_delivered(r)
        waiting = outbox.list_outbox(r, _MANY) if given < logged else ()
    if logged < delivered:
        cause = f"The log ends with record {logged} of the outbox; the store knows that {delivered} was in it."
        _report(store, bot_id, generation, Fault("LOG_002", cause, context={"log": logged, "store": delivered}))
    if given >= logged:
        return
    known = _known(log, bot_id, {row.stream for row in waiting})
    cause = f"The log has records up to number {logged}, the store gave {given} at most."
    with store.writing(bot_id, generation) as w:
        outbox.raise_numbers(w, logged)
        for row in waiting:
            if (row.stream, row.id, row.record["recorded_at"]) not in known:
                outbox.renumber(w, row)
    _report(store, bot_id, generation, Fault("LOG_003", cause, context={"log": logged, "store": given}))


def _report(store: Store, bot_id: str, generation: int, fault: Fault) -> None:
    with store.writing(bot_id, generation) as w:
        errors.save_error(w, fault.semantic(now=w.now))


def _known(log: AuditLog, bot_id: str, streams: set[str]) -> set[tuple[str, int, str]]:
    """What the log has of the bot in these streams: stream, number, and when it was recorded."""
    return {
        (stream, line["outbox"], line.get("recorded_at", ""))
        for stream in streams
        for line in log.read(stream)
        if line.get("bot_id") == bot_id
    }
