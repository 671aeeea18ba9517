"""The advisor: lets a language model decide on entries, early exits and tighter stops, in the place of the strategies.

What it proposes passes the same checks, gate and desk as what a strategy proposes. An answer is taken at the next bar; one that is older
than a bar is dropped. A market that waits for the bot stands still meanwhile, and the answer is taken at the bar of the question.
"""

from dataclasses import replace
from typing import assert_never

from trading_bot.clock import Clock
from trading_bot.deciders.language_model import Counsel
from trading_bot.domain.advice import MODEL_NAME, Enter, Leave, Situation, Stay, Tighten, proposal_of
from trading_bot.domain.books import with_decision
from trading_bot.domain.config import BotConfig
from trading_bot.domain.config_versions import InForce
from trading_bot.domain.decider import MOST_SYMBOLS
from trading_bot.domain.decisions import Decision
from trading_bot.domain.instruments import instrument
from trading_bot.domain.market import BAR_LENGTH, Bar
from trading_bot.domain.money import plain
from trading_bot.domain.plans import PlanStatus, TradePlan
from trading_bot.domain.risk import Refused
from trading_bot.errors.fault import Fault
from trading_bot.services.advice_traces import dropped, failed, of_plan, traced
from trading_bot.services.consultation import Consultation
from trading_bot.services.decision_traces import drafted, refused
from trading_bot.services.decisions import Decisions
from trading_bot.services.journal import Journal
from trading_bot.services.market_view import MarketView
from trading_bot.services.plan_monitor import PlanMonitor
from trading_bot.store import decisions, trades
from trading_bot.store.store import Store
from trading_bot.venues.venue import MarketUpdate

_RECENT_TRADES = 10
_PAST_DECISIONS = 20


class Advisor:
    """Asks the model when it is due, and does what it advises where that is allowed."""

    def __init__(
        self,
        *,
        consultation: Consultation,
        decisions: Decisions,
        journal: Journal,
        monitor: PlanMonitor,
        view: MarketView,
        store: Store,
        config: BotConfig,
        clock: Clock,
    ) -> None:
        self._consultation = consultation
        self._decisions = decisions
        self._journal = journal
        self._monitor = monitor
        self._view = view
        self._store = store
        self._config = config
        self._clock = clock

    def load(self) -> None:
        """Go on where the last process ended."""
        with self._store.reading(self._config.bot_id) as r:
            past = decisions.list_decisions(r, _PAST_DECISIONS, strategy_name=MODEL_NAME)
        self._consultation.resume(past.items)

    def take_on(self, in_force: InForce) -> None:
        """Show the model these limits and symbols from now on; which model it is changes at a start only."""
        self._config = in_force.config

    @property
    def has_question(self) -> bool:
        """Whether a question was asked whose answer was not taken."""
        return self._consultation.is_open

    @property
    def holds_market(self) -> bool:
        """Whether the market has to wait for an answer. One that runs at the pace of the clock never does."""
        return self._consultation.is_thinking and not self._config.venue.is_real_time

    async def wait(self, seconds: float) -> None:
        """Wait for the answer, at most that long."""
        await self._consultation.wait(seconds)

    async def close(self) -> None:
        """Take back what was asked."""
        await self._consultation.close()

    async def decide(self, update: MarketUpdate) -> None:
        """Act on an answer that has come since the last bar, and ask again when it is time."""
        await self.conclude(update)
        if self._journal.books.session is not None and self._consultation.is_due(update.time):
            situation = self._situation(update)
            if situation.may_enter or situation.may_exit:
                self._consultation.ask(situation)

    async def conclude(self, update: MarketUpdate, *, no_entry: str | None = None, no_exit: str | None = None) -> None:
        """Act on an answer, where one has come. `no_entry` and `no_exit` say why none may leave now; null when it may."""
        counsel = self._consultation.taken()
        session = self._journal.books.session
        if counsel is None or session is None:
            return
        if counsel.cost_usd:
            paid = replace(session, total_llm_cost=session.total_llm_cost + counsel.cost_usd)
            self._journal.books = replace(self._journal.books, session=paid)
        fault = self._consultation.note(counsel)
        decision = traced(counsel, bot_id=self._config.bot_id, session_id=session.id, at=update.time)
        try:
            await self._act(counsel, decision, update, no_entry=no_entry, no_exit=no_exit)
        except Fault as failure:
            if decision.id not in self._journal.books.decisions:
                self._refuse(decision, failure.cause, code=failure.code)
            raise
        finally:
            if fault is not None:
                self._journal.report(fault.semantic(now=self._clock.now()))
            self._journal.commit()

    async def _act(
        self,
        counsel: Counsel,
        decision: Decision,
        update: MarketUpdate,
        *,
        no_entry: str | None,
        no_exit: str | None,
    ) -> None:
        age = update.time - counsel.asked_at
        match counsel.outcome:
            case Fault():
                self._keep(failed(decision))
            case _ if age > BAR_LENGTH:
                self._keep(dropped(decision, age.total_seconds()))
            case Stay():
                self._keep(decision)
            case Leave() | Tighten() if no_exit is not None:
                self._refuse(decision, no_exit)
            case Leave() as advice:
                await self._leave(advice, decision, update)
            case Tighten() as advice:
                self._tighten(advice, decision)
            case Enter() if no_entry is not None:
                self._refuse(decision, no_entry)
            case Enter() as advice:
                await self._enter(advice, decision, update)
            case _:
                assert_never(counsel.outcome)

    async def _enter(self, advice: Enter, decision: Decision, update: MarketUpdate) -> None:
        bar = self._last_bar(advice.symbol)
        if bar is None or not self._enterable(bar, update):
            self._refuse(decision, f"{advice.symbol} can't be entered at this moment.")
            return
        try:
            proposal = proposal_of(advice, bar)
        except ValueError as error:
            self._refuse(decision, str(error))
            return
        draft = drafted(proposal, bot_id=self._config.bot_id, session_id=decision.session_id, at=update.time)
        told = replace(
            draft,
            seen={**draft.seen, **decision.seen},
            prompt=decision.prompt,
            cost_usd=decision.cost_usd,
            latency_ms=decision.latency_ms,
        )
        await self._decisions.enter(proposal, told, bar, update.time)

    async def _leave(self, advice: Leave, decision: Decision, update: MarketUpdate) -> None:
        plan = self._endable(advice.symbol)
        if plan is None:
            self._refuse(decision, f"{advice.symbol} has no plan that could be ended at this moment.")
            return
        self._keep(of_plan(decision, plan))
        self._monitor.end(plan, f"{MODEL_NAME}: {advice.reasoning}")
        await self._monitor.drive(at=update.time, market_open=update.market_open)

    def _tighten(self, advice: Tighten, decision: Decision) -> None:
        """Move the plan's stop up; never down, and never to where it would be an exit."""
        plan, bar = self._endable(advice.symbol), self._last_bar(advice.symbol)
        if plan is None or bar is None:
            self._refuse(decision, f"{advice.symbol} has no plan whose stop could be moved at this moment.")
            return
        stop = instrument(advice.symbol).price(advice.stop_price)
        entry = None if self._journal.books.held_for(plan.id) > 0 else plan.entry_price
        ceiling = min(price for price in (bar.close, plan.target_price, entry) if price is not None)
        if not plan.stop_price < stop < ceiling:
            cause = f"The stop may move to between {plain(plan.stop_price)} and {plain(ceiling)}, not to {plain(stop)}."
            self._refuse(decision, cause, code="ORD_010")
        else:
            self._keep(of_plan(decision, plan))
            self._monitor.move(plan.id, reason=f"{MODEL_NAME}: {advice.reasoning}", stop=stop)

    def _endable(self, symbol: str) -> TradePlan | None:
        return next((plan for plan in self._journal.books.plans_of(symbol) if _may_end(plan)), None)

    def _refuse(self, decision: Decision, cause: str, *, code: str = "LLM_004") -> None:
        self._keep(refused(decision, Refused(code=code, cause=cause, figures={})))

    def _keep(self, decision: Decision) -> None:
        self._journal.books = with_decision(self._journal.books, decision)

    def _situation(self, update: MarketUpdate) -> Situation:
        shown = [bar for symbol in self._symbols(update) if (bar := self._last_bar(symbol)) is not None]
        books = self._journal.books
        with self._store.reading(self._config.bot_id) as r:
            recent = trades.list_trades(r, _RECENT_TRADES)
        return Situation(
            at=update.time,
            books=books,
            bars={bar.symbol: tuple(self._view.bars(bar.symbol)) for bar in shown},
            may_enter=tuple(bar.symbol for bar in shown if self._may_enter(bar, update)),
            may_exit=tuple(sorted({plan.symbol for plan in books.plans.values() if plan.is_open and _may_end(plan)})),
            recent=recent.items,
            limits=self._config.risk,
        )

    def _symbols(self, update: MarketUpdate) -> tuple[str, ...]:
        """What the model is shown: what has a plan, then what is configured for it or for the bot, or what trades now."""
        planned = sorted(plan.symbol for plan in self._journal.books.plans.values() if plan.is_open)
        wanted = self._config.decider.symbols or self._config.symbols or tuple(bar.symbol for bar in update.bars)
        return tuple(sorted(tuple(dict.fromkeys((*planned, *wanted)))[:MOST_SYMBOLS]))

    def _may_enter(self, bar: Bar, update: MarketUpdate) -> bool:
        """Whether an entry might leave now: the model is paid for its answer, not for what the limits are known to refuse."""
        meant = self._config.decider.symbols
        is_meant = not meant or bar.symbol in meant
        return is_meant and self._enterable(bar, update) and not self._decisions.is_shut(bar, update.time)

    def _enterable(self, bar: Bar, update: MarketUpdate) -> bool:
        return bar.symbol in update.market_open and self._decisions.may_enter(bar, update.time)

    def _last_bar(self, symbol: str) -> Bar | None:
        bars = self._view.bars(symbol)
        return bars[-1] if bars else None


def _may_end(plan: TradePlan) -> bool:
    return plan.status is PlanStatus.OPEN and plan.exit_reason is None
