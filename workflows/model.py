"""Workflows as values, what a step is given and gives back, and the ports through which a run reaches the layers above it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Protocol

from trading_bot.domain.commands import Caller, RiskLevel
from trading_bot.domain.errors import Scope

MAX_PART_BYTES = 4_000
"""JSON of what a workflow declares as parameters or validation rules, and of what one step has as parameters or validation."""
DEFAULT_TIMEOUT_SECONDS = 300
MAX_TIMEOUT_SECONDS = 1800
SYSTEM = Caller(key_id="system", name="system", scope=Scope.ADMIN, max_response_bytes=1_048_576, rate_per_minute=None)
"""Who a rollback runs as."""


class ActionType(Enum):
    """What kind of thing a step does."""

    COMMAND = "command"
    """A named command of the bot, or a program on the operator's allow-list."""
    API_CALL = "api_call"
    """A named operation of the graph, or an HTTP request to an allow-listed host."""
    VALIDATION = "validation"
    """A condition over the graph's data, looked at until it is true."""
    WAIT = "wait"
    """Some time passes."""


class ParameterType(Enum):
    """What values a parameter takes."""

    STRING = "string"
    """Text of at most `max` characters, without control characters."""
    INTEGER = "integer"
    """A whole number."""
    DECIMAL = "decimal"
    """An exact number, written as a string."""
    BOOLEAN = "boolean"
    """True or false."""
    ENUM = "enum"
    """One of `values`."""
    DURATION = "duration"
    """Seconds, or a text such as `90s`, `5m`, `2h`; a run holds it in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One value that a run is started with."""

    name: str
    """As it is sent and referred to: snake_case, at most 40 characters."""
    type: ParameterType
    """What values it takes."""
    description: str
    """What it means, with its unit."""
    default: Any
    """What stands for it where it is not sent, as a run holds it; null where it must be sent."""
    is_required: bool
    """Whether it must be sent: it is unless it has a default."""
    min: Any
    """Smallest number, shortest text in characters, or shortest duration in seconds; null for no limit."""
    max: Any
    """Largest number, longest text in characters, or longest duration in seconds; null for no limit."""
    values: tuple[str, ...]
    """The values of an enum; empty for other types."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Precondition:
    """What must hold before the first step: one entry of the validation rules."""

    name: str
    """Its key in the definition: kebab-case."""
    operation: str | None
    """Named operation whose data the condition sees as `data`; null where it looks at the parameters only."""
    variables: dict[str, Any]
    """What is sent with the operation; references are replaced by values."""
    condition: str
    """CEL expression that must be true."""
    otherwise: str
    """What is wrong where it is not, and what to do, for the caller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A single action of a workflow, or of its rollback procedure."""

    id: str
    """Kebab-case, unique among the steps of the workflow and of its rollback procedure."""
    description: str
    """What it does, at most 1,200 bytes."""
    action_type: ActionType
    """What kind of thing it does."""
    parameters: dict[str, Any]
    """What it needs for that, as defined, at most 4,000 bytes; references such as `${{ parameters.name }}` stand for values."""
    validation: dict[str, Any]
    """What makes it a success: `status`, `exit_code`, `response_code`, a CEL `condition` over its output; at most 4,000 bytes."""
    timeout_seconds: int
    """Longest time that it may take, 1 to 1800 seconds."""
    when: str | None
    """CEL expression over parameters and earlier steps; where it is false, the step is skipped. Null: it is always run."""
    is_repeatable: bool
    """Whether it may be run again when the process that ran it died; one that may not fails then."""
    undoes: str | None
    """Of a step of the rollback procedure: the step that it undoes, run when that one was begun; null: it is run at every rollback."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """Several steps as one operation, with what undoes them."""

    id: str
    """Kebab-case, unique, at most 64 characters."""
    name: str
    """For people, at most 320 bytes."""
    description: str
    """What it does and when to use it, at most 2,000 bytes."""
    risk: RiskLevel
    """How much harm it could do with any parameters: its steps' highest, with those that undo them. HIGH needs a confirm token."""
    scope: Scope
    """What the caller's key must be allowed: its steps' highest, with any parameters; at least OPERATE, for asking for a run is a write."""
    reads_only: bool
    """Whether no step changes anything, so that it need not wait for other runs."""
    parameters: dict[str, Any]
    """What it is started with, by name, as defined: type, description, default and range; at most 4,000 bytes."""
    parameter_rules: tuple[Parameter, ...]
    """The same, parsed."""
    validation_rules: dict[str, Any]
    """What must hold before the first step, by name, as defined; at most 4,000 bytes."""
    preconditions: tuple[Precondition, ...]
    """The same, parsed."""
    steps: tuple[Step, ...]
    """1 to 20, run one after the other."""
    rollback: tuple[Step, ...]
    """What undoes the steps, in the order of the steps that they undo; run in reverse. At most 20."""
    timeout_seconds: int
    """Longest time that all steps may take together, in seconds; the rollback is not counted."""
    preempts: bool
    """Whether it cancels the bot's active run and goes after it, instead of waiting for its end."""
    definition: dict[str, Any]
    """The definition as JSON, which a run keeps: `load.parse_workflow` makes the same workflow of it."""

    @property
    def rollback_procedure(self) -> tuple[str, ...]:
        """What undoes it if a step fails, in the order in which that is run; each at most 1,300 bytes."""
        return tuple(f"{step.id}: {step.description}" for step in reversed(self.rollback))


def rollback_of(workflow: Workflow, begun: Collection[str]) -> tuple[Step, ...]:
    """What is to be undone where the steps `begun` were begun (whether or not they ended), in the order in which to do it."""
    return tuple(step for step in reversed(workflow.rollback) if step.undoes is None or step.undoes in begun)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a step is run in."""

    run_id: str
    """The run's id, UUID."""
    bot_id: str
    """The bot that the run concerns."""
    workflow_id: str
    """What is run."""
    step_id: str
    """The step."""
    caller: Caller
    """On whose behalf: the run's caller as the key is now, or `SYSTEM` in a rollback."""
    reason: str
    """Why, in the caller's words, at most 500 bytes."""
    parameters: Mapping[str, Any]
    """The run's parameters, as `parameters.checked` gave them."""
    outputs: Mapping[str, Mapping[str, Any]]
    """What earlier steps gave back, by step id."""
    started_at: datetime
    """Wall clock when the step was begun first, in UTC: a takeover does not set it anew."""
    deadline: datetime
    """Wall clock when it must have ended, in UTC."""

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt of this step in this run: what it does under this key is done once."""
        return f"{self.run_id}:{self.step_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wake:
    """Instead of an output: the step is to be run again, as the same attempt, at a certain time; until then nothing need be held for it."""

    at: datetime
    """Wall clock, in UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What a step would do on the present state."""

    effect: str
    """In one sentence, at most 300 characters."""
    risk: RiskLevel
    """How much harm it could do with these parameters."""
    is_skipped: bool
    """Whether it would be skipped, as far as can be said now."""


class StepRunner(Protocol):
    """Carries single steps out, or says what they would do."""

    def risk(self, step: Step, parameters: Mapping[str, Any]) -> RiskLevel:
        """How much harm the step could do when its workflow is run with these parameters. Pure."""
        ...

    def writes(self, step: Step) -> bool:
        """Whether the step could change anything. Pure."""
        ...

    def is_due(self, step: Step, scene: Scene) -> bool:
        """Whether the step is to be run at all: what its `when` says. Raises Fault WF_007 where that can't be said."""
        ...

    async def run(self, step: Step, scene: Scene) -> dict[str, Any] | Wake:
        """Carry the step out and verify its success; give back its output (JSON, at most 64 KiB), or when to call again.

        Raises Fault: WF_004 where it is no success, WF_005 past the deadline, AUTH_002 where the caller may not do it, or what the step
        itself found. May be cancelled at any time: then nothing of it runs on in this process.
        """
        ...

    async def rehearse(self, step: Step, scene: Scene) -> Rehearsal:
        """What `run` would do now, without doing it. Raises Fault where it would be refused at once."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationFacts:
    """What must be known of a named operation before a step may use it."""

    name: str
    """As it is asked for."""
    description: str
    """What it answers or does."""
    writes: bool
    """Whether it is a mutation."""
    scope: Scope
    """What a key must be allowed at least."""
    variables: tuple[str, ...]
    """Names of its variables."""
    required: tuple[str, ...]
    """Those that must be sent."""


class Operations(Protocol):
    """Carries named operations of the API out; the API hands it in, so that nothing here imports it."""

    def facts(self, name: str) -> OperationFacts | None:
        """What is known of an operation; null where there is none of that name."""
        ...

    async def run(self, name: str, variables: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        """The answer as JSON data, with `data` or `errors` or both. Fault QRY_005 for an unknown name, QRY_004 for an unknown variable."""
        ...
