"""The trading loop: one bar after the other, each handled wholly before the next is asked for.

A bar is handled in steps: take the market in, sync with the venue, check the circuit breaker, settle what is unknown, watch the plans,
cancel what is overdue, decide, and commit. A step that fails becomes a SemanticError and the loop goes on; a bar counts as handled only
with the last commit, and the venue repeats it until then. So a bot that is killed anywhere does the same again, with the same order ids,
and nothing twice.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import structlog

from trading_bot.calendar import session_day
from trading_bot.clock import Clock
from trading_bot.domain.books import Books, marked
from trading_bot.domain.config import BotConfig, OnSignal
from trading_bot.domain.config_versions import InForce
from trading_bot.domain.health import MAY_ENTER, MAY_EXIT, RunState
from trading_bot.domain.instruments import AssetClass, instrument
from trading_bot.domain.market import BAR_LENGTH, Bar
from trading_bot.domain.money import ZERO
from trading_bot.domain.sessions import BotSession, equity, session_id
from trading_bot.errors.fault import Fault
from trading_bot.services.advisor import Advisor
from trading_bot.services.circuit_breaker import CircuitBreaker
from trading_bot.services.decisions import Decisions
from trading_bot.services.journal import Journal
from trading_bot.services.market_view import MarketView
from trading_bot.services.order_desk import OrderDesk
from trading_bot.services.plan_monitor import PlanMonitor
from trading_bot.services.plausibility import lie_in_update, plausible_account
from trading_bot.services.reconciliation import Reconciliation
from trading_bot.services.run_control import RunControl
from trading_bot.services.vitals import Vitals
from trading_bot.store import candles, changes, quotes, runtime
from trading_bot.store.runtime import Progress
from trading_bot.store.store import Writing
from trading_bot.venues.venue import FeedEnded, MarketUpdate, NotYet, Venue

_log = structlog.get_logger(__name__)
# While it waits for the market the bot looks for commands this often, and gives a sign of life that often.
COMMAND_SECONDS = 0.25
HEARTBEAT_SECONDS = 5.0
PRUNE_SECONDS = 60.0
# A feed that failed or ended is asked again at this pace.
_IDLE_SECONDS = 1.0


class TradingLoop:
    """One bot's loop over one venue."""

    def __init__(
        self,
        *,
        venue: Venue,
        journal: Journal,
        reconciliation: Reconciliation,
        desk: OrderDesk,
        monitor: PlanMonitor,
        breaker: CircuitBreaker,
        decisions: Decisions,
        advisor: Advisor | None = None,
        control: RunControl,
        view: MarketView,
        vitals: Vitals,
        config: BotConfig,
        clock: Clock,
        progress: Progress,
        resume_as: tuple[RunState, str | None],
    ) -> None:
        self._venue = venue
        self._journal = journal
        self._reconciliation = reconciliation
        self._desk = desk
        self._monitor = monitor
        self._breaker = breaker
        self._decisions = decisions
        self._advisor = advisor
        self._control = control
        self._view = view
        self._vitals = vitals
        self._config = config
        self._clock = clock
        self._progress = progress
        self._resume_as = resume_as
        self._ending = asyncio.Event()
        self._beat_at = float("-inf")
        self._pruned_at = float("-inf")
        self._unsaved: list[Bar] = []
        self._market_open: frozenset[str] = frozenset()
        self._acted_at = float("-inf")

    @property
    def run_state(self) -> RunState:
        """What the bot lets itself do."""
        return self._vitals.run_state

    def take_on(self, in_force: InForce) -> None:
        """Go on under this configuration."""
        self._config = in_force.config

    def end(self) -> None:
        """Ask the loop to end after the bar it is handling."""
        self._ending.set()

    async def run(self) -> None:
        """Handle bars until asked to end."""
        while not self._ending.is_set():
            await self._step("commands", lambda: self._control.obey(at=self._progress.cursor))
            update = await self._next()
            match update:
                case MarketUpdate():
                    await self._handle(update)
                    await self._clock.sleep(0)  # let others run: signals, and a model that decides beside the loop
                case NotYet(wait_seconds=seconds):
                    await self._idle(min(seconds, COMMAND_SECONDS))
                case FeedEnded(reason=reason):
                    await self._stop_at_end(reason)
                    await self._idle(COMMAND_SECONDS)
        await self._leave()

    async def _next(self) -> MarketUpdate | NotYet | FeedEnded:
        """What the venue has next; a feed that can't go on is the end of it, a failing read is asked again."""
        try:
            update = await self._venue.next_update(self._progress.cursor)
        except Exception as error:  # noqa: BLE001 - whatever a venue does, the loop goes on
            fault = self._as_fault("market_data", error)
            self._fail("market_data", fault)
            if fault.code in ("DATA_001", "DATA_002"):
                return FeedEnded(reason=fault.cause)
            return NotYet(wait_seconds=_IDLE_SECONDS)
        problem = lie_in_update(update, self._progress.cursor) if isinstance(update, MarketUpdate) else None
        if problem is not None:
            self._fail("market_data", Fault("DATA_005", problem))
            return NotYet(wait_seconds=_IDLE_SECONDS)
        if isinstance(update, NotYet) and update.stale:
            self._fail("market_data", Fault("DATA_003", "The venue has no new bar although its market is open."))
        else:
            self._vitals.passed("market_data")
        return update

    async def _handle(self, update: MarketUpdate) -> None:
        """One bar, wholly; what fails before it is committed leaves it to be repeated by the venue."""
        started = self._clock.monotonic()
        self._market_open = update.market_open
        if not await self._step("market_data", lambda: self._take(update)):
            await self._sign_of_life()
            await self._clock.sleep(_IDLE_SECONDS)
            return
        if self._view.failure is not None:
            self._fail("market_data", self._as_fault("market_data", self._view.failure))
        synced = await self._sync(update.time, {bar.symbol: bar.open for bar in update.bars})
        self._journal.books = marked(self._journal.books, update.bars, at=update.time)
        if self._vitals.run_state is RunState.STARTING and self._reconciliation.is_reconciled:
            self._vitals.enter(*self._resume_as)
        if self._vitals.run_state is not RunState.STARTING:
            await self._step("risk", lambda: self._breaker.check(at=update.time, doubt=self._doubt))
        await self._act(update, synced=synced)
        if self._advisor is not None and self._advisor.holds_market:
            return  # asked to end while the market waits for an answer: the venue repeats the bar, and it is asked again
        self._vitals.ticked(self._clock.monotonic() - started)
        if not await self._step("store", lambda: self._commit(update)):
            await self._clock.sleep(_IDLE_SECONDS)

    async def _take(self, update: MarketUpdate) -> None:
        """Take the market in, and begin a new session with the first bar of a new day of the venue."""
        self._unsaved += await self._view.take(update, self._venue)
        if self._journal.books.account is None:
            self._journal.books = replace(self._journal.books, account=plausible_account(await self._venue.account()))
        self._roll_session(update)

    async def _act(self, update: MarketUpdate, *, synced: bool) -> None:
        """What may leave in the present state: exits first, then the rest."""
        state = self._vitals.run_state
        may_enter = state in MAY_ENTER and synced
        if state is RunState.STARTING:
            self._monitor.watch(update.bars)  # a stop that is traded through before all is reconciled is not forgotten
        if state in MAY_EXIT:
            await self._step("orders", lambda: self._desk.settle(at=update.time, may_enter=may_enter))
            if self._reconciliation.strays:
                await self._step("orders", lambda: self._desk.take_back(self._reconciliation.strays))
            await self._step("plans", lambda: self._watch_plans(update))
            await self._step("orders", lambda: self._cancel_entries(update.time, state))
        if self._advisor is not None and (may_enter or self._advisor.has_question):
            advisor = self._advisor
            await self._step("decisions", lambda: self._take_advice(advisor, update, synced=synced))
        elif may_enter:
            await self._step("decisions", lambda: self._decisions.decide(update))

    async def _take_advice(self, advisor: Advisor, update: MarketUpdate, *, synced: bool) -> None:
        """Let a model decide beside the loop. A market that waits for the bot stands still until it has answered."""
        if synced and self._vitals.run_state in MAY_ENTER:
            await advisor.decide(update)
        while advisor.holds_market and not self._ending.is_set():
            await advisor.wait(COMMAND_SECONDS)
            await self._step("commands", lambda: self._control.obey(at=update.time, between_bars=False))
            await self._sign_of_life()
        if not advisor.holds_market:
            state = self._vitals.run_state  # a command may have changed it while the market stood still
            unread = None if synced else "The venue could not be read at this bar."
            no_entry = unread if state in MAY_ENTER else f"The bot is {state.name}."
            no_exit = None if state in MAY_EXIT else f"The bot is {state.name}."
            await advisor.conclude(update, no_entry=no_entry, no_exit=no_exit)

    async def _watch_plans(self, update: MarketUpdate) -> None:
        self._monitor.watch(update.bars)
        longest = timedelta(seconds=self._config.risk.max_data_age_seconds)
        for fault in self._monitor.unwatched(longest, at=update.time, market_open=update.market_open):
            self._journal.report(fault.semantic(now=self._clock.now()))
        await self._monitor.drive(at=update.time, market_open=update.market_open)

    async def _cancel_entries(self, at: datetime, state: RunState) -> None:
        """Entries that are overdue; all of them in a state that refuses entries."""
        overdue = state in MAY_ENTER
        why = "not filled in time" if overdue else f"the bot is {state.name}"
        await self._monitor.cancel_entries(at=at, reason=why, due_only=overdue)

    async def _sync(self, at: datetime, prices: Mapping[str, Decimal]) -> bool:
        last = self._progress.last_sync_at
        synced = await self._step("venue", lambda: self._reconciliation.sync(at=at, last_sync_at=last, prices=prices))
        if synced:
            self._progress = replace(self._progress, last_sync_at=at)
            self._vitals.observed(at)
        return synced

    async def _commit(self, update: MarketUpdate) -> None:
        """The bar is handled: from here on the venue may move on."""
        progress = replace(self._progress, cursor=update.time)

        def write(w: Writing) -> None:
            candles.save_bars(w, self._unsaved)
            quotes.save_quotes(w, update.prices)
            self._prune(w)
            runtime.save_progress(w, progress)
            runtime.save_runtime(w, self._vitals.beat())

        self._note_log()
        self._journal.commit(write)
        self._unsaved = []
        self._progress = progress
        self._beat_at = self._clock.monotonic()

    async def _idle(self, seconds: float) -> None:
        """Nothing to handle: reconcile if that has not been done for the last bar, give a sign of life, and wait."""
        at = self._progress.cursor
        if at is not None and not self._is_synced:
            await self._sync(at, {})
            if self._vitals.run_state is RunState.STARTING and self._reconciliation.is_reconciled:
                self._vitals.enter(*self._resume_as)
                self._beat_at = float("-inf")
        if at is not None and self._vitals.is_failing("market_data"):
            await self._act_without_bars(at)
        await self._sign_of_life()
        if not self._ending.is_set():
            await self._clock.sleep(seconds)

    async def _act_without_bars(self, at: datetime) -> None:
        """While the feed stands still: settle what is unknown, and let go out what was asked for, now and then by the wall clock."""
        state = self._vitals.run_state
        if state not in MAY_EXIT or self._clock.monotonic() - self._acted_at < HEARTBEAT_SECONDS:
            return
        self._acted_at = self._clock.monotonic()
        await self._sync(at, {})
        await self._step("orders", lambda: self._desk.settle(at=at, may_enter=False))
        await self._step("plans", lambda: self._monitor.drive(at=at, market_open=self._market_open))
        await self._step("orders", lambda: self._cancel_entries(at, state))

    async def _sign_of_life(self) -> None:
        if self._clock.monotonic() - self._beat_at >= HEARTBEAT_SECONDS:
            await self._step("store", self._beat)

    async def _beat(self) -> None:
        if not self._vitals.is_failing("market_data"):
            self._vitals.observed(None)
        self._journal.drain()  # what the API or the supervisor wrote, and what the log refused before
        self._note_log()

        def write(w: Writing) -> None:
            runtime.save_runtime(w, self._vitals.beat())
            self._prune(w)

        self._journal.commit(write)
        self._beat_at = self._clock.monotonic()

    def _prune(self, w: Writing) -> None:
        """Forget events that are too old, now and then."""
        if self._clock.monotonic() - self._pruned_at >= PRUNE_SECONDS:
            changes.prune_changes(w)
            self._pruned_at = self._clock.monotonic()

    @property
    def _doubt(self) -> Fault | None:
        """What the venue said of our money at its last reading that can't be true."""
        looked_up = (
            self._desk.doubt if self._vitals.run_state in MAY_EXIT else None
        )  # who sends nothing looks nothing up
        return self._reconciliation.doubt or looked_up

    @property
    def _is_synced(self) -> bool:
        """Whether the books hold what happened at the venue up to the last bar."""
        cursor, last = self._progress.cursor, self._progress.last_sync_at
        return cursor is None or (self._reconciliation.is_reconciled and last is not None and last >= cursor)

    async def _stop_at_end(self, reason: str) -> None:
        """A feed that has ended stops the bot, once the last bar's fills are booked; both processes live on."""
        if self._vitals.run_state is not RunState.STOPPED and self._is_synced:
            self._vitals.enter(RunState.STOPPED, reason)
            self._beat_at = float("-inf")
            await self._step("commands", lambda: self._control.give_up(reason))
            _log.info("feed_ended", reason=reason)

    async def _leave(self) -> None:
        """The process is asked to end: cancel resting orders if so configured, and say goodbye."""
        at = self._progress.cursor
        if self._config.on_signal is OnSignal.CANCEL and at is not None:
            await self._step("orders", lambda: self._cancel_all(at))
        await self._step("store", self._beat)
        if self._advisor is not None:
            await self._advisor.close()
        await self._venue.close()

    async def _cancel_all(self, at: datetime) -> None:
        for order in self._journal.books.live_orders:
            await self._desk.cancel(order, at=at, reason="the process ends")

    def _roll_session(self, update: MarketUpdate) -> None:
        """Begin a new trading session with the first bar of a new day of the venue."""
        kinds = {instrument(bar.symbol).asset_class for bar in update.bars}
        held = {instrument(symbol).asset_class for symbol in self._config.symbols}
        kind = AssetClass.EQUITY if AssetClass.EQUITY in (held or kinds) else AssetClass.CRYPTO
        day = session_day(kind, update.time - BAR_LENGTH)
        books = self._journal.books
        if books.session is None or books.session.date < day.isoformat():
            self._journal.books = replace(books, session=self._new_session(books, day.isoformat(), update))

    def _new_session(self, books: Books, day: str, update: MarketUpdate) -> BotSession | None:
        previous = books.session
        positions = books.positions.values()
        cost = sum((position.cost for position in positions), ZERO)
        if previous is not None:
            capital, worth = previous.capital, equity(previous, positions)
        elif books.account is not None:
            capital = worth = books.account.account_balance
        else:
            return None
        return BotSession(
            id=session_id(self._config.bot_id, datetime.fromisoformat(day).date()),
            date=day,
            starting_balance=capital - cost,
            starting_capital=capital,
            start_of_day_equity=worth,
            gross_pnl=ZERO,
            total_fees=ZERO,
            total_llm_cost=ZERO,
            total_trades=0,
            created_at=update.time,
            closed_at=None,
        )

    def _note_log(self) -> None:
        fault = self._journal.log_fault
        if fault is None:
            self._vitals.passed("audit_log")
        elif self._vitals.is_failing("audit_log"):
            self._vitals.failed("audit_log", fault.cause)
        else:
            self._fail("audit_log", fault)

    async def _step(self, name: str, work: Callable[[], Awaitable[object]]) -> bool:
        """Do one step; what goes wrong becomes a SemanticError, and false is given back."""
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - a fault of ours in one step must not end the others
            self._fail(name, self._as_fault(name, error))
        else:
            self._vitals.passed(name)
            return True
        return False

    def _as_fault(self, name: str, error: Exception) -> Fault:
        if isinstance(error, Fault):
            return error
        fault_id = uuid.uuid4().hex
        _log.error("step_failed", step=name, fault_id=fault_id, exc_info=error)
        return Fault("BOT_004", f"The step `{name}` failed unexpectedly.", context={"step": name, "fault_id": fault_id})

    def _fail(self, name: str, fault: Fault) -> None:
        self._vitals.failed(name, fault.cause)
        _log.warning("step_fault", step=name, code=fault.code, cause=fault.cause)
        try:
            self._journal.report(fault.semantic(now=self._clock.now()))
        except Exception as error:  # noqa: BLE001 - an error that can't be stored is said in the log, and the loop goes on
            _log.error("error_not_stored", code=fault.code, exc_info=error)
