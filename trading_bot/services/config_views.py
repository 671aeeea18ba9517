"""Config views: what a change of the configuration is judged against, as the store has it: for the API, the terminal and the bot alike."""

from decimal import Decimal

from trading_bot.domain.config_changes import ConfigView
from trading_bot.domain.sessions import daily_pnl
from trading_bot.store import accounts, listings, orders, plans, positions, quotes, sessions
from trading_bot.store.transaction import Reading


def view_of(r: Reading) -> ConfigView:
    """The running bot in one consistent reading."""
    account, session = accounts.find_account(r), sessions.find_current_session(r)
    held = positions.list_positions(r)
    spreads = {quote.symbol: quote.spread_pct for quote in quotes.list_quotes(r)}
    return ConfigView(
        now=r.now,
        symbols=listings.find_listed(r),
        spreads={symbol: Decimal(str(spread)) for symbol, spread in spreads.items() if spread is not None},
        open_plans=plans.list_open_plans(r),
        open_orders=len(orders.list_live_orders(r)),
        held=frozenset(position.symbol for position in held),
        equity=account.account_balance if account is not None else None,
        daily_pnl=daily_pnl(session, held) if session is not None else None,
    )
