"""Waits: some time passes, and nothing is held for it. A run that waits survives every restart."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from trading_bot.clock import Clock
from trading_bot.domain.commands import RiskLevel
from trading_bot.errors.fault import Fault
from workflows.model import MAX_TIMEOUT_SECONDS, Rehearsal, Scene, Step, Wake
from workflows.parameters import seconds
from workflows.references import is_reference
from workflows.steps.kind import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Carries `wait` steps out."""

    clock: Clock
    """Says whether the time is over."""

    def problems(self, step: Step) -> tuple[Problem, ...]:
        given = step.parameters["seconds"]
        if is_reference(given):
            return ()
        found = seconds(given)
        if found is None or found > MAX_TIMEOUT_SECONDS:
            remedy = "Write a whole number of seconds, or text such as `90s`, `5m`."
            return (Problem(("parameters", "seconds"), f"expected 0 to {MAX_TIMEOUT_SECONDS} seconds", remedy),)
        if found > step.timeout_seconds:
            remedy = "Give the step a longer `timeout_seconds`."
            return (Problem(("parameters", "seconds"), "the wait is longer than the step's timeout", remedy),)
        return ()

    def risk(self, given: Mapping[str, Any]) -> RiskLevel:
        return RiskLevel.LOW

    def writes(self, given: Mapping[str, Any]) -> bool:
        return False

    async def run(self, given: Mapping[str, Any], scene: Scene) -> dict[str, Any] | Wake:
        """When to go on, or that the time is over, counted from the step's first beginning. Raises WF_002 for what is no duration."""
        length = _length(given)
        due = scene.started_at + timedelta(seconds=length)
        if due > scene.deadline:
            raise Fault(
                "WF_005", f"{length} seconds are more than the step has left.", context={"stepId": scene.step_id}
            )
        return {"status": "ELAPSED", "waited_seconds": length} if self.clock.now() >= due else Wake(at=due)

    async def rehearse(self, given: Mapping[str, Any], scene: Scene) -> Rehearsal:
        found = seconds(given["seconds"])
        effect = f"{found} seconds pass." if found is not None else "Some time passes."
        return Rehearsal(effect=effect, risk=RiskLevel.LOW, is_skipped=False)


def _length(given: Mapping[str, Any]) -> int:
    found = seconds(given["seconds"])
    if found is None or found > MAX_TIMEOUT_SECONDS:
        raise Fault(
            "WF_002", f"`seconds`: expected 0 to {MAX_TIMEOUT_SECONDS} seconds.", context={"parameter": "seconds"}
        )
    return found
