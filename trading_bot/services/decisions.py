"""Decisions: asks the strategies for entries, the limits whether they may leave, and the desk to send them."""

from datetime import datetime, timedelta

from trading_bot.calendar import is_open, regular_hours, session_day
from trading_bot.domain.books import with_decision
from trading_bot.domain.config import BotConfig
from trading_bot.domain.config_versions import InForce
from trading_bot.domain.decisions import Decision
from trading_bot.domain.instruments import AssetClass, instrument
from trading_bot.domain.market import Bar
from trading_bot.domain.proposals import EntryProposal
from trading_bot.domain.risk import Refused
from trading_bot.services.decision_traces import approved, drafted, exposed, refused
from trading_bot.services.journal import Journal
from trading_bot.services.market_view import MarketView
from trading_bot.services.order_desk import OrderDesk
from trading_bot.services.risk_gate import RiskGate, session_open
from trading_bot.strategies.propose import propose
from trading_bot.venues.venue import MarketUpdate


class Decisions:
    """Asks the strategies, the limits, and the desk, in this order."""

    def __init__(
        self, *, journal: Journal, desk: OrderDesk, gate: RiskGate, view: MarketView, config: BotConfig
    ) -> None:
        self._journal = journal
        self._desk = desk
        self._gate = gate
        self._view = view
        self._config = config

    def take_on(self, in_force: InForce) -> None:
        """Decide by these strategies and symbols from now on; the bars that were seen stay."""
        self._config = in_force.config

    async def decide(self, update: MarketUpdate) -> None:
        """Enter what the strategies propose on the bars of `update` and the limits let through."""
        for bar in update.bars:
            if bar.symbol in update.market_open and self.may_enter(bar, update.time):
                proposal = self._proposal(bar)
                session = self._journal.books.session
                if proposal is not None and session is not None:
                    draft = drafted(proposal, bot_id=self._config.bot_id, session_id=session.id, at=update.time)
                    await self.enter(proposal, draft, bar, update.time)

    def may_enter(self, bar: Bar, at: datetime) -> bool:
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
        latest = timedelta(minutes=self._config.hours.last_minutes)
        return is_open(kind, bar.timestamp) and hours is not None and at < hours[1] - latest

    def is_shut(self, bar: Bar, at: datetime) -> bool:
        """Whether the limits would refuse every entry on the symbol: whom it costs money to ask need not be asked about it."""
        session = self._journal.books.session
        return session is None or self._gate.why_shut(bar, at=at, session=session) is not None

    async def enter(self, proposal: EntryProposal, draft: Decision, bar: Bar, at: datetime) -> None:
        """Send what the limits let through of `proposal`, made on `bar`, and keep `draft` as its trace, whatever becomes of it."""
        session = self._journal.books.session
        if session is None:
            return
        exposure = await self._gate.exposure(bar, at=at, session=session)
        draft = exposed(draft, bar, exposure)
        verdict = self._gate.judge(proposal, exposure, bar)
        if isinstance(verdict, Refused):
            self._journal.books = with_decision(self._journal.books, refused(draft, verdict))
            self._gate.note(proposal, verdict, at=at, session=session)
        else:
            self._journal.books = with_decision(self._journal.books, approved(draft, verdict.quantity))
            await self._desk.enter(proposal, verdict.quantity, at=at, session_id=session.id)

    def _proposal(self, bar: Bar) -> EntryProposal | None:
        bars = self._view.bars(bar.symbol)
        for strategy in self._config.strategies:
            proposal = propose(strategy, bars, session_open=session_open(bar), held=False)
            if proposal is not None:
                return proposal
        return None
