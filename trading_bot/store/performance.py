"""Performance: the running totals over closed trades."""

from trading_bot.domain.performance import Record
from trading_bot.store.rows import made, of_bot, put, select_of, values_of
from trading_bot.store.tables import records
from trading_bot.store.transaction import Reading, Writing


def save_record(w: Writing, record: Record) -> None:
    """Keep the totals; in the transaction that closes the trade which they now count."""
    put(w, records, values_of(record))


def find_record(r: Reading) -> Record:
    """The totals so far; all zero before the first closed trade."""
    row = r.connection.execute(select_of(Record, records).where(of_bot(r, records))).one_or_none()
    return Record() if row is None else made(Record, row)
