"""The risk gate: judges what a strategy or a model proposes on the figures of this moment, and keeps what it refused."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import structlog

from trading_bot.calendar import regular_hours, session_at, session_day
from trading_bot.clock import Clock
from trading_bot.domain.account import Account
from trading_bot.domain.books import Books
from trading_bot.domain.hours import SessionHours
from trading_bot.domain.instruments import AssetClass, instrument
from trading_bot.domain.limits import RiskLimits
from trading_bot.domain.market import Bar
from trading_bot.domain.money import plain
from trading_bot.domain.proposals import EntryProposal
from trading_bot.domain.risk import (
    EVENT_TYPES,
    Approved,
    Exposure,
    Refused,
    check_any_entry,
    check_entry,
    check_hours,
)
from trading_bot.domain.risk_events import risk_event
from trading_bot.domain.sessions import BotSession, daily_pnl, equity
from trading_bot.errors.catalogue import entry
from trading_bot.errors.fault import Fault
from trading_bot.services.circuit_breaker import CircuitBreaker
from trading_bot.services.journal import Journal
from trading_bot.services.market_view import MarketView
from trading_bot.services.plausibility import plausible_account
from trading_bot.store import errors
from trading_bot.store.risk_counts import count_orders_after
from trading_bot.store.risk_events import save_risk_event
from trading_bot.store.store import Store, Writing
from trading_bot.venues.venue import Venue

_log = structlog.get_logger(__name__)
_MINUTE = timedelta(minutes=1)
# Refusals that an operator must act on or wait out are stored as errors too, the first of a session.
_REPORTED = frozenset({"RISK_003", "RISK_004", "RISK_005", "RISK_006", "RISK_009"})


class RiskGate:
    """Judges entries, and keeps what it refused."""

    def __init__(
        self,
        *,
        venue: Venue,
        store: Store,
        bot_id: str,
        journal: Journal,
        breaker: CircuitBreaker,
        view: MarketView,
        limits: RiskLimits,
        hours: SessionHours,
        clock: Clock,
    ) -> None:
        self._venue = venue
        self._store = store
        self._bot_id = bot_id
        self._journal = journal
        self._breaker = breaker
        self._view = view
        self._clock = clock
        self.limits = limits
        self.hours = hours

    async def exposure(self, bar: Bar, *, at: datetime, session: BotSession) -> Exposure:
        """What an entry on the bar's symbol is judged on at venue time `at`. A read of the venue that fails raises its Fault."""
        account = plausible_account(await self._venue.account())  # an entry sent a moment ago holds cash back
        self._journal.books = replace(self._journal.books, account=account)
        return self._exposure(bar, account, at=at, session=session)

    def why_shut(self, bar: Bar, *, at: datetime, session: BotSession) -> Refused | None:
        """The refusal that every entry on the bar's symbol would meet at venue time `at`; null where one might pass."""
        account = self._journal.books.account
        if account is None:
            return None
        return (
            self._gap(bar)
            or self._out_of_hours(bar, at)
            or check_any_entry(bar.symbol, self._exposure(bar, account, at=at, session=session), self.limits)
        )

    def judge(self, proposal: EntryProposal, exposure: Exposure, bar: Bar) -> Approved | Refused:
        """Whether `proposal`, made on `bar`, may leave, and with which quantity."""
        return (
            self._gap(bar)
            or self._out_of_hours(bar, exposure.venue_time)
            or check_entry(proposal, exposure, self.limits)
        )

    def note(self, proposal: EntryProposal, refused: Refused, *, at: datetime, session: BotSession) -> None:
        """Keep a refusal: the first of its symbol and code in a session as an event, the following ones as its count."""
        context = {"symbol": proposal.symbol, "strategy": proposal.strategy_name, **refused.figures}
        _log.info("entry_refused", code=refused.code, **context)
        event = risk_event(
            EVENT_TYPES[refused.code],
            f"Entry of {proposal.symbol} at {plain(proposal.entry_price)} by {proposal.strategy_name} refused. {refused.cause}",
            bot_id=self._bot_id,
            parts=(session.id, refused.code, proposal.symbol),
            severity=entry(refused.code).severity,
            action="position_rejected",
            at=at,
            session=session,
            positions=self._journal.books.positions.values(),
            losses=self._breaker.losses,
            limits=self.limits,
            code=refused.code,
            symbol=proposal.symbol,
        )

        def write(w: Writing) -> None:
            is_first = save_risk_event(w, event) is event
            if is_first and refused.code in _REPORTED:
                fault = Fault(refused.code, refused.cause, context=context)
                errors.save_error(w, fault.semantic(now=self._clock.now()))

        self._journal.commit(write)

    def _exposure(self, bar: Bar, account: Account, *, at: datetime, session: BotSession) -> Exposure:
        books = self._journal.books
        with self._store.reading(self._bot_id) as r:
            orders_last_minute = count_orders_after(r, at - _MINUTE)
        return Exposure(
            equity=equity(session, books.positions.values()),
            buying_power=account.buying_power,
            committed=books.committed,
            open_plans=sum(1 for plan in books.plans.values() if plan.is_open),
            daily_pnl=daily_pnl(session, books.positions.values()),
            venue_time=at,
            bar_known_at=bar.known_at,
            last_price=bar.close,
            consecutive_losses=self._breaker.losses,
            day_trades=account.day_trade_count,
            day_trades_pending=_day_trades_pending(books, session, besides=bar.symbol),
            orders_last_minute=orders_last_minute,
            suspended=books.suspended(bar.symbol),
            breaker=self._breaker.state.cause,
        )

    def _out_of_hours(self, bar: Bar, at: datetime) -> Refused | None:
        """The hours for entries have not begun in the session of this bar, or are over. What has no session is always in them."""
        session = session_at(instrument(bar.symbol).asset_class, bar.timestamp)
        return check_hours(self.hours, at, *session) if session is not None else None

    def _gap(self, bar: Bar) -> Refused | None:
        """A gap before this bar: a pattern that spans it is none."""
        previous = self._view.previous(bar)
        if previous is None or previous.timestamp < session_open(bar):
            return None
        gap = (bar.timestamp - previous.known_at).total_seconds()
        if gap <= self.limits.max_data_age_seconds:
            return None
        figures = {"limit": f"{self.limits.max_data_age_seconds:.0f}", "value": f"{gap:.0f}"}
        cause = f"A gap of {gap:.0f} s without bars came before this one."
        return Refused(code="RISK_004", cause=cause, figures=figures)


def session_open(bar: Bar) -> datetime:
    """When the bar's trading session opened: 09:30 New York for equities, 00:00 UTC for crypto."""
    kind = instrument(bar.symbol).asset_class
    day = session_day(kind, bar.timestamp)
    hours = regular_hours(day) if kind is AssetClass.EQUITY else None
    return hours[0] if hours else datetime.combine(day, time(), UTC)


def _day_trades_pending(books: Books, session: BotSession, *, besides: str) -> int:
    """Equities that were entered, or are being entered, in this session: each may have to be sold in it."""
    entered = {plan.symbol for plan in books.plans.values() if plan.is_open and plan.session_id == session.id}
    return sum(1 for symbol in entered - {besides} if instrument(symbol).asset_class is AssetClass.EQUITY)
