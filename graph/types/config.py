"""Configuration: the highlights of what is in force."""

from decimal import Decimal

from graph.describes import describes
from trading_bot.domain import account, config


@describes(config.ConfigSummary)
class ConfigSummary:
    mode: account.TradingMode
    max_position_size_pct: float
    daily_loss_limit: Decimal
    version: int
    strategies: list[str]
    symbols: list[str]
