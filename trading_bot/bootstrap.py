"""Bootstrap: the only place in the bot that chooses parts and puts them together."""

import os
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version

import structlog

from trading_bot.clock import Clock, SystemClock
from trading_bot.deciders.language_model import LanguageModel
from trading_bot.deciders.secret import read_secret
from trading_bot.domain.books import Books
from trading_bot.domain.config import BotConfig
from trading_bot.domain.config_versions import InForce
from trading_bot.domain.decider import DeciderKind
from trading_bot.domain.errors import REASON_BYTES, capped
from trading_bot.domain.health import RunState, Runtime
from trading_bot.domain.orders import LIVE
from trading_bot.errors.fault import Fault
from trading_bot.logs.audit import AuditLog
from trading_bot.logs.secrets import Secrets, secrets_of
from trading_bot.services.advisor import Advisor
from trading_bot.services.circuit_breaker import CircuitBreaker
from trading_bot.services.config_adoption import ConfigAdoption
from trading_bot.services.config_projection import ConfigProjection
from trading_bot.services.config_start import Adjust, config_at_rest, found_candidate, import_file, refuse
from trading_bot.services.config_watch import ConfigWatch
from trading_bot.services.configuration import with_feed
from trading_bot.services.consultation import Consultation
from trading_bot.services.counts import Counts, counted
from trading_bot.services.decisions import Decisions
from trading_bot.services.homes import bot_of_home
from trading_bot.services.interventions import Interventions
from trading_bot.services.journal import Journal, load_books
from trading_bot.services.market_view import MarketView
from trading_bot.services.order_desk import OrderDesk
from trading_bot.services.plan_monitor import PlanMonitor
from trading_bot.services.reconciliation import Reconciliation, cutoff
from trading_bot.services.risk_gate import RiskGate
from trading_bot.services.run_control import RunControl
from trading_bot.services.trading import TradingLoop
from trading_bot.services.vitals import Vitals
from trading_bot.settings import Settings
from trading_bot.store import bots, fills, listings, orders, runtime
from trading_bot.store.checkpoints import checkpointed
from trading_bot.store.engine import open_engine
from trading_bot.store.risk_events import find_breaker
from trading_bot.store.schema import bring_up_to_date, require_current
from trading_bot.store.single_bot import held
from trading_bot.store.store import Store, Writing
from trading_bot.venues.feeds.opening import open_feed
from trading_bot.venues.paper.ledger import read_ledger
from trading_bot.venues.paper.venue import PaperVenue
from trading_bot.venues.venue import Venue

_log = structlog.get_logger(__name__)
_EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """A bot that is put together and not running yet."""

    loop: TradingLoop
    """Its loop."""
    journal: Journal
    """Its books."""
    venue: Venue
    """Where it trades."""
    store: Store
    """What it keeps."""
    adoption: ConfigAdoption
    """What it may do, and how that changes."""
    generation: int
    """Counts the starts of its process."""

    @property
    def config(self) -> BotConfig:
        """What it may do now."""
        return self.adoption.in_force.config


@asynccontextmanager
async def bot_of(
    settings: Settings, clock: Clock | None = None, *, secrets: Secrets | None = None
) -> AsyncIterator[Bot]:
    """The bot of this home, ready to run; lets everything go at the end.

    Raises a Fault when it can't be: BAK_003 half restored, BOT_002 already running, CFG_001, CFG_002, CFG_004, DATA_001, SYS_002, SYS_003.
    """
    clock = clock or SystemClock()
    settings.make_folders()
    if settings.restoring_file.exists():
        raise Fault("BAK_003", "A restore of this home was cut short: run it again, with --replace.")
    with ExitStack() as stack:
        engine = open_engine(settings.store_url)
        stack.callback(engine.dispose)
        bring_up_to_date(engine)
        store = Store(engine, clock)
        stack.callback(store.close)
        bot_id = bot_of_home(store, settings.config_file)
        stack.enter_context(held(engine, bot_id))
        stack.enter_context(checkpointed(engine))
        adjust = partial(with_feed, candles=settings.candles, seed=settings.seed, speed=settings.speed)
        import_file(store, bot_id, settings.config_file, adjust)
        in_force, venue = _opened(settings, store, bot_id, adjust, clock)
        try:
            log = AuditLog(settings.logs_dir, clock, secrets or secrets_of(settings))
            log.secrets.add(_model_key(in_force.config))
            yield await _assembled(settings, store, log, venue, in_force, adjust, clock)
        finally:
            await venue.close()


def counts_at_rest(settings: Settings) -> Counts:
    """What the books have against what the paper exchange's ledger has, read from both files: for a home whose bot is down."""
    clock = SystemClock()
    engine = open_engine(settings.store_url)
    try:
        require_current(engine)
        store = Store(engine, clock)
        bot_id = bot_of_home(store, settings.config_file)
        with store.reading(bot_id) as r:
            config = config_at_rest(r) or BotConfig(bot_id=bot_id)
            books = load_books(r, Books(bot_version=version("botgraph"), mode=config.mode))
            booked = fills.known_fill_ids(r, _EVER)
    finally:
        engine.dispose()
    ledger = read_ledger(settings.venue_file)
    live = [order for order in ledger.orders if order.status in LIVE]
    return counted(config, books, booked=booked, fills=ledger.fills, orders=live, positions=ledger.positions)


async def _assembled(  # noqa: PLR0917 - the parts of one bot
    settings: Settings, store: Store, log: AuditLog, venue: Venue, in_force: InForce, adjust: Adjust, clock: Clock
) -> Bot:
    """The bot's parts, put together over what the store holds; from here on older processes of it are fenced out."""
    config = in_force.config
    bot_id = config.bot_id
    with store.writing(bot_id) as w:
        bots.register_bot(w, name=config.name, mode=config.mode, venue=venue.name, replay_of=venue.replay_of)
        listings.save_listed(w, await venue.listed())
        generation = runtime.begin_generation(w, pid=os.getpid())
        stored = runtime.find_runtime(w)
    view = MarketView()
    with store.reading(bot_id) as r:
        books = load_books(r, Books(bot_version=version("botgraph"), mode=config.mode))
        progress = runtime.find_progress(r)
        since = cutoff(config, progress.last_sync_at, books.live_orders) if progress.last_sync_at else _EVER
        known = fills.known_fill_ids(r, since)
        marks = orders.list_marks(r)
        breaker_state = find_breaker(r)
        view.load(r)
    journal = Journal(store=store, log=log, bot_id=bot_id, generation=generation, books=books, alerts=config.alerts)
    vitals = Vitals(runtime=_starting(stored, generation, venue, clock), clock=clock)
    desk = OrderDesk(
        venue=venue,
        journal=journal,
        config=config,
        config_version=in_force.version,
        config_hash=in_force.hash,
        clock=clock,
    )
    monitor = PlanMonitor(journal=journal, desk=desk, hours=config.hours)
    breaker = CircuitBreaker(
        store=store,
        bot_id=bot_id,
        journal=journal,
        vitals=vitals,
        limits=config.risk,
        clock=clock,
        state=breaker_state,
    )
    gate = RiskGate(
        venue=venue,
        store=store,
        bot_id=bot_id,
        journal=journal,
        breaker=breaker,
        view=view,
        limits=config.risk,
        hours=config.hours,
        clock=clock,
    )
    reconciliation = Reconciliation(
        venue=venue,
        journal=journal,
        config=config,
        config_version=in_force.version,
        config_hash=in_force.hash,
        clock=clock,
        known=known,
        marks=marks,
    )
    interventions = Interventions(
        store=store,
        venue=venue,
        journal=journal,
        desk=desk,
        monitor=monitor,
        reconciliation=reconciliation,
        config=config,
        clock=clock,
    )
    decisions = Decisions(journal=journal, desk=desk, gate=gate, view=view, config=config)
    advisor = None
    if config.decider.kind is DeciderKind.LANGUAGE_MODEL:
        advisor = Advisor(
            consultation=Consultation(
                model=LanguageModel(config=config.decider, clock=clock),
                every_bars=config.decider.every_bars,
                vitals=vitals,
                clock=clock,
            ),
            decisions=decisions,
            journal=journal,
            monitor=monitor,
            view=view,
            store=store,
            config=config,
            clock=clock,
        )
        advisor.load()
    adoption = ConfigAdoption(
        store=store,
        journal=journal,
        venue=venue,
        watch=ConfigWatch(store=store, bot_id=bot_id, vitals=vitals, breaker=breaker, clock=clock),
        projection=ConfigProjection(path=settings.config_file, store=store, bot_id=bot_id, journal=journal),
        in_force=in_force,
        adjust=adjust,
        clock=clock,
    )
    loop = TradingLoop(
        venue=venue,
        journal=journal,
        reconciliation=reconciliation,
        desk=desk,
        monitor=monitor,
        breaker=breaker,
        decisions=decisions,
        advisor=advisor,
        control=RunControl(
            store=store,
            bot_id=bot_id,
            journal=journal,
            desk=desk,
            monitor=monitor,
            breaker=breaker,
            interventions=interventions,
            adoption=adoption,
            vitals=vitals,
            clock=clock,
        ),
        view=view,
        vitals=vitals,
        config=config,
        clock=clock,
        progress=progress,
        resume_as=_resumed(stored),
    )

    def take_on(new: InForce) -> None:
        for part in (desk, reconciliation, interventions, decisions, loop):
            part.take_on(new)
        if advisor is not None:
            advisor.take_on(new)
        breaker.limits = gate.limits = new.config.risk
        gate.hours = monitor.hours = new.config.hours
        journal.alerts = new.config.alerts

    def begin(w: Writing) -> None:
        runtime.save_runtime(w, vitals.beat())
        adoption.note_start(w, last_beat=stored.last_heartbeat if stored is not None else None)

    adoption.take_on = take_on
    journal.drain()
    journal.commit(begin)
    adoption.settle_file()
    _log.info("bot_assembled", bot_id=bot_id, generation=generation, venue=venue.name, config_version=in_force.version)
    return Bot(loop=loop, journal=journal, venue=venue, store=store, adoption=adoption, generation=generation)


def _model_key(config: BotConfig) -> str | None:
    """The language model's key, where it can be read: never to be logged. One that can't is told when it is needed."""
    with suppress(Fault):
        return read_secret(config.decider.key) if config.decider.key is not None else None
    return None


def _opened(settings: Settings, store: Store, bot_id: str, adjust: Adjust, clock: Clock) -> tuple[InForce, Venue]:
    """The configuration to start with and its venue; a new version that the bot can't start with is given up on the way."""
    while True:
        candidate = found_candidate(store, bot_id, adjust)
        config = candidate.in_force.config
        try:
            feed = open_feed(config.venue, config.symbols)
            return candidate.in_force, PaperVenue(settings.venue_file, config.venue, clock, feed, config.symbols)
        except Fault as fault:
            if candidate.change is None or not refuse(store, bot_id, candidate.change, fault):
                raise


def _starting(stored: Runtime | None, generation: int, venue: Venue, clock: Clock) -> Runtime:
    """The runtime of a process that has just started: what it was before, but not reconciled yet."""
    resume_as, resume_reason = _resumed(stored)
    return Runtime(
        run_state=RunState.STARTING,
        run_state_reason=None,
        generation=generation,
        last_heartbeat=None,
        process_ended_at=None,
        observed_at=stored.observed_at if stored else None,
        venue_time=stored.venue_time if stored else None,
        venue_is_replay=venue.replay_of is not None,
        circuit_breaker_reason=stored.circuit_breaker_reason if stored else None,
        checks=(),
        started_at=clock.now(),
        ticks=0,
        last_tick_at=None,
        loop_latency_ms=(None, None, None),
        resume_as=resume_as,
        resume_reason=resume_reason,
    )


def _resumed(stored: Runtime | None) -> tuple[RunState, str | None]:
    """The state to go on in once reconciled: the one before, for a state survives a restart, and a start that was killed."""
    if stored is None:
        return RunState.RUNNING, None
    if stored.run_state is RunState.STARTING:
        return stored.resume_as or RunState.RUNNING, stored.resume_reason
    reason = stored.run_state_reason
    return stored.run_state, capped(reason, REASON_BYTES) if reason else None
