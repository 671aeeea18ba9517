"""Homes: a bot with twenty positions, twenty live orders and a history, written through the store's own functions."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from tests.fakes.seeded_trades import HELD, SESSION_START, plan_of
from tests.fakes.seeding import seed_bot
from trading_bot.clock import SystemClock
from trading_bot.domain.orders import ClientOrderId, Leg, Order, OrderStatus, OrderType, Side, plan_id_from
from trading_bot.domain.positions import Lot, Position
from trading_bot.services.keys import Keys
from trading_bot.settings import Settings, load_settings
from trading_bot.store import orders, plans, positions
from trading_bot.store.engine import open_engine
from trading_bot.store.schema import bring_up_to_date
from trading_bot.store.store import Store

BUSY = 20
SYMBOLS = tuple(f"SYM{chr(65 + n)}" for n in range(BUSY))


def busy_home(folder: Path, *, port: int) -> tuple[Settings, str]:
    """A home of a busy bot, and the token of its first key."""
    settings = load_settings(home=folder, api_port=port, api_rate_per_minute=0)
    settings.make_folders()
    clock = SystemClock()
    engine = open_engine(settings.store_url)
    bring_up_to_date(engine)
    store = Store(engine, clock)
    seed_bot(store, clock.now())
    with store.writing("main") as w:
        for number, symbol in enumerate(SYMBOLS):
            plan = replace(plan_of(HELD, symbol), id=plan_id_from(bytes([100 + number]) * 8))
            plans.save_plan(w, plan)
            positions.save_position(w, _position(symbol))
            orders.save_order(w, _order(plan.id, symbol))
    token = Keys(engine, clock).ensure_first(settings.first_key_file)
    store.close()
    engine.dispose()
    if token is None:
        msg = f"{folder} has a key already."
        raise RuntimeError(msg)
    return settings, token


def _position(symbol: str) -> Position:
    return Position(
        symbol=symbol,
        lots=(Lot(quantity=Decimal(50), cost=Decimal("7512.50")),),
        current_price=Decimal("152.30"),
        last_updated=SESSION_START + timedelta(minutes=30),
    )


def _order(plan_id: str, symbol: str) -> Order:
    key = ClientOrderId(prefix="bg", bot="main", plan_id=plan_id, leg=Leg.EXIT, attempt=0)
    return Order(
        client_order_id=str(key),
        venue_order_id=f"o-9{symbol}",
        plan_id=plan_id,
        leg=Leg.EXIT,
        attempt=0,
        symbol=symbol,
        side=Side.SELL,
        order_type=OrderType.LIMIT,
        quantity=Decimal(50),
        filled=Decimal(0),
        price=Decimal("160.25"),
        stop_price=None,
        average_price=None,
        status=OrderStatus.ACCEPTED,
        reason="target",
        good_until=None,
        created_at=SESSION_START + timedelta(minutes=20),
        updated_at=SESSION_START + timedelta(minutes=21),
    )
