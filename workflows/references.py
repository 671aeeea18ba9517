"""References: `${{ parameters.name }}` in a definition, replaced whole by the value it names. A value is never read for references again.

What can be named: `parameters.NAME`, `steps.ID.PART…` (what an earlier step gave back), `run.id`, `run.bot_id`, `run.workflow_id`,
`run.reason`. A text that holds a reference holds nothing else, so no value ever becomes part of another text.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from trading_bot.errors.fault import Fault
from workflows.documents import Place
from workflows.model import Scene

_REFERENCE = re.compile(r"\$\{\{ *([a-z]+(?:\.[A-Za-z0-9_-]{1,64}){1,8}) *\}\}")
RUN_PARTS = frozenset({"id", "bot_id", "workflow_id", "reason"})


def is_reference(value: object) -> bool:
    """Whether a value of a definition stands for another one."""
    return isinstance(value, str) and _REFERENCE.fullmatch(value) is not None


def reference_of(value: str) -> tuple[str, ...] | None:
    """The parts of the name that a text refers to; null where it is plain text."""
    found = _REFERENCE.fullmatch(value)
    return tuple(found[1].split(".")) if found else None


def texts(values: Any, place: Place = ()) -> Iterator[tuple[Place, str]]:
    """Every text in a value, with its place."""
    match values:
        case str():
            yield place, values
        case dict():
            for key, value in values.items():
                yield from texts(value, (*place, key))
        case list():
            for index, value in enumerate(values):
                yield from texts(value, (*place, index))
        case _:
            pass


def names(scene: Scene) -> dict[str, Any]:
    """Everything that a reference or condition can name in a run."""
    return {
        "parameters": dict(scene.parameters),
        "steps": {step: dict(output) for step, output in scene.outputs.items()},
        "run": {
            "id": scene.run_id,
            "bot_id": scene.bot_id,
            "workflow_id": scene.workflow_id,
            "reason": scene.reason,
        },
    }


def substituted(values: Any, known: Mapping[str, Any]) -> Any:
    """`values` with each reference replaced by what it names in `known`. Raises WF_004 for what is not there."""
    match values:
        case str() if (parts := reference_of(values)) is not None:
            return _found(parts, known)
        case dict():
            return {key: substituted(value, known) for key, value in values.items()}
        case list():
            return [substituted(value, known) for value in values]
        case _:
            return values


def known_parts(values: Any, known: Mapping[str, Any]) -> Any:
    """`values` with each reference replaced whose value is known by now; the others stand as they are."""
    match values:
        case str() if (parts := reference_of(values)) is not None:
            try:
                return _found(parts, known)
            except Fault:
                return values
        case dict():
            return {key: known_parts(value, known) for key, value in values.items()}
        case list():
            return [known_parts(value, known) for value in values]
        case _:
            return values


def _found(parts: tuple[str, ...], known: Mapping[str, Any]) -> Any:
    value: Any = known
    for part in parts:
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            name = ".".join(parts)
            cause = f"There is no `{name:.100}`: the step that would give it was skipped, or gave something else."
            raise Fault("WF_004", cause, context={"reference": name[:200]})
    return value
