"""Loading: definitions out of files, checked in full before any of them can be run, and the library that holds them.

A definition passes three sieves: plain YAML (`documents`), the JSON Schema (`schema`), and what no schema can say: names that must exist,
references that must lead somewhere, conditions that must be CEL, steps that the installation can carry out.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import orjson

from trading_bot.domain.commands import RiskLevel
from trading_bot.domain.errors import Scope
from trading_bot.errors.fault import Fault
from workflows.conditions import problem_of
from workflows.documents import Document, Place, broken
from workflows.model import (
    DEFAULT_TIMEOUT_SECONDS,
    MAX_PART_BYTES,
    ActionType,
    Parameter,
    ParameterType,
    Precondition,
    Step,
    Workflow,
)
from workflows.parameters import seconds, typed
from workflows.references import RUN_PARTS, reference_of, texts
from workflows.schema import schema_problems, shown

RISKS = tuple(RiskLevel)
SCOPES = tuple(Scope)
MAX_DESCRIPTION_BYTES = 2_000


class StepFacts(Protocol):
    """What loading must know of steps; `steps.runner.Steps` says it."""

    def problems(self, step: Step) -> tuple[tuple[Place, str, str], ...]:
        """What keeps the step from being carried out here: place within the step, problem, remedy."""
        ...

    def precondition_problems(self, precondition: Precondition) -> tuple[tuple[Place, str, str], ...]:
        """The same of a validation rule."""
        ...

    def worst_risk(self, step: Step) -> RiskLevel:
        """How much harm it could do with any parameters."""
        ...

    def needed_scope(self, step: Step) -> Scope:
        """What the caller's key must be allowed for it, with any parameters."""
        ...

    def writes(self, step: Step) -> bool:
        """Whether it could change anything."""
        ...


def parse_workflow(definition: Mapping[str, Any], facts: StepFacts) -> Workflow:
    """The workflow that a run's definition means. Raises WF_001 where this release can't read it.

    Whether its steps can still be carried out here is left to each of them: a run that was begun must be able to go back.
    """
    document = Document(source="definition", values=dict(definition), lines={})
    wrong = schema_problems(document)
    if wrong:
        raise wrong[0]
    return _workflow(document, facts)


def workflow_of(document: Document, facts: StepFacts) -> Workflow:
    """The workflow that a document defines. Raises WF_001 with the first thing that is wrong."""
    problems = problems_of(document, facts)
    if problems:
        raise problems[0]
    return _workflow(document, facts)


def problems_of(document: Document, facts: StepFacts) -> tuple[Fault, ...]:
    """Everything that is wrong with a definition, in the order of its lines: WF_001 each."""
    wrong = schema_problems(document)
    if wrong:
        return wrong
    found = [
        broken(document.source, document.line(place), f"{problem}.", remedy=remedy)
        for place, problem, remedy in _meaning_problems(document.values, facts)
    ]
    return tuple(sorted(found, key=lambda fault: int(fault.context["line"])))


def _workflow(document: Document, facts: StepFacts) -> Workflow:
    values = document.values
    steps = tuple(_step(one) for one in values["steps"])
    rollback = _in_order(tuple(_step(one) for one in values["rollback_procedure"]), steps)
    every = (*steps, *rollback)
    return Workflow(
        id=values["id"],
        name=values["name"],
        description=" ".join(values["description"].split()),
        risk=max((facts.worst_risk(step) for step in every), key=RISKS.index),
        scope=max(Scope.OPERATE, *(facts.needed_scope(step) for step in every), key=SCOPES.index),
        reads_only=not any(facts.writes(step) for step in every),
        parameters=values.get("parameters", {}),
        parameter_rules=tuple(_parameter(name, one) for name, one in values.get("parameters", {}).items()),
        validation_rules=values.get("validation_rules", {}),
        preconditions=tuple(_precondition(name, one) for name, one in values.get("validation_rules", {}).items()),
        steps=steps,
        rollback=rollback,
        timeout_seconds=values.get("timeout_seconds") or sum(step.timeout_seconds for step in steps),
        preempts=values.get("preempts", False),
        definition=values,
    )


def _step(values: Mapping[str, Any]) -> Step:
    kind = ActionType(values["action_type"])
    given = values["parameters"]
    is_our_own = "program" not in given and given.get("method", "GET") == "GET"
    return Step(
        id=values["id"],
        description=" ".join(values["description"].split()),
        action_type=kind,
        parameters=given,
        validation=values["validation"],
        timeout_seconds=values.get("timeout_seconds", DEFAULT_TIMEOUT_SECONDS),
        when=values.get("when"),
        is_repeatable=values.get("repeatable", is_our_own),
        undoes=values.get("undoes"),
    )


def _in_order(rollback: tuple[Step, ...], steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The rollback procedure in the order of the steps that it undoes; what undoes none is last, so that it is run first."""
    order = {step.id: index for index, step in enumerate(steps)}
    return tuple(sorted(rollback, key=lambda step: order.get(step.undoes or "", len(order))))


def _parameter(name: str, values: Mapping[str, Any]) -> Parameter:
    kind = ParameterType(values["type"])
    limits = (values.get("min"), values.get("max"))
    low, high = map(seconds, limits) if kind is ParameterType.DURATION else limits
    bare = Parameter(
        name=name,
        type=kind,
        description=" ".join(values["description"].split()),
        default=None,
        is_required="default" not in values,
        min=low,
        max=high,
        values=tuple(values.get("values", ())),
    )
    if bare.is_required:
        return bare
    fields = {field: getattr(bare, field) for field in Parameter.__dataclass_fields__}
    return Parameter(**{**fields, "default": typed(bare, values["default"])})


def _precondition(name: str, values: Mapping[str, Any]) -> Precondition:
    return Precondition(
        name=name,
        operation=values.get("operation"),
        variables=values.get("variables", {}),
        condition=values["condition"],
        otherwise=values["otherwise"],
    )


def _meaning_problems(values: Mapping[str, Any], facts: StepFacts) -> Iterator[tuple[Place, str, str]]:
    yield from _size_problems(values)
    yield from _parameter_problems(values.get("parameters", {}))
    yield from _name_problems(values)
    yield from _condition_problems(values)
    yield from _reference_problems(values)
    for name, one in values.get("validation_rules", {}).items():
        for place, problem, remedy in facts.precondition_problems(_precondition(name, one)):
            yield ("validation_rules", name, *place), problem, remedy
    for part in ("steps", "rollback_procedure"):
        for index, one in enumerate(values[part]):
            for place, problem, remedy in facts.problems(_step(one)):
                yield (part, index, *place), f"step `{one['id']}`: {problem}", remedy


def _size_problems(values: Mapping[str, Any]) -> Iterator[tuple[Place, str, str]]:
    """What is longer than the graph says that it gets."""
    parts: list[tuple[Place, Any, int]] = [(("description",), values["description"], MAX_DESCRIPTION_BYTES)]
    parts += [((name,), values.get(name), MAX_PART_BYTES) for name in ("parameters", "validation_rules")]
    for part in ("steps", "rollback_procedure"):
        for index, one in enumerate(values[part]):
            parts += [((part, index, name), one[name], MAX_PART_BYTES) for name in ("parameters", "validation")]
    for place, value, most in parts:
        size = len(orjson.dumps(value))
        if size > most:
            yield place, f"{shown(place)} has {size} bytes as JSON, at most {most} are allowed", "Say less there."


def _parameter_problems(declared: Mapping[str, Any]) -> Iterator[tuple[Place, str, str]]:
    for name, one in declared.items():
        is_enum = one["type"] == "enum"
        if is_enum != ("values" in one):
            yield (
                ("parameters", name),
                f"`{name}`: `values` belongs to an enum, and an enum has them",
                "Add or remove `values`.",
            )
            continue
        if (one["type"] in {"enum", "boolean"}) and ("min" in one or "max" in one):
            yield ("parameters", name), f"`{name}`: this type has no `min` and no `max`", "Remove them."
            continue
        yield from _range_problems(name, one)


def _range_problems(name: str, one: Mapping[str, Any]) -> Iterator[tuple[Place, str, str]]:
    """A range that is none, or a default outside of it."""
    unbounded = {key: value for key, value in one.items() if key not in {"min", "max", "default"}}
    kind = "integer" if one["type"] == "string" else one["type"]
    for limit in ("min", "max"):
        if limit not in one:
            continue
        try:
            typed(
                _parameter(name, {**unbounded, "type": kind, "max": 2**31 if kind == "duration" else None}), one[limit]
            )
        except Fault:
            yield ("parameters", name, limit), f"`{name}`: `{limit}` is no value of this type", "Write one of its type."
            return
    try:
        _parameter(name, one)
    except Fault as fault:
        yield (
            ("parameters", name, "default"),
            f"the default of {fault.cause.rstrip('.')}",
            "Write a default that may also be sent.",
        )


def _name_problems(values: Mapping[str, Any]) -> Iterator[tuple[Place, str, str]]:
    """Step ids that are there twice, and undoing of what is no step."""
    seen: set[str] = set()
    forward = {one["id"] for one in values["steps"]}
    for part in ("steps", "rollback_procedure"):
        for index, one in enumerate(values[part]):
            if one["id"] in seen:
                yield (
                    (part, index, "id"),
                    f"the step id `{one['id']}` is there twice",
                    "Give each step an id of its own.",
                )
            seen.add(one["id"])
            undone = one.get("undoes")
            if undone is not None and undone not in forward:
                yield (part, index, "undoes"), f"there is no step `{undone}` to undo", "Name one of `steps`."


def _conditions(values: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    for name, one in values.get("validation_rules", {}).items():
        yield ("validation_rules", name, "condition"), one["condition"]
    for part in ("steps", "rollback_procedure"):
        for index, one in enumerate(values[part]):
            if "when" in one:
                yield (part, index, "when"), one["when"]
            if "condition" in one["validation"]:
                yield (part, index, "validation", "condition"), one["validation"]["condition"]


def _condition_problems(values: Mapping[str, Any]) -> Iterator[tuple[Place, str, str]]:
    for place, condition in _conditions(values):
        problem = problem_of(condition)
        if problem is not None:
            yield place, f"the condition is not usable: {problem}", "Write a CEL expression, such as `data.x == 1`."


def _reference_problems(values: Mapping[str, Any]) -> Iterator[tuple[Place, str, str]]:
    """References in places that are read for them, and what looks like one elsewhere."""
    declared = values.get("parameters", {})
    for name, one in values.get("validation_rules", {}).items():
        for place, text in texts(one.get("variables", {})):
            yield from _reference_problem(("validation_rules", name, "variables", *place), text, declared, ())
    earlier: list[str] = []
    for part in ("steps", "rollback_procedure"):
        for index, one in enumerate(values[part]):
            for place, text in texts(one["parameters"]):
                yield from _reference_problem((part, index, "parameters", *place), text, declared, earlier)
            if part == "steps":
                earlier.append(one["id"])


def _reference_problem(
    place: Place, text: str, declared: Mapping[str, Any], earlier: tuple[str, ...] | list[str]
) -> Iterator[tuple[Place, str, str]]:
    parts = reference_of(text)
    if parts is None:
        if "${{" in text:
            remedy = "Let the value be the reference alone: `${{ parameters.name }}`."
            yield place, "a reference stands inside other text, or names nothing", remedy
        return
    kind, name, *rest = parts
    match kind:
        case "parameters":
            is_good, choices = name in declared and not rest, list(declared)
        case "steps":
            is_good, choices = name in earlier and bool(rest), list(earlier)
        case "run":
            is_good, choices = name in RUN_PARTS and not rest, sorted(RUN_PARTS)
        case _:
            is_good, choices = False, ["parameters.…", "steps.…", "run.…"]
    if not is_good:
        yield place, f"there is no `{'.'.join(parts):.60}` to refer to", f"Use one of {', '.join(choices) or 'none'}."
