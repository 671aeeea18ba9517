"""The performance watch: figures over the last trades after each closed one, in the transaction that closes it.

A late fill that changes a trade which was closed makes everything that counted it again, from what the store holds: the totals, the
sessions and all figures. That is rare, and the only way to be exact.
"""

from dataclasses import replace

from trading_bot.domain.books import Books
from trading_bot.domain.limits import AlertThresholds
from trading_bot.domain.money import ZERO
from trading_bot.domain.performance import Record
from trading_bot.domain.trades import Outcome, Trade
from trading_bot.domain.watch import WINDOW, Window, measured
from trading_bot.store import performance_metrics as metrics
from trading_bot.store import sessions, trades
from trading_bot.store.session_stats import rebuild_session, sessions_of_trade
from trading_bot.store.store import Reading, Writing


def watched(w: Writing, before: Books, after: Books, thresholds: AlertThresholds) -> Books:
    """Take what happened to trades into the figures; `before` is stored, and so are the fills and trades of `after`.

    Gives the books with the totals that hold, which a late fill makes differ from `after`'s.
    """
    changed = [trade for trade in after.trades.values() if before.trades.get(trade.id) != trade]
    late = [trade for trade in changed if _was_closed(before, trade)]
    if late:
        return _made_again(w, after, late, thresholds)
    closed = {trade.id for trade in changed if trade.outcome is not Outcome.OPEN}
    if closed:
        _measure(w, closed, after.record, thresholds)
    return after


def rebuild_metrics(w: Writing, thresholds: AlertThresholds) -> None:
    """Make the figures after every closed trade again."""
    window = _first_window(w)
    for result in list(metrics.list_results(w)):
        window = window.after(result.net)
        metrics.save_metric(w, measured(window, result, thresholds))


def rebuild_record(r: Reading) -> Record:
    """The totals over all closed trades, made again."""
    record = Record()
    for trade in trades.list_closed_trades(r):
        record = record.with_trade(trade)
    return record


def _measure(w: Writing, closed: set[str], record: Record, thresholds: AlertThresholds) -> None:
    """The figures after trades that were just closed, from the last ones alone where these are the latest."""
    results = metrics.list_last_results(w, WINDOW + len(closed))
    if {result.trade_id for result in results[-len(closed) :]} != closed:
        rebuild_metrics(w, thresholds)  # an exit that was reported late is not the latest
        return
    earlier = record.realized - sum((result.net for result in results), ZERO)
    window = Window(capital=_first_window(w).capital + earlier)
    for result in results:
        window = window.after(result.net)
        if result.trade_id in closed:
            metrics.save_metric(w, measured(window, result, thresholds))


def _made_again(w: Writing, books: Books, late: list[Trade], thresholds: AlertThresholds) -> Books:
    for trade in late:
        if trade.outcome is Outcome.OPEN:
            metrics.delete_metric(w, trade.id)
    rebuild_metrics(w, thresholds)
    current = books.session
    touched = {session_id for trade in late for session_id in sessions_of_trade(w, trade.id)}
    for session_id in sorted(touched | ({current.id} if current is not None else set())):
        session = rebuild_session(w, session_id)
        sessions.save_session(w, session)
        if current is not None and session_id == current.id:
            books = replace(books, session=session)
    return replace(books, record=rebuild_record(w))


def _first_window(r: Reading) -> Window:
    return Window(capital=metrics.find_first_capital(r) or ZERO)


def _was_closed(books: Books, trade: Trade) -> bool:
    known = books.trades.get(trade.id)
    return known is not None and known.outcome is not Outcome.OPEN
