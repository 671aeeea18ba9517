"""Session hours of a whole bot: no entry before or after them, none rests on, and positions are closed before the close."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.config.changing import Operator
from tests.fakes.playing import first_days, left_behind, play, replay_settings
from tests.fakes.scripted import bar, minute, proposal
from tests.fakes.scripted_bot import PLAIN, ScriptedBot, scripted_bot
from trading_bot.bootstrap import Bot
from trading_bot.domain.config import BotConfig
from trading_bot.domain.hours import SessionHours
from trading_bot.domain.market import Bar
from trading_bot.domain.orders import Leg, OrderStatus, OrderType
from trading_bot.domain.plans import PlanStatus
from trading_bot.domain.proposals import EntryProposal
from trading_bot.domain.risk import Approved, Refused
from trading_bot.services.config_file import write_config
from trading_bot.store.risk_events import list_risk_events

pytestmark = pytest.mark.anyio

# A Monday of 390 minutes, of which the first and the last are played, and the Tuesday after it.
MORNING = [bar(index, "100") for index in range(12)]
EVENING = [bar(index, "100") for index in range(350, 390)]
NEXT_DAY = [bar(index, "100") for index in range(1440, 1450)]
TO_HALF_DAY = timedelta(days=178, hours=-1)
"""From that Monday to the 3rd of July, which trades from 13:30 to 17:00 UTC: 210 minutes."""


def config(**hours: Any) -> BotConfig:
    return BotConfig(strategies=(), venue=PLAIN, hours=SessionHours(**hours))


def moved(bars: Sequence[Bar], by: timedelta) -> list[Bar]:
    return [replace(one, timestamp=one.timestamp + by) for one in bars]


async def judged(bot: ScriptedBot, wanted: EntryProposal) -> Approved | Refused:
    """What the gate says of `wanted` on the last bar; a refusal is kept, as the decisions do."""
    gate, session = bot.bot.loop._decisions._gate, bot.books.session
    assert session is not None
    last = bot.bot.loop._view.bars(wanted.symbol)[-1]
    verdict = gate.judge(wanted, await gate.exposure(last, at=bot.now, session=session), last)
    if isinstance(verdict, Refused):
        gate.note(wanted, verdict, at=bot.now, session=session)
    return verdict


async def to(bot: ScriptedBot, index: int, *, by: timedelta = timedelta()) -> None:
    """Play until the bar before that minute of the session is handled."""
    while bot.bot.loop._progress.cursor is None or bot.now < minute(index) + by:
        await bot.bar()
    assert bot.now == minute(index) + by


async def test_an_entry_too_soon_after_the_open_is_refused_with_its_figures_and_kept(home: Path) -> None:
    async with scripted_bot(home, MORNING, config=config(entries_after_open_minutes=5)) as bot:
        await to(bot, 4)
        assert await judged(bot, proposal()) == Refused(
            code="RISK_014",
            cause="Too few minutes since the session opened: limit 5, is 4.",
            figures={"limit": "5", "value": "4", "opens": "2025-01-06T14:30Z", "closes": "2025-01-06T21:00Z"},
        )
        await to(bot, 5)
        assert await judged(bot, proposal()) == Approved(quantity=Decimal(50))
        with bot.bot.store.reading("main") as r:
            [event] = list_risk_events(r, 10).items
        assert (event.event_type, event.code, event.symbol) == ("outside_entry_hours", "RISK_014", "ACME")
        assert event.detail == (
            "Entry of ACME at 100 by by-hand refused. Too few minutes since the session opened: limit 5, is 4."
        )


async def test_no_entry_leaves_in_the_last_minutes_before_the_close(home: Path) -> None:
    async with scripted_bot(home, EVENING, config=config(entries_before_close_minutes=30)) as bot:
        await to(bot, 359)
        assert isinstance(await judged(bot, proposal()), Approved)
        await to(bot, 360)
        assert await judged(bot, proposal()) == Refused(
            code="RISK_014",
            cause="Too few minutes until the session closes: limit 30, is 30.",
            figures={"limit": "30", "value": "30", "opens": "2025-01-06T14:30Z", "closes": "2025-01-06T21:00Z"},
        )


async def test_the_last_quarter_of_an_hour_is_too_late_to_ask_for_entries_unless_told_otherwise(home: Path) -> None:
    async with scripted_bot(home, EVENING, config=config()) as bot:
        decisions, view = bot.bot.loop._decisions, bot.bot.loop._view
        await to(bot, 374)
        assert decisions.may_enter(view.bars("ACME")[-1], bot.now)
        await to(bot, 375)
        assert not decisions.may_enter(view.bars("ACME")[-1], bot.now)
        Operator(bot.bot.store, bot.clock).apply({"hours": {"entries_before_close_minutes": 5}})
        await to(bot, 376)
        assert decisions.may_enter(view.bars("ACME")[-1], bot.now)


async def test_on_a_half_day_the_minutes_count_from_the_early_close(home: Path) -> None:
    by = TO_HALF_DAY
    bars = moved([bar(index, "100") for index in range(170, 209)], by)
    hours = config(entries_before_close_minutes=30, flatten_before_close_minutes=10)
    async with scripted_bot(home, bars, config=hours) as bot:
        await to(bot, 175, by=by)
        await bot.enter(proposal(target=None))
        await to(bot, 180, by=by)
        refused = await judged(bot, proposal())
        assert isinstance(refused, Refused)
        assert (refused.code, refused.figures["closes"]) == ("RISK_014", "2025-07-03T17:00Z")
        await to(bot, 199, by=by)
        assert (bot.held(), bot.plan().exit_reason) == (10, None)
        await to(bot, 201, by=by)
        assert bot.held() == 0
        assert bot.plan().exit_reason == "hours: flat 10 min before the session's close at 17:00 UTC"


async def test_an_entry_that_still_rests_when_the_hours_end_is_cancelled_and_says_why(home: Path) -> None:
    async with scripted_bot(home, EVENING, config=config(entries_before_close_minutes=30)) as bot:
        await to(bot, 355)
        resting = proposal(entry="99", stop="98", order_type=OrderType.LIMIT, good_for_bars=30)
        plan = await bot.enter(resting)
        await to(bot, 359)
        assert [order.status for order in bot.orders(plan, Leg.ENTRY)] == [OrderStatus.ACCEPTED]
        await to(bot, 361)

        [order] = bot.orders(plan, Leg.ENTRY)
        assert (order.status, order.reason) == (OrderStatus.CANCELLED, "the session's hours for entries are over")
        assert (bot.plan().status, bot.held(), bot.plan().exit_reason) == (PlanStatus.CLOSED, 0, None)


async def test_without_hours_an_entry_rests_and_a_position_is_held_over_the_close(home: Path) -> None:
    async with scripted_bot(home, [*EVENING, *NEXT_DAY], config=config()) as bot:
        await to(bot, 355)
        await bot.enter(proposal(target=None))
        await to(bot, 1445)

        assert (bot.held(), bot.plan().exit_reason) == (10, None)


async def test_what_is_held_is_closed_before_the_close_and_nothing_is_entered_then(home: Path) -> None:
    async with scripted_bot(home, EVENING, config=config(flatten_before_close_minutes=20)) as bot:
        await to(bot, 360)
        plan = await bot.enter(proposal(target=None))
        await to(bot, 369)
        assert (bot.held(), bot.plan().exit_reason) == (10, None)
        await to(bot, 370)
        assert bot.plan().exit_reason == "hours: flat 20 min before the session's close at 21:00 UTC"
        refused = await judged(bot, proposal())
        await to(bot, 371)

        [sale] = bot.orders(plan, Leg.EXIT)
        assert (sale.status, sale.created_at, sale.reason) == (
            OrderStatus.FILLED,
            minute(370),
            "hours: flat 20 min before the session's close at 21:00 UTC",
        )
        assert (bot.held(), await bot.at_venue(), bot.plan().status) == (0, 0, PlanStatus.CLOSED)
        assert isinstance(refused, Refused)
        assert (refused.code, refused.figures["limit"]) == ("RISK_014", "20")


async def test_a_symbol_without_bars_is_closed_too(home: Path) -> None:
    thin = [one for one in EVENING if one.timestamp < minute(365)]
    other = [replace(one, symbol="BOLT") for one in EVENING]
    async with scripted_bot(
        home, sorted([*thin, *other], key=lambda one: one.timestamp), config=config(flatten_before_close_minutes=20)
    ) as bot:
        await to(bot, 360)
        plan = await bot.enter(proposal(target=None))
        await to(bot, 371)

        assert [order.created_at for order in bot.orders(plan, Leg.EXIT)] == [minute(370)]


async def test_a_close_that_is_cut_short_goes_on_in_the_next_session(home: Path) -> None:
    """No volume is left before the close: the day order ends, and what is held is sold at the next open."""
    dry = [replace(one, volume=Decimal(0)) if one.timestamp >= minute(370) else one for one in EVENING]
    async with scripted_bot(home, [*dry, *NEXT_DAY], config=config(flatten_before_close_minutes=20)) as bot:
        await to(bot, 360)
        plan = await bot.enter(proposal(target=None))
        await to(bot, 1443)

        assert [order.status for order in bot.orders(plan, Leg.EXIT)] == [OrderStatus.EXPIRED, OrderStatus.FILLED]
        assert bot.held() == 0


async def test_crypto_pairs_have_no_session_and_are_never_touched(home: Path) -> None:
    coins = [replace(one, symbol="BTC/USD") for one in [*MORNING, *EVENING]]
    hours = config(entries_after_open_minutes=100, entries_before_close_minutes=100, flatten_before_close_minutes=100)
    async with scripted_bot(home, coins, config=hours) as bot:
        await to(bot, 3)
        assert isinstance(await judged(bot, proposal(symbol="BTC/USD", target=None)), Approved)
        await bot.enter(proposal(symbol="BTC/USD", target=None), "1")
        await to(bot, 352)
        assert isinstance(await judged(bot, proposal(symbol="BTC/USD", target=None)), Approved)
        await to(bot, 388)

        assert (bot.held("BTC/USD"), bot.plan("BTC/USD").exit_reason) == (1, None)


async def test_hours_are_adopted_between_two_bars_and_hold_from_the_next_on(home: Path) -> None:
    async with scripted_bot(home, EVENING, config=config()) as bot:
        operator = Operator(bot.bot.store, bot.clock)
        await to(bot, 360)
        await bot.enter(proposal(target=None))
        await to(bot, 374)
        assert isinstance(await judged(bot, proposal()), Approved)
        assert bot.held() == 10

        operator.apply({"hours": {"entries_before_close_minutes": 60, "flatten_before_close_minutes": 20}})
        await to(bot, 376)

        refused = await judged(bot, proposal())
        assert isinstance(refused, Refused)
        assert (refused.code, refused.figures["limit"]) == ("RISK_014", "60")
        assert (bot.held(), bot.plan().status) == (0, PlanStatus.CLOSED)


async def test_a_bot_that_starts_again_keeps_what_the_hours_marked_and_closes_it_once(home: Path) -> None:
    hours = config(flatten_before_close_minutes=20)
    async with scripted_bot(home, EVENING, config=hours) as bot:
        await to(bot, 360)
        plan = await bot.enter(proposal(target=None))
        await to(bot, 370)
        assert bot.plan().exit_reason is not None
    async with scripted_bot(home, EVENING, config=hours) as bot:
        await to(bot, 375)

        assert [(order.status, order.filled) for order in bot.orders(plan, Leg.EXIT)] == [(OrderStatus.FILLED, 10)]
        assert (bot.held(), await bot.at_venue()) == (0, 0)


def played(home: Path, candles: Path, *, bars_a_start: int) -> dict[str, Any]:
    """What a bot with hours leaves behind that replays the file and is started again after so many bars."""
    home.mkdir()
    settings = replay_settings(home, candles, f"sqlite:///{home / 'botgraph.db'}")
    settings.make_folders()
    hours = SessionHours(
        entries_after_open_minutes=30, entries_before_close_minutes=60, flatten_before_close_minutes=45
    )
    write_config(settings.config_file, BotConfig(hours=hours))
    handled = 0

    async def rest(bot: Bot) -> None:
        nonlocal handled
        handled += 1
        if handled % bars_a_start == 0:
            bot.loop.end()

    while play(settings, rest) >= bars_a_start:
        pass
    return left_behind(settings.store_url)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_real_sessions_keep_to_the_hours_and_are_the_same_over_restarts(tmp_path: Path, candles_us: Path) -> None:
    """Two days of October 2013, open from 13:30 to 20:00 UTC: entries from 14:00 to 19:00, flat from 19:15 on."""
    two_days = first_days(candles_us, 2, tmp_path / "two-days.csv")
    left = played(tmp_path / "straight", two_days, bars_a_start=1_000_000)

    entered = [order.created_at.time() for order in left["orders"] if order.leg is Leg.ENTRY]
    assert len(entered) >= 3
    assert time(14, 0) <= min(entered)
    assert max(entered) < time(19, 0)
    filled = [fill.timestamp.time() for fill in left["fills"]]
    assert max(filled) <= time(19, 16)
    assert "RISK_014" in {event.code for event in left["risk_events"]}
    assert {plan.status for plan in left["plans"]} == {PlanStatus.CLOSED}
    assert played(tmp_path / "restarted", two_days, bars_a_start=97) == left
