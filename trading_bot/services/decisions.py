"""Decisions: asks the strategies for entries, the limits whether they may leave, and the desk to send them."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import structlog

from trading_bot.calendar import is_open, regular_hours, session_day
from trading_bot.clock import Clock
from trading_bot.domain.books import with_decision
from trading_bot.domain.config import BotConfig
from trading_bot.domain.decisions import Decision
from trading_bot.domain.events import EventKind
from trading_bot.domain.instruments import AssetClass, instrument
from trading_bot.domain.market import Bar
from trading_bot.domain.money import plain
from trading_bot.domain.proposals import EntryProposal
from trading_bot.domain.risk import Exposure, Refused, check_entry
from trading_bot.domain.sessions import daily_pnl, equity
from trading_bot.errors.fault import Fault
from trading_bot.services.decision_traces import approved, drafted, exposed, refused
from trading_bot.services.journal import Journal
from trading_bot.services.market_view import MarketView
from trading_bot.services.order_desk import OrderDesk
from trading_bot.strategies.propose import propose
from trading_bot.venues.venue import MarketUpdate, Venue

_log = structlog.get_logger(__name__)
# Refusals that an operator must act on or wait out are stored as errors; the others only pass by as events.
_STORED_REFUSALS = frozenset({"RISK_003", "RISK_004"})


class Decisions:
    """Asks the strategies, the limits, and the desk, in this order."""

    def __init__(
        self, *, venue: Venue, journal: Journal, desk: OrderDesk, view: MarketView, config: BotConfig, clock: Clock
    ) -> None:
        self._venue = venue
        self._journal = journal
        self._desk = desk
        self._view = view
        self._config = config
        self._clock = clock

    async def decide(self, update: MarketUpdate) -> None:
        """Enter what the strategies propose on the bars of `update` and the limits let through."""
        for bar in update.bars:
            if bar.symbol in update.market_open and self._may_enter(bar, update.time):
                proposal = self._proposal(bar)
                session = self._journal.books.session
                if proposal is not None and session is not None:
                    draft = drafted(proposal, bot_id=self._config.bot_id, session_id=session.id, at=update.time)
                    await self._enter(proposal, draft, bar, update.time)

    def _may_enter(self, bar: Bar, at: datetime) -> bool:
        """Whether the symbol is ours to trade, free, inside regular hours and not too near to their end."""
        kind = instrument(bar.symbol).asset_class
        wanted = not self._config.symbols or bar.symbol in self._config.symbols
        if (
            not wanted
            or bar.symbol in self._journal.books.positions
            or self._journal.books.plan_of(bar.symbol) is not None
        ):
            return False
        if kind is AssetClass.CRYPTO:
            return True
        hours = regular_hours(session_day(kind, bar.timestamp))
        latest = timedelta(minutes=self._config.risk.no_entry_minutes_before_close)
        return is_open(kind, bar.timestamp) and hours is not None and at < hours[1] - latest

    def _proposal(self, bar: Bar) -> EntryProposal | None:
        bars = self._view.bars(bar.symbol)
        for strategy in self._config.strategies:
            proposal = propose(strategy, bars, session_open=_session_open(bar), held=False)
            if proposal is not None:
                return proposal
        return None

    async def _enter(self, proposal: EntryProposal, draft: Decision, bar: Bar, at: datetime) -> None:
        books = self._journal.books
        session = books.session
        if session is None:
            return
        account = await self._venue.account()  # an entry sent a moment ago holds cash back
        self._journal.books = replace(self._journal.books, account=account)
        exposure = Exposure(
            equity=equity(session, books.positions.values()),
            buying_power=account.buying_power,
            committed=books.committed,
            open_plans=sum(1 for plan in books.plans.values() if plan.is_open),
            daily_pnl=daily_pnl(session, books.positions.values()),
            venue_time=at,
            bar_known_at=bar.known_at,
            last_price=bar.close,
        )
        draft = exposed(draft, bar, exposure)
        verdict = self._gap(bar) or check_entry(proposal, exposure, self._config.risk)
        if isinstance(verdict, Refused):
            self._journal.books = with_decision(self._journal.books, refused(draft, verdict))
            self._refuse(proposal, verdict)
        else:
            self._journal.books = with_decision(self._journal.books, approved(draft, verdict.quantity))
            await self._desk.enter(proposal, verdict.quantity, at=at, session_id=session.id)

    def _gap(self, bar: Bar) -> Refused | None:
        """A gap before this bar: a pattern that spans it is none."""
        previous = self._view.previous(bar)
        if previous is None or previous.timestamp < _session_open(bar):
            return None
        gap = (bar.timestamp - previous.known_at).total_seconds()
        if gap <= self._config.risk.max_data_age_seconds:
            return None
        figures = {"limit": f"{self._config.risk.max_data_age_seconds:.0f}", "value": f"{gap:.0f}"}
        return Refused(
            code="RISK_004", cause=f"A gap of {gap:.0f} s without bars came before this one.", figures=figures
        )

    def _refuse(self, proposal: EntryProposal, refused: Refused) -> None:
        context = {"symbol": proposal.symbol, "strategy": proposal.strategy_name, **refused.figures}
        _log.info("entry_refused", code=refused.code, **context)
        if refused.code in _STORED_REFUSALS:
            self._journal.report(Fault(refused.code, refused.cause, context=context).semantic(now=self._clock.now()))
            return
        data = {**context, "code": refused.code, "entryPrice": plain(proposal.entry_price)}
        self._journal.commit(
            lambda w: w.changed(EventKind.RISK, proposal.symbol, f"Entry refused: {refused.cause}", data)
        )


def _session_open(bar: Bar) -> datetime:
    """When the bar's trading session opened: 09:30 New York for equities, 00:00 UTC for crypto."""
    kind = instrument(bar.symbol).asset_class
    day = session_day(kind, bar.timestamp)
    hours = regular_hours(day) if kind is AssetClass.EQUITY else None
    return hours[0] if hours else datetime.combine(day, time(), UTC)
