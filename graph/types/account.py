"""Account: money at the venue."""

from datetime import datetime
from decimal import Decimal

from graph.describes import describes, publish
from trading_bot.domain import account

publish(account.TradingMode)


@describes(account.Account)
class AccountStatus:
    buying_power: Decimal
    account_balance: Decimal
    cash_balance: Decimal
    day_trade_count: int
    last_updated: datetime
