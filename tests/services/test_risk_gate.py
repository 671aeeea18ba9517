"""The risk gate of a whole bot: what it looks at, what it refuses, what it keeps of that, and that exits never meet it."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.scripted import bar, minute, proposal
from tests.fakes.scripted_bot import PLAIN, ScriptedBot, scripted_bot
from trading_bot.clock import SystemClock
from trading_bot.domain.config import BotConfig
from trading_bot.domain.errors import Severity
from trading_bot.domain.health import MAY_EXIT, RunState
from trading_bot.domain.limits import RiskLimits
from trading_bot.domain.orders import Leg, OrderStatus, Side
from trading_bot.domain.plans import PlanStatus
from trading_bot.domain.proposals import EntryProposal
from trading_bot.domain.risk import Approved, Refused
from trading_bot.domain.risk_events import RiskEvent
from trading_bot.errors.fault import Fault
from trading_bot.logs.audit import AuditLog
from trading_bot.store.risk_events import list_risk_events

pytestmark = pytest.mark.anyio

SYMBOLS = ("ACME", "BOLT", "CORE", "DYNE")
CALM = [bar(index, "100", symbol=symbol) for index in range(30) for symbol in SYMBOLS]


def config(*, cash: str = "100000", **limits: Any) -> BotConfig:
    return BotConfig(strategies=(), venue=replace(PLAIN, starting_cash=Decimal(cash)), risk=RiskLimits(**limits))


def risk_events(bot: ScriptedBot) -> list[RiskEvent]:
    with bot.bot.store.reading("main") as r:
        return list(reversed(list_risk_events(r, 100).items))


async def judged(bot: ScriptedBot, wanted: EntryProposal) -> Approved | Refused:
    """What the gate says of `wanted` on the last bar; a refusal is kept, as the decisions do."""
    gate = bot.bot.loop._decisions._gate
    session = bot.books.session
    assert session is not None
    last = bot.bot.loop._view.bars(wanted.symbol)[-1]
    exposure = await gate.exposure(last, at=bot.now, session=session)
    verdict = gate.judge(wanted, exposure, last)
    if isinstance(verdict, Refused):
        gate.note(wanted, verdict, at=bot.now, session=session)
    return verdict


async def test_a_refusal_is_kept_with_its_figures_and_repeats_are_counted_once_a_bar(home: Path) -> None:
    async with scripted_bot(home, CALM, config=config()) as bot:
        for _ in range(2):
            assert isinstance(await judged(bot, proposal(entry="106", target=None)), Refused)
        await bot.bar()
        await judged(bot, proposal(entry="107", target=None))
        await judged(bot, proposal(symbol="BOLT", entry="106", target=None))
        await bot.bar()

        first, other = risk_events(bot)
        assert (other.symbol, other.count) == ("BOLT", 1)
        assert replace(first, config_snapshot={}) == RiskEvent(
            id=first.id,
            timestamp=minute(1),
            event_type="price_out_of_collar",
            severity=Severity.MEDIUM,
            daily_pnl=Decimal("0.00"),
            daily_pnl_pct=Decimal("0.00"),
            consecutive_losses=0,
            action_taken="position_rejected",
            config_snapshot={},
            detail="Entry of ACME at 106 by by-hand refused. The entry price is 6.00 % from the last price; 5.0 % are allowed.",
            code="RISK_008",
            symbol="ACME",
            count=2,
            last_seen_at=minute(2),
        )
        lines = list(AuditLog(home / "logs", SystemClock()).read("risk-management"))
        assert [(line["id"], line["symbol"]) for line in lines] == [(first.id, "ACME"), (other.id, "BOLT")]
        assert lines[0]["config_snapshot"] == first.config_snapshot
        assert first.config_snapshot["price_collar_pct"] == 5.0


async def test_the_rate_of_orders_is_counted_in_venue_time_and_the_same_after_a_restart(home: Path) -> None:
    async with scripted_bot(home, CALM, config=config(max_orders_per_minute=2)) as bot:
        await bot.enter(proposal())
        assert isinstance(await judged(bot, proposal(symbol="CORE")), Approved)
        await bot.enter(proposal(symbol="BOLT"))
        assert await judged(bot, proposal(symbol="CORE")) == Refused(
            code="RISK_007",
            cause="Too many orders left within a minute: limit 2, is 2.",
            figures={"limit": "2", "value": "2"},
        )
        now = bot.now
    async with scripted_bot(home, CALM) as bot:
        gate, session = bot.bot.loop._decisions._gate, bot.books.session
        assert session is not None
        last = bar(0, "100", symbol="CORE")
        assert (await gate.exposure(last, at=now, session=session)).orders_last_minute == 2
        await bot.bar()
        assert isinstance(await judged(bot, proposal(symbol="CORE")), Approved)


async def test_a_small_account_is_refused_the_entry_that_might_need_a_fourth_day_trade(home: Path) -> None:
    async with scripted_bot(home, CALM, config=config(cash="20000")) as bot:
        for symbol in ("ACME", "BOLT"):
            await bot.enter(proposal(symbol=symbol))
        await bot.bar()
        assert isinstance(await judged(bot, proposal(symbol="CORE")), Approved)
        await bot.enter(proposal(symbol="CORE"))
        refused = await judged(bot, proposal(symbol="DYNE"))

        assert refused == Refused(
            code="RISK_006",
            cause="The entry might need a day trade too many: limit 3, is 3.",
            figures={"limit": "3", "value": "3"},
        )
        assert [error.cause for error in bot.errors("RISK_006")] == [refused.cause]


async def test_a_symbol_that_differs_at_the_venue_is_not_entered_and_the_others_are(home: Path) -> None:
    async with scripted_bot(home, CALM, config=config()) as bot:
        await bot.trade_by_hand(Side.BUY, "7")
        await bot.bar(3)
        refused = await judged(bot, proposal())

        assert isinstance(refused, Refused)
        assert (refused.code, refused.figures["reason"]) == ("RISK_009", bot.books.suspended("ACME"))
        assert isinstance(await judged(bot, proposal(symbol="BOLT")), Approved)


async def test_a_gap_without_bars_refuses_a_pattern_that_spans_it(home: Path) -> None:
    gappy = [bar(index, "100") for index in (0, 1, 2, 7, 8)]
    async with scripted_bot(home, gappy, config=config()) as bot:
        await bot.bar(3)
        refused = await judged(bot, proposal())

        assert refused == Refused(
            code="RISK_004",
            cause="A gap of 240 s without bars came before this one.",
            figures={"limit": "180", "value": "240"},
        )


STOPPED_OUT = [*(bar(index, "100") for index in range(4)), *(bar(index, "95", low="94") for index in range(4, 12))]


@pytest.mark.parametrize("state", [state for state in RunState if state in MAY_EXIT])
async def test_a_stop_leaves_in_every_state_that_watches_and_whatever_limit_is_met(home: Path, state: RunState) -> None:
    limits = config(
        daily_loss_limit=Decimal("-0.01"),
        max_consecutive_losses=1,
        max_orders_per_minute=1,
        max_open_positions=1,
        price_collar_pct=0.1,
        max_exposure_pct=1.0,
    )
    async with scripted_bot(home, STOPPED_OUT, config=limits) as bot:
        plan = await bot.enter(proposal(target=None), "100")
        await bot.bar()
        assert bot.held() == 100
        bot.bot.loop._vitals.enter(state, "a test wants it")
        await bot.bar(6)

        assert [order.status for order in bot.orders(plan, Leg.EXIT)] == [OrderStatus.FILLED]
        assert (bot.held(), bot.plan().status) == (0, PlanStatus.CLOSED)


async def test_an_exit_of_more_than_is_held_is_not_sent(home: Path) -> None:
    async with scripted_bot(home, CALM, config=config()) as bot:
        plan = await bot.enter(proposal())
        await bot.bar()
        with pytest.raises(Fault) as refusal:
            await bot.bot.loop._desk.leave(bot.plan(), Decimal(11), at=bot.now)

        assert (refusal.value.code, refusal.value.context["limit"]) == ("RISK_012", "10")
        assert bot.orders(plan, Leg.EXIT) == []
        await bot.bot.loop._desk.leave(bot.plan(), Decimal(10), at=bot.now)
        await bot.bar()
        assert bot.held() == 0
