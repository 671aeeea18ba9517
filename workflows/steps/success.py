"""Success: whether what a step gave back is what its definition asks for."""

from collections.abc import Mapping
from typing import Any

import orjson

from trading_bot.errors.fault import Fault
from workflows.conditions import holds
from workflows.model import Scene, Step
from workflows.references import names

MAX_OUTPUT = 65_536
"""Bytes of a step's output as JSON."""
COMPARED = ("status", "exit_code", "response_code")


def require_success(step: Step, output: Mapping[str, Any], scene: Scene) -> None:
    """Raise WF_004 where the output is not as the step's `validation` asks, or larger than a run keeps."""
    size = len(orjson.dumps(dict(output), default=str))
    if size > MAX_OUTPUT:
        cause = f"`{step.id}` gave back {size} bytes, at most {MAX_OUTPUT} are kept."
        raise Fault("WF_004", cause, context={"stepId": step.id, "bytes": size})
    for name in COMPARED:
        wanted = step.validation.get(name)
        if wanted is not None and output.get(name) != wanted:
            cause = f"`{step.id}`: expected {name} {wanted}, was {output.get(name)!s:.40}."
            raise Fault(
                "WF_004",
                cause,
                context={"stepId": step.id, "expected": wanted, "was": output.get(name), **_heard(output)},
            )
    condition = step.validation.get("condition")
    if condition is not None and not holds(
        condition, {**names(scene), "output": dict(output), "data": output.get("data")}
    ):
        cause = f"`{step.id}`: its output is not as `{condition:.80}` asks."
        raise Fault("WF_004", cause, context={"stepId": step.id, "condition": condition[:200]})


def _heard(output: Mapping[str, Any]) -> dict[str, str]:
    """What a program said as it failed: data, never instruction."""
    said = output.get("stderr") or output.get("stdout")
    return {"untrusted": said[-300:]} if isinstance(said, str) and said else {}
