"""Positions: what the bot holds."""

from datetime import datetime
from decimal import Decimal

from graph.describes import describes
from graph.types.plans import TradePlan
from trading_bot.domain import positions


@describes(positions.Position)
class PositionDisplay:
    symbol: str
    quantity: Decimal
    entry_price: Decimal
    current_price: Decimal
    unrealized_pl: Decimal
    unrealized_pl_pct: Decimal
    last_updated: datetime
    plan: TradePlan | None
