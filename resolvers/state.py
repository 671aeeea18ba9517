"""State: everything about one bot, now, made of its facts and the clock.

Facts are read anew when the bot's state version moved or the TTL is over. When the store can't be read, the last facts are answered
with, their age and a warning beside them; health follows from the clock all the same, so a dead bot is never shown as HEALTHY.
"""

from resolvers.context import Context
from resolvers.facts import Facts, read_facts
from resolvers.memory import Remembered
from resolvers.paging import require_first
from trading_bot.domain import state
from trading_bot.domain.account import Account
from trading_bot.domain.errors import capped
from trading_bot.domain.health import assess, data_age_seconds
from trading_bot.domain.money import ZERO
from trading_bot.domain.orders import Order
from trading_bot.domain.positions import Position
from trading_bot.domain.state import BotState, BotSummary
from trading_bot.errors.fault import Fault
from trading_bot.store.store import Reading


async def find_bot_state(context: Context, *, bot_id: str | None = None) -> BotState:
    """Everything about one bot, now. Fault DATA_004 until the bot has read its account for the first time."""
    facts, notes = await _facts(context, bot_id)
    if facts.account is None:
        raise Fault("DATA_004", "The bot has not read its account from the venue yet.", after_seconds=1.0)
    return _state_of(facts, context, account=facts.account, notes=notes)


async def find_bot_summary(context: Context, *, bot_id: str | None = None) -> BotSummary:
    """The same, compressed."""
    facts, notes = await _facts(context, bot_id)
    whole = _state_of(facts, context, account=facts.account or _no_account(context), notes=notes)
    return state.summary(
        whole,
        open_order_count=facts.open_order_count,
        daily_pnl=facts.daily_pnl,
        last_trade_time=facts.last_trade_time,
        errors=facts.errors,
    )


def first_positions(context: Context, whole: BotState, *, first: int) -> tuple[Position, ...]:
    """The first `first` positions, 1 to 100."""
    require_first(first)
    return whole.positions[:first]


def first_orders(context: Context, whole: BotState, *, first: int) -> tuple[Order, ...]:
    """The first `first` orders, 1 to 100."""
    require_first(first)
    return whole.orders[:first]


async def _facts(context: Context, bot_id: str | None) -> tuple[Facts, tuple[str, ...]]:
    """The bot's facts, and what is to be said about where they come from."""
    memory = context.parts.memory
    chosen = await context.choose_bot(bot_id)
    known = memory.fresh(chosen)
    if known is not None and (chosen, known.version) in (context.operation.snapshot.at or ()):
        context.parts.counters.facts_reused += 1
        return known.facts, ()
    try:
        version, facts = await context.read(lambda r: _newer_facts(r, known))
    except Fault as fault:
        last = memory.facts.get(chosen)
        if fault.code != "SYS_002" or last is None:
            raise
        memory.outages += 1
        age = context.parts.clock.monotonic() - last.read_at
        note = f"Store can't be read: shown is what was read {age:.0f} s ago. {fault.cause}"
        return last.facts, (capped(note, state.WARNING_BYTES),)
    if facts is None and known is not None:
        context.parts.counters.facts_reused += 1
        return known.facts, ()
    context.parts.counters.facts_read += 1
    if facts is None:
        raise Fault("SYS_001", "Facts were neither remembered nor read.")
    memory.facts[chosen] = Remembered(facts=facts, version=version, read_at=context.parts.clock.monotonic())
    return facts, ()


def _newer_facts(r: Reading, known: Remembered | None) -> tuple[int, Facts | None]:
    """The state version, and the facts unless `known` are of that version."""
    version = r.version()
    if known is not None and known.version == version:
        return version, None
    return version, read_facts(r)


def _state_of(facts: Facts, context: Context, *, account: Account, notes: tuple[str, ...]) -> BotState:
    health = assess(facts.runtime, now=context.now)
    age = data_age_seconds(facts.runtime, now=context.now)
    warnings = state.warnings(
        health=health,
        runtime=facts.runtime,
        account=account,
        mode=facts.bot.mode,
        data_age=age,
        replay_of=facts.replay_of,
    )
    return BotState(
        bot_id=facts.bot.id,
        account=account,
        positions=facts.positions,
        orders=facts.orders,
        performance=facts.performance,
        health=health,
        config_summary=facts.config,
        timestamp=context.now,
        data_age_seconds=age,
        warnings=(*notes, *warnings),
        seq=facts.seq,
    )


def _no_account(context: Context) -> Account:
    """Stands for an account that was never read: a summary shows none of its figures."""
    return Account(
        account_id=None,
        buying_power=ZERO,
        account_balance=ZERO,
        cash_balance=ZERO,
        day_trade_count=0,
        last_updated=context.now,
    )
