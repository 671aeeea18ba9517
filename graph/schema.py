"""The API, read top to bottom like its SDL."""

from collections.abc import AsyncGenerator
from datetime import datetime

import strawberry
from graphql import ConstObjectValueNode, GraphQLDefaultInput, GraphQLInputObjectType, GraphQLSchema, Undefined
from strawberry.schema.config import StrawberryConfig

from graph.describes import Argument, answered_by, streamed_by
from graph.guard.writes import writes, writes_planned
from graph.scalars import SCALARS, BigInt, write_undefined_as_null
from graph.types.changes import Event
from graph.types.commands import Command, CommandConnection, CommandPayload, ErrorAcknowledgePayload
from graph.types.config import (
    Config,
    ConfigApplyInput,
    ConfigChangeConnection,
    ConfigChangePayload,
    ConfigDifference,
    ConfigPlan,
    ConfigPlanInput,
    ConfigRollbackInput,
)
from graph.types.decisions import DecisionConnection
from graph.types.errors import ErrorCode, SemanticErrorConnection
from graph.types.fills import FillConnection
from graph.types.inputs import (
    BotActionInput,
    BotStopInput,
    DecisionFilter,
    ErrorAcknowledgeInput,
    ErrorFilter,
    OrdersCancelInput,
    PositionsCloseInput,
    RiskEventFilter,
    TradeFilter,
    WorkflowCancelInput,
    WorkflowExecuteInput,
)
from graph.types.market import CandleConnection, MarketSnapshot
from graph.types.metrics import Metrics
from graph.types.performance_alerts import PerformanceMetricConnection
from graph.types.plans import TradePlanConnection
from graph.types.risk import RiskEventConnection
from graph.types.sessions import BotSessionConnection
from graph.types.state import Bot, BotState, BotSummary
from graph.types.trades import TradeConnection
from graph.types.viewer import Viewer
from graph.types.workflows import Workflow, WorkflowRun, WorkflowRunConnection, WorkflowRunPayload
from resolvers import (
    acknowledgements,
    bots,
    candles,
    changes,
    commands,
    config,
    config_writes,
    decisions,
    errors,
    fills,
    market,
    metrics,
    performance_alerts,
    plans,
    risk,
    sessions,
    state,
    trades,
    viewer,
    watches,
    workflows,
)
from trading_bot.domain.candles import Timeframe
from trading_bot.domain.errors import Scope
from trading_bot.domain.events import EventKind
from trading_bot.domain.plans import PlanStatus

BOT_ID = Argument(strawberry.ID | None, "Which bot; may be left out when there is one.")
FIRST = Argument(int, "How many, 1 to 100.", default=20)
AFTER = Argument(str | None, "The `endCursor` of the page before; left out for the first page.")
INTERVAL = Argument(int, "Seconds from one answer to the next, 1 to 60.", default=5)
SYMBOL = Argument(str, "Such as AAPL or BTC/USD.")
KINDS = Argument(list[EventKind] | None, "Only events of these kinds; left out for all.")
ACTION = Argument(BotActionInput, "What is asked, and why.")


@strawberry.type(
    description="Everything that can be read. A root field that fails is null and leaves its neighbours alone."
)
class Query:
    bot_state: BotState | None = answered_by(state.find_bot_state, "Everything about one bot, now.", bot_id=BOT_ID)
    bot_summary: BotSummary | None = answered_by(
        state.find_bot_summary,
        "The same, compressed: its worst case, printed with an indent of 2, is under 10,240 bytes.",
        bot_id=BOT_ID,
    )
    bots: list[Bot] | None = answered_by(bots.list_bots, "All bots, by id.", first=FIRST)
    metrics: Metrics | None = answered_by(
        metrics.find_metrics, "What runs and how well, for monitoring.", bot_id=BOT_ID
    )
    trades: TradeConnection | None = answered_by(
        trades.list_trades,
        "Trades, newest entry first.",
        bot_id=BOT_ID,
        first=FIRST,
        after=AFTER,
        filter=Argument(TradeFilter | None, "Which trades; left out for all."),
    )
    trade_plans: TradePlanConnection | None = answered_by(
        plans.list_plans,
        "Trade plans, newest first.",
        bot_id=BOT_ID,
        first=FIRST,
        after=AFTER,
        status=Argument(PlanStatus | None, "Only plans of this status; left out for all."),
    )
    fills: FillConnection | None = answered_by(
        fills.list_fills,
        "Single executions, newest first.",
        bot_id=BOT_ID,
        first=FIRST,
        after=AFTER,
        symbol=Argument(str | None, "Only fills of this symbol; left out for all."),
    )
    bot_sessions: BotSessionConnection | None = answered_by(
        sessions.list_sessions, "Trading days, newest first.", bot_id=BOT_ID, first=FIRST, after=AFTER
    )
    decisions: DecisionConnection | None = answered_by(
        decisions.list_decisions,
        "What was decided and why, newest first.",
        bot_id=BOT_ID,
        first=FIRST,
        after=AFTER,
        filter=Argument(DecisionFilter | None, "Which decisions; left out for all."),
    )
    risk_events: RiskEventConnection | None = answered_by(
        risk.list_risk_events,
        "What the limits refused and what the circuit breaker did, newest first.",
        bot_id=BOT_ID,
        first=FIRST,
        after=AFTER,
        filter=Argument(RiskEventFilter | None, "Which events; left out for all."),
    )
    performance_alerts: PerformanceMetricConnection | None = answered_by(
        performance_alerts.list_alerts,
        "Figures over the last 20 trades that crossed a threshold of the configuration, newest first.",
        bot_id=BOT_ID,
        first=FIRST,
        after=AFTER,
    )
    market_snapshot: MarketSnapshot | None = answered_by(
        market.find_snapshot,
        "The latest price of a symbol; null for one that the bot has not seen.",
        bot_id=BOT_ID,
        symbol=SYMBOL,
    )
    candles: CandleConnection | None = answered_by(
        candles.list_candles,
        "Candles of a symbol, newest first, made exactly from the bars of one minute that the bot has seen.",
        bot_id=BOT_ID,
        symbol=SYMBOL,
        timeframe=Argument(Timeframe, "How long a candle lasts.", default=Timeframe.ONE_MINUTE),
        start=Argument(
            datetime | None, "Only candles that begin then or later; left out for no bound.", strawberry.UNSET, "from"
        ),
        end=Argument(datetime | None, "Only candles that begin before; left out for no bound.", strawberry.UNSET, "to"),
        first=Argument(int, "How many, 1 to 100.", default=100),
        after=AFTER,
    )
    command: Command | None = answered_by(
        commands.find_command,
        "What became of a command; null when there is none of that id.",
        id=Argument(strawberry.ID, "Id of the command, from the payload of the write."),
    )
    commands: CommandConnection | None = answered_by(
        commands.list_commands,
        "What was asked of the bot and what came of it, newest first.",
        bot_id=BOT_ID,
        first=FIRST,
        after=AFTER,
    )
    changes: list[Event] | None = answered_by(
        changes.list_changes,
        "What happened after a point that you remember, oldest first: the cheap way to look again. Empty when nothing did.",
        bot_id=BOT_ID,
        after_seq=Argument(BigInt, "The `seq` of the last answer or event that you have seen; zero for the beginning."),
        first=Argument(int, "How many, 1 to 100.", default=50),
        kinds=KINDS,
    )
    error_codes: list[ErrorCode] | None = answered_by(
        errors.list_error_codes,
        "The error catalogue: what a code means and how it is resolved. Found by code first, then by the words of each entry.",
        search=Argument(
            str | None,
            "A code, or words of its title, meaning, impact or remediation, at most 200 characters; left out for all.",
        ),
        first=FIRST,
    )
    errors: SemanticErrorConnection | None = answered_by(
        errors.list_errors,
        "What went wrong, newest first.",
        bot_id=BOT_ID,
        first=FIRST,
        after=AFTER,
        filter=Argument(ErrorFilter | None, "Which errors; left out for all."),
    )
    config_plan: ConfigPlan | None = answered_by(
        config.plan_config,
        "Validates a change without writing anything: all problems at once, the diff, the risk, and a token that configApply accepts.",
        input=Argument(ConfigPlanInput, "What is to change."),
    )
    config_history: ConfigChangeConnection | None = answered_by(
        config.list_history,
        "Every version of the configuration as a step, newest first: who made it, why, what it changed and what came of it.",
        bot_id=BOT_ID,
        first=FIRST,
        after=AFTER,
    )
    config_diff: list[ConfigDifference] | None = answered_by(
        config.list_differences,
        "What differs between two versions, by path, in the order of the configuration.",
        bot_id=BOT_ID,
        from_version=Argument(int, "The version that is compared."),
        to_version=Argument(int, "The version that it is compared with."),
        first=Argument(int, "How many, 1 to 100.", default=100),
    )
    config: Config | None = answered_by(
        config.find_bot_config,
        "The configuration: every key with its value; null for a version that does not exist.",
        bot_id=BOT_ID,
        version=Argument(int | None, "Number of the version; left out for the latest."),
    )
    workflow: Workflow | None = answered_by(
        workflows.find_workflow,
        "One workflow; null when there is none of that id.",
        id=Argument(strawberry.ID, "Such as check-health."),
    )
    workflow_run: WorkflowRun | None = answered_by(
        workflows.find_workflow_run,
        "How far a run is and what its steps did; null when there is none of that id.",
        id=Argument(strawberry.ID, "Id of the run, from the payload of the write."),
    )
    workflow_runs: WorkflowRunConnection | None = answered_by(
        workflows.list_workflow_runs,
        "Runs of workflows, newest first.",
        bot_id=BOT_ID,
        workflow_id=Argument(strawberry.ID | None, "Only runs of this workflow; left out for all."),
        first=FIRST,
        after=AFTER,
    )
    workflows: list[Workflow] | None = answered_by(
        workflows.list_workflows,
        "What can be run as one operation, by id: the library and the operator's own.",
        first=Argument(int, "How many, 1 to 100.", default=50),
    )
    viewer: Viewer = answered_by(viewer.find_viewer, "Whose key this is, and what it may do.")


@strawberry.type(
    description="Everything that can be changed; one root field in a document. Every write is idempotent by its key."
)
class Mutation:
    bot_pause: CommandPayload | None = answered_by(
        writes("botPause", commands.pause_bot, needs=Scope.OPERATE),
        "No new entries; stops, targets and sync go on. Risk LOW; never needs a token.",
        input=ACTION,
    )
    bot_resume: CommandPayload | None = answered_by(
        writes("botResume", commands.resume_bot, needs=Scope.OPERATE),
        "Back to RUNNING from PAUSED or HALTED. Risk MEDIUM.",
        input=ACTION,
    )
    bot_start: CommandPayload | None = answered_by(
        writes("botStart", commands.start_bot, needs=Scope.OPERATE),
        "Back to RUNNING from STOPPED. Risk MEDIUM.",
        input=ACTION,
    )
    bot_stop: CommandPayload | None = answered_by(
        writes("botStop", commands.stop_bot, needs=Scope.OPERATE),
        "The process lives on, STOPPED, with its heartbeat. Risk MEDIUM; HIGH with open plans or when it flattens.",
        input=Argument(BotStopInput, "What is asked, why, and what happens to orders and positions."),
    )
    positions_close: CommandPayload | None = answered_by(
        writes("positionsClose", commands.close_positions, needs=Scope.ADMIN),
        "The named positions are exited at the market, their plans end. Risk HIGH.",
        input=Argument(PositionsCloseInput, "Which positions, and why."),
    )
    orders_cancel: CommandPayload | None = answered_by(
        writes("ordersCancel", commands.cancel_orders, needs=Scope.OPERATE),
        "The named orders are cancelled; stops and targets stay watched. Risk MEDIUM; HIGH where one was to close a position.",
        input=Argument(OrdersCancelInput, "Which orders, and why."),
    )
    circuit_breaker_reset: CommandPayload | None = answered_by(
        writes("circuitBreakerReset", commands.reset_breaker, needs=Scope.ADMIN),
        "Entries are allowed again after the circuit breaker tripped; refused while its cause holds. Risk HIGH.",
        input=ACTION,
    )
    error_acknowledge: ErrorAcknowledgePayload | None = answered_by(
        writes("errorAcknowledge", acknowledgements.acknowledge_errors, needs=Scope.OPERATE),
        "The errors are marked as seen. Risk LOW.",
        input=Argument(ErrorAcknowledgeInput, "Which errors, and why that is all there is to do."),
    )
    config_apply: ConfigChangePayload | None = answered_by(
        writes_planned("configApply", config_writes.apply_config, needs=Scope.OPERATE),
        "A planned change becomes the next version; the bot adopts it, watches, and takes it back where it fares worse. Risk as planned.",
        input=Argument(ConfigApplyInput, "The token of the plan, why, and for how long to watch."),
    )
    config_rollback: ConfigChangePayload | None = answered_by(
        writes("configRollback", config_writes.rollback_config, needs=Scope.OPERATE),
        "The content of an old version becomes the next version. Risk MEDIUM; HIGH where it loosens a limit.",
        input=Argument(ConfigRollbackInput, "Which version, and why."),
    )
    workflow_execute: WorkflowRunPayload | None = answered_by(
        writes("workflowExecute", workflows.execute_workflow, needs=Scope.OPERATE),
        "A workflow is run, or waits until those before it have ended; undone where a step fails. Risk as its steps' highest.",
        input=Argument(WorkflowExecuteInput, "Which workflow, with what, and why."),
    )
    workflow_cancel: WorkflowRunPayload | None = answered_by(
        writes("workflowCancel", workflows.cancel_workflow, needs=Scope.OPERATE),
        "A run is stopped, and what it did is undone. Risk LOW; never needs a token.",
        input=Argument(WorkflowCancelInput, "Which run, and why."),
    )


@strawberry.type(description="What is pushed over WebSocket, sub-protocol graphql-transport-ws.")
class Subscription:
    bot_state: AsyncGenerator[BotState, None] = streamed_by(
        watches.watch_bot_state,
        "The whole state at once and then every intervalSeconds, whether it changed or not.",
        bot_id=BOT_ID,
        interval_seconds=INTERVAL,
    )
    bot_summary: AsyncGenerator[BotSummary, None] = streamed_by(
        watches.watch_bot_summary,
        "The summary at once and then every intervalSeconds, whether it changed or not.",
        bot_id=BOT_ID,
        interval_seconds=INTERVAL,
    )
    events: AsyncGenerator[Event, None] = streamed_by(
        changes.watch_events,
        "Every event after afterSeq, in order, without a gap or a repeat, also across a dropped connection; within 100 ms of the change.",
        bot_id=BOT_ID,
        after_seq=Argument(
            BigInt | None, "The `seq` of the last event that you have seen; left out for those from now on."
        ),
        kinds=KINDS,
    )
    workflow_run: AsyncGenerator[WorkflowRun, None] = streamed_by(
        workflows.watch_workflow_run,
        "A run at once and then as it moves on, step by step; ends when the run has ended.",
        id=Argument(strawberry.ID, "Id of the run."),
    )


def build_schema(
    query: type = Query, mutation: type | None = Mutation, subscription: type | None = Subscription
) -> strawberry.Schema:
    """The schema, ready to execute."""
    schema = strawberry.Schema(query, mutation, subscription, config=StrawberryConfig(scalar_map=SCALARS))
    core: GraphQLSchema = schema._schema  # noqa: SLF001 - Strawberry has no other name for it
    _write_defaults_as_literals(core)
    write_undefined_as_null(core)
    return schema


def _write_defaults_as_literals(schema: GraphQLSchema) -> None:
    """Give a default of `{}` the form in which introspection can show it: of a scalar of our own graphql-core shows no object."""
    for kind in schema.type_map.values():
        for field in kind.fields.values() if isinstance(kind, GraphQLInputObjectType) else ():
            if field.default_value == {}:
                field.default_value = Undefined
                field.default = GraphQLDefaultInput(literal=ConstObjectValueNode(fields=()))
