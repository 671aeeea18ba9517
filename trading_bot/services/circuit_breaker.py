"""The circuit breaker: watches the limits that end a day's entries, trips, and is reset by command or by the next session.

A tripped breaker halts the bot: no entries, resting ones are cancelled; stops, targets and sync go on. It stays tripped over a restart.
A venue whose word on our money can't be true halts it as well, without tripping the breaker: that ends by a resume, once the venue can be
believed. Venue time decides; a trip, halt or reset is stored in one transaction with the run state that it leads to.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal

import structlog

from trading_bot.clock import Clock
from trading_bot.domain.breaker import Breaker, why_not_reset, why_trip
from trading_bot.domain.errors import REASON_BYTES, Severity, capped
from trading_bot.domain.events import EventKind
from trading_bot.domain.health import RunState
from trading_bot.domain.limits import BreakerReset, RiskLimits
from trading_bot.domain.money import ZERO
from trading_bot.domain.risk import Refused
from trading_bot.domain.risk_events import DOUBTED, RESET, TRIPPED, RiskEvent, risk_event
from trading_bot.domain.sessions import daily_pnl
from trading_bot.errors.fault import Fault
from trading_bot.services.journal import Journal
from trading_bot.services.vitals import Vitals
from trading_bot.store import errors, runtime
from trading_bot.store.risk_counts import count_rejections
from trading_bot.store.risk_events import save_breaker, save_risk_event
from trading_bot.store.store import Store, Writing

_log = structlog.get_logger(__name__)


class CircuitBreaker:
    """Trips and is reset; says how many trades in a row lost since."""

    def __init__(
        self,
        *,
        store: Store,
        bot_id: str,
        journal: Journal,
        vitals: Vitals,
        limits: RiskLimits,
        clock: Clock,
        state: Breaker,
    ) -> None:
        self._store = store
        self._bot_id = bot_id
        self._journal = journal
        self._vitals = vitals
        self._clock = clock
        self.limits = limits
        self.state = state
        self.doubt: Fault | None = None
        """What the venue last said of our money that can't be true; null where all could be."""

    @property
    def losses(self) -> int:
        """Losing trades in a row since the last reset."""
        return self.state.losses(self._journal.books.record)

    async def check(self, *, at: datetime, doubt: Fault | None) -> None:
        """Reset it when the next session may, trip it when it must, and halt the bot while the venue can't be believed (`doubt`).

        `at` is the venue time of a bar that has been taken in.
        """
        self.doubt = doubt
        session = self._journal.books.session
        if session is None:
            return
        if self.state.is_tripped and self._ends_with_session(session.id) and self._obstacle(at) is None:
            with self.resetting(at=at, by=session.id, reason="a new trading session began") as write:
                self._journal.commit(lambda w: self._write_run_state(w, also=write))
        if not self.state.is_tripped:
            cause = why_trip(
                daily_pnl=self._daily_pnl(), losses=self.losses, rejections=self._rejections(at), limits=self.limits
            )
            if cause is not None:
                self._trip(cause, at=at, session_id=session.id)
        if doubt is not None and self._is_to_be_halted():
            self._halt(doubt, at=at)

    def require_belief(self) -> None:
        """RISK_013 while the venue's word on our money can't be true."""
        if self.doubt is not None:
            raise Fault("RISK_013", f"It can't go on yet. {self.doubt.cause}", context=dict(self.doubt.context))

    @contextmanager
    def resetting(self, *, at: datetime, by: str, reason: str) -> Iterator[Callable[[Writing], None]]:
        """Reset the breaker, as something to be written in the caller's transaction; undone when that fails.

        `by` is the id of the command or session that resets it. Raises BOT_003 when it is not tripped, RISK_003 or RISK_011 with their
        figures while what would trip it again at once still holds.
        """
        if not self.state.is_tripped:
            raise Fault("BOT_003", "The circuit breaker is not tripped.")
        obstacle = self._obstacle(at)
        if obstacle is not None:
            raise Fault(obstacle.code, f"It can't be reset yet. {obstacle.cause}", context=dict(obstacle.figures))
        detail = f"The circuit breaker was reset ({reason}). It had tripped: {self.state.cause}"
        event = self._event(RESET, detail, at=at, by=by)
        before = (self.state, self._vitals.runtime)
        if self._is_halted_by_it() and self.state.resume_as is not None:
            paused = self.state.resume_as is not RunState.RUNNING
            self._vitals.enter(self.state.resume_as, self.state.resume_reason if paused else reason)
        self.state = self.state.reset(at=at, trades=self._journal.books.record.trades)
        self._vitals.breaker(None)
        try:
            yield lambda w: self._write(w, event)
        except BaseException:
            self.state, self._vitals.runtime = before
            raise
        _log.info("breaker_reset", by=by)

    def _trip(self, cause: Refused, *, at: datetime, session_id: str) -> None:
        """Trip it: in a state that enters or may again, the bot is HALTED; a stopping or stopped one stays what it is."""
        runtime_before, state_before = self._vitals.runtime, self.state
        event = self._event(
            TRIPPED, f"The circuit breaker tripped: {cause.cause}", at=at, by=cause.code, code=cause.code
        )
        self.state = self.state.tripped(
            cause,
            at=at,
            session_id=session_id,
            before=(runtime_before.run_state, runtime_before.run_state_reason),
        )
        self._vitals.breaker(cause.cause)
        if runtime_before.run_state in (RunState.RUNNING, RunState.PAUSED):
            self._vitals.enter(RunState.HALTED, cause.cause)
        context = {**cause.figures, "code": cause.code, "venue_time": at.isoformat()}
        error = Fault("RISK_010", cause.cause, context=context).semantic(now=self._clock.now())

        def write(w: Writing) -> None:
            self._write(w, event)
            errors.save_error(w, error)

        try:
            self._journal.commit(lambda w: self._write_run_state(w, also=write))
        except BaseException:
            self.state, self._vitals.runtime = state_before, runtime_before
            raise
        _log.warning("breaker_tripped", code=cause.code, **cause.figures)

    def _is_to_be_halted(self) -> bool:
        """Whether the bot enters, would after a resume, or is halted by the breaker alone, whose reset would let it go on."""
        return self._vitals.run_state in (RunState.RUNNING, RunState.PAUSED) or self._is_halted_by_it()

    def _halt(self, doubt: Fault, *, at: datetime) -> None:
        """Halt the bot because the venue can't be believed."""
        before = self._vitals.runtime
        event = self._event(DOUBTED, f"Halted by reconciliation: {doubt.cause}", at=at, by=doubt.code, code="RISK_013")
        self._vitals.enter(RunState.HALTED, doubt.cause)
        context = {**doubt.context, "code": doubt.code, "venue_time": at.isoformat()}
        error = Fault("RISK_013", doubt.cause, context=context).semantic(now=self._clock.now())

        def write(w: Writing) -> None:
            save_risk_event(w, event)
            errors.save_error(w, error)

        try:
            self._journal.commit(lambda w: self._write_run_state(w, also=write))
        except BaseException:
            self._vitals.runtime = before
            raise
        _log.warning("halted_by_reconciliation", cause=doubt.cause)

    def _event(self, event_type: str, detail: str, *, at: datetime, by: str, code: str | None = None) -> RiskEvent:
        books = self._journal.books
        if books.session is None:
            raise Fault("BOT_003", "No trading session has begun.")
        return risk_event(
            event_type,
            detail,
            bot_id=self._bot_id,
            parts=(at.isoformat(), by),
            severity=Severity.LOW if event_type == RESET else Severity.HIGH,
            action="trading_resumed" if event_type == RESET else "trading_halted",
            at=at,
            session=books.session,
            positions=books.positions.values(),
            losses=self.losses,
            limits=self.limits,
            code=code,
        )

    def _write(self, w: Writing, event: RiskEvent) -> None:
        save_breaker(w, self.state)
        save_risk_event(w, event, breaker=self.state)

    def _write_run_state(self, w: Writing, *, also: Callable[[Writing], None]) -> None:
        also(w)
        runtime.save_runtime(w, self._vitals.beat())
        data = {"runState": self._vitals.run_state.name, "circuitBreakerActive": self.state.is_tripped}
        w.changed(EventKind.HEALTH, self._bot_id, f"The bot is {self._vitals.run_state.name}.", data)

    def _ends_with_session(self, session_id: str) -> bool:
        return self.limits.breaker_reset is BreakerReset.NEXT_SESSION and session_id != self.state.session_id

    def _is_halted_by_it(self) -> bool:
        now = self._vitals.runtime
        cause = capped(self.state.cause or "", REASON_BYTES)
        return now.run_state is RunState.HALTED and now.run_state_reason == cause

    def _obstacle(self, at: datetime) -> Refused | None:
        return why_not_reset(daily_pnl=self._daily_pnl(), rejections=self._rejections(at), limits=self.limits)

    def _daily_pnl(self) -> Decimal:
        books = self._journal.books
        return daily_pnl(books.session, books.positions.values()) if books.session else ZERO

    def _rejections(self, at: datetime) -> int:
        """Orders that the venue rejected in the window, and since the last reset; not asked for where nothing depends on it."""
        if self.limits.max_rejections is None:
            return 0
        since = at - timedelta(minutes=self.limits.rejection_window_minutes)
        if self.state.reset_at is not None:
            since = max(since, self.state.reset_at)
        with self._store.reading(self._bot_id) as r:
            return count_rejections(r, after=since, before=at)
