"""Accounts: the money at the venue, as last seen."""

from trading_bot.domain.account import Account
from trading_bot.store.rows import made, of_bot, put, select_of, values_of
from trading_bot.store.tables import accounts
from trading_bot.store.transaction import Reading, Writing


def save_account(w: Writing, account: Account) -> None:
    """Keep the account as last seen."""
    put(w, accounts, values_of(account))


def find_account(r: Reading) -> Account | None:
    """The account as last seen; null before the first look."""
    row = r.connection.execute(select_of(Account, accounts).where(of_bot(r, accounts))).one_or_none()
    return None if row is None else made(Account, row)
