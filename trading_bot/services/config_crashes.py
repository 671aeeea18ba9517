"""Config crashes: what is laid at the door of a new version while the bot can't watch over it itself: its crashes, and its silence.

The supervisor calls these, each one short transaction. A version under which the bot crashed twice is taken back, and so is one that no
bot took on in time or that nobody watched to its end.
"""

from dataclasses import replace

from trading_bot.domain.config_changes import AdoptionStatus
from trading_bot.domain.config_versions import ADOPT_WITHIN, MOST_CRASHES
from trading_bot.domain.health import OFFLINE_AFTER_SECONDS
from trading_bot.services.config_versions import take_back
from trading_bot.store import config_changes, runtime
from trading_bot.store.store import Store

USER = "supervisor"


def note_crash(store: Store, bot_id: str, *, generation: int) -> int | None:
    """Count the end of that process of the bot, which nobody asked for, against the version in force or on its way.

    Gives the version that was written to take it back after the second one; null where it stays. Raises the store's Faults.
    """
    with store.reading(bot_id) as r:
        latest = config_changes.find_change(r)
        if latest is None or not latest.is_new(r.now):
            return None
    with store.writing(bot_id) as w:
        change = config_changes.find_change(w)
        if change is None or not change.is_new(w.now):
            return None
        counted = replace(change, crashes=change.crashes + 1)
        config_changes.save_change(w, counted)
        if counted.crashes < MOST_CRASHES:
            return None
        why = f"The bot's process ended {counted.crashes} times under it without being asked to, last generation {generation}."
        status = AdoptionStatus.REVERTED if counted.adopted_at is not None else AdoptionStatus.REFUSED
        made = take_back(w, counted, status=status, why=why, user=USER)
        return made.version if made is not None else None


def note_silence(store: Store, bot_id: str) -> int | None:
    """Take back a version that no bot took on within its limit, or whose watch ended without a sign of life of the bot.

    Gives the version that was written for it; null where there is nothing to take back. Raises the store's Faults.
    """
    with store.reading(bot_id) as r:
        latest = config_changes.find_change(r)
        if latest is None or (latest.watched_until is None and not latest.is_overdue(r.now)):
            return None
    with store.writing(bot_id) as w:
        change = config_changes.find_change(w)
        if change is None:
            return None
        if change.is_overdue(w.now):
            why = f"No bot took it on within {ADOPT_WITHIN.total_seconds():.0f} s."
            made = take_back(w, change, status=AdoptionStatus.REFUSED, why=why, user=USER)
            return made.version if made is not None else None
        known = runtime.find_runtime(w)
        last = known.last_heartbeat if known is not None else None
        silent = (w.now - last).total_seconds() if last is not None else float("inf")
        if change.watched_until is None or w.now < change.watched_until or silent <= OFFLINE_AFTER_SECONDS:
            return None
        why = f"The bot gave no sign of life for {silent:.0f} s while it was watched."
        made = take_back(w, change, status=AdoptionStatus.REVERTED, why=why, user=USER)
        return made.version if made is not None else None
