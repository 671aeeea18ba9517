"""The demo bot's day of trading: two closed trades and an open one, with what decided them and what they left."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from trading_bot.domain.account import Account, TradingMode
from trading_bot.domain.config import BotConfig
from trading_bot.domain.decisions import Decision, Verdict
from trading_bot.domain.fills import Fill, Liquidity
from trading_bot.domain.orders import ClientOrderId, Leg, Order, OrderStatus, OrderType, Side, plan_id_from
from trading_bot.domain.plans import PlanStatus, TradePlan
from trading_bot.domain.positions import Lot, Position
from trading_bot.domain.sessions import BotSession, session_id
from trading_bot.domain.trades import Trade, trade_of
from trading_bot.services.configuration import config_hash, config_values

BOT = "main"
VENUE_NOW = datetime(2013, 10, 8, 14, 32, tzinfo=UTC)
SESSION_START = datetime(2013, 10, 8, 13, 30, tzinfo=UTC)
SESSION = session_id(BOT, SESSION_START.date())
CONFIG = BotConfig(symbols=("BAC", "IBM", "SPY"))
CONFIG_HASH = config_hash(config_values(CONFIG))
WIN, LOSS, HELD = (plan_id_from(bytes([n]) * 8) for n in (1, 2, 3))


def session() -> BotSession:
    """The day in which everything happened; it began with 100,000.00."""
    return BotSession(
        id=SESSION,
        date="2013-10-08",
        starting_capital=Decimal("100000.00"),
        starting_balance=Decimal("100000.00"),
        start_of_day_equity=Decimal("100000.00"),
        gross_pnl=Decimal("30.00"),
        total_fees=Decimal("3.75"),
        total_llm_cost=Decimal(0),
        total_trades=2,
        created_at=SESSION_START,
        closed_at=None,
    )


def account() -> Account:
    """100,036.25 in all, 98,326.25 of it in cash: 100,000 + 30 realised + 10 unrealised - 3.75 in fees."""
    return Account(
        account_id="paper-1",
        buying_power=Decimal("98000.00"),
        account_balance=Decimal("100036.25"),
        cash_balance=Decimal("98326.25"),
        day_trade_count=2,
        last_updated=VENUE_NOW,
    )


def plan_of(id: str, symbol: str) -> TradePlan:
    """A plan of 100 shares at 14.00, or the open one of 10 SPY at 170.00."""
    is_open = id == HELD
    entry = Decimal("170.00") if is_open else Decimal("14.00")
    return TradePlan(
        id=id,
        symbol=symbol,
        side=Side.BUY,
        strategy_name="bull-flag-breakout",
        entry_type="breakout",
        entry_price=entry,
        stop_price=entry - 1,
        target_price=entry + 2,
        size=Decimal(10 if is_open else 100),
        planned_size=Decimal(10 if is_open else 100),
        status=PlanStatus.OPEN if is_open else PlanStatus.CLOSED,
        reason="Broke out of a flag of 4 bars on rising volume.",
        indicators_used=("VWAP", "VOLUME"),
        entry_order_id=f"V-{id}-E",
        entry_client_order_id=client_id(id, Leg.ENTRY),
        exit_reason=None if is_open else "target: traded",
        version=1,
        session_id=SESSION,
        config_version=1,
        config_hash=CONFIG_HASH,
        opened_at=opened(id),
        closed_at=None if is_open else opened(id) + timedelta(minutes=12),
    )


def opened(id: str) -> datetime:
    """When that plan was opened: each ten minutes after the one before."""
    return SESSION_START + timedelta(minutes=10 * (1 + (WIN, LOSS, HELD).index(id)))


def client_id(plan_id: str, leg: Leg) -> str:
    """The client order id of that plan's order."""
    return str(ClientOrderId(prefix="bg", bot=BOT, plan_id=plan_id, leg=leg, attempt=0))


def fill_of(plan: TradePlan, leg: Leg, gain: str | None, now: datetime) -> Fill:
    is_exit = leg is Leg.EXIT
    price = plan.entry_price + (Decimal(gain or 0) / plan.size if is_exit else 0)
    return Fill(
        id=f"X-{plan.id}-{leg.value}",
        trade_id=plan.id,
        order_id=f"V-{plan.id}-{leg.value}",
        client_order_id=client_id(plan.id, leg),
        symbol=plan.symbol,
        action=Side.SELL if is_exit else Side.BUY,
        quantity=plan.size,
        price=price,
        value=price * plan.size,
        fee=Decimal("0.75"),
        liquidity=Liquidity.TAKER if is_exit else None,
        realized_pnl=Decimal(gain) if is_exit and gain else None,
        reason="target" if is_exit else "breakout",
        timestamp=plan.opened_at + timedelta(minutes=12 if is_exit else 1),
        recorded_at=now,
    )


def order_of(plan: TradePlan, leg: Leg) -> Order:
    is_exit = leg is Leg.EXIT
    return Order(
        client_order_id=client_id(plan.id, leg),
        venue_order_id=f"V-{plan.id}-{leg.value}",
        plan_id=plan.id,
        leg=leg,
        attempt=0,
        symbol=plan.symbol,
        side=Side.SELL if is_exit else Side.BUY,
        order_type=OrderType.MARKET if is_exit else OrderType.STOP,
        quantity=plan.size,
        filled=plan.size,
        price=None,
        stop_price=None if is_exit else plan.entry_price,
        average_price=plan.entry_price,
        status=OrderStatus.FILLED,
        reason="breakout",
        good_until=None,
        created_at=plan.opened_at,
        updated_at=plan.opened_at + timedelta(minutes=1),
    )


def resting_of(plan: TradePlan) -> Order:
    """A target that rests at the venue."""
    return replace(
        order_of(plan, Leg.EXIT),
        order_type=OrderType.LIMIT,
        price=Decimal("172.00"),
        filled=Decimal(0),
        average_price=None,
        status=OrderStatus.ACCEPTED,
        reason=None,
        updated_at=plan.opened_at + timedelta(minutes=2),
    )


def held() -> Position:
    """10 SPY, bought at 170.00, worth 171.00 each."""
    return Position(
        symbol="SPY",
        lots=(Lot(quantity=Decimal(10), cost=Decimal("1700.00")),),
        current_price=Decimal("171.00"),
        last_updated=VENUE_NOW,
    )


def closed_trade(number: int, now: datetime) -> tuple[TradePlan, Trade]:
    """One of many trades, each a minute after the one before."""
    plan = replace(plan_of(WIN, "BAC"), id=plan_id_from(number.to_bytes(8, "big")))
    plan = replace(plan, opened_at=SESSION_START + timedelta(minutes=number))
    both = [fill_of(plan, Leg.ENTRY, "1.50", now), fill_of(plan, Leg.EXIT, "1.50", now)]
    trade = trade_of(plan, both, mode=TradingMode.PAPER, account_id=None, bot_version="0.1.0", recorded_at=now)
    assert trade is not None
    return plan, trade


def decision(plan_id: str, symbol: str) -> Decision:
    """The decision that opened a plan."""
    return Decision(
        id=plan_id,
        session_id=SESSION,
        symbol=symbol,
        strategy_name="bull-flag-breakout",
        plan_id=plan_id,
        verdict=Verdict.APPROVED,
        seen={"price": "14.00", "volume": "1200"},
        decided={"action": "enter", "quantity": "100"},
        reasoning="Broke out of a flag of 4 bars on rising volume.",
        result={"status": "FILLED"},
        prompt=None,
        cost_usd=None,
        latency_ms=None,
        created_at=opened(plan_id),
    )


def refusal() -> Decision:
    """What a language model wanted and a limit refused: it has everything that a decision can have."""
    return replace(
        decision(LOSS, "IBM"),
        id=plan_id_from(bytes([9]) * 8),
        strategy_name="language-model",
        plan_id=None,
        verdict=Verdict.REFUSED,
        decided={"action": "enter", "code": "RISK_002"},
        result={},
        prompt="You may trade IBM.",
        cost_usd=Decimal("0.0021"),
        latency_ms=812.5,
        created_at=VENUE_NOW - timedelta(minutes=1),
    )
