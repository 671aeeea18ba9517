"""Validations: a condition over the graph's data, looked at until it is true or the time is over; and the same once, before a run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trading_bot.clock import Clock
from trading_bot.domain.commands import RiskLevel
from trading_bot.errors.fault import Fault
from workflows.conditions import holds, require_bounded
from workflows.model import OperationFacts, Operations, Precondition, Rehearsal, Scene, Step
from workflows.references import names, substituted
from workflows.steps.api_call import error_code, filled_in, operation_problems
from workflows.steps.kind import SHOWN, Problem

USUAL_INTERVAL = 1.0
"""Seconds between two looks."""
FINAL = ("AUTH_", "QRY_", "WF_")
"""Families of errors that another look does not help against."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Validations:
    """Carries `validation` steps out. The condition stands in the step's `validation`; what it looks at in `parameters`."""

    operations: Operations
    """The way to our own graph."""
    clock: Clock
    """Waits between two looks."""

    def problems(self, step: Step) -> tuple[Problem, ...]:
        return tuple(self._problems(step.parameters, "parameters"))

    def precondition_problems(self, precondition: Precondition) -> tuple[Problem, ...]:
        """What is wrong with a validation rule here."""
        if precondition.operation is None:
            return ()
        given = {"operation": precondition.operation, "variables": precondition.variables}
        found = self._problems(given, "")
        return tuple(Problem(where[1:], text, remedy) for where, text, remedy in found)

    def risk(self, given: Mapping[str, Any]) -> RiskLevel:
        return RiskLevel.LOW

    def writes(self, given: Mapping[str, Any]) -> bool:
        return False

    async def run(self, given: Mapping[str, Any], scene: Scene) -> dict[str, Any]:
        """Look until the condition is true; the last data is the output. Raises WF_005 when the time is over, with what was seen last."""
        interval = float(given.get("interval_seconds", USUAL_INTERVAL))
        looks = 0
        while True:
            looks += 1
            answer, unclear = await self._look(given, scene)
            if unclear is None:
                known = {**names(scene), "data": answer}
                try:
                    if holds(given["condition"], known):
                        return {"status": "TRUE", "looks": looks, "data": answer}
                    unclear = "it is false"
                except Fault as fault:
                    if not fault.context.get("isOfData"):
                        raise
                    unclear = fault.cause
            left = (scene.deadline - self.clock.now()).total_seconds()
            if left <= interval:
                cause = f"The condition was not true in time; at the last of {looks} looks: {unclear}"
                raise Fault("WF_005", cause, context={"stepId": scene.step_id, "condition": given["condition"][:200]})
            await self.clock.sleep(interval)

    async def rehearse(self, given: Mapping[str, Any], scene: Scene) -> Rehearsal:
        """Whether the condition holds now."""
        answer, unclear = await self._look(given, scene)
        if unclear is None:
            try:
                is_true = holds(given["condition"], {**names(scene), "data": answer})
                unclear = f"it is {'true' if is_true else 'false'} now"
            except Fault:  # what earlier steps give back is not there before they are run
                unclear = "it can't be said before the steps that it looks at"
        effect = f"Waits until `{given['condition']:.150}`: {unclear}."
        return Rehearsal(effect=effect[:SHOWN], risk=RiskLevel.LOW, is_skipped=False)

    async def require(self, precondition: Precondition, scene: Scene) -> None:
        """Raise WF_003 with what the definition says where a validation rule does not hold, WF_007 where that can't be said."""
        variables = substituted(precondition.variables, names(scene))
        given = {"operation": precondition.operation, "variables": variables}
        answer, unclear = await self._look({name: value for name, value in given.items() if value is not None}, scene)
        context = {"rule": precondition.name, "workflowId": scene.workflow_id}
        if unclear is not None:
            raise Fault("WF_003", f"`{precondition.name}` can't be looked at: {unclear}", context=context)
        if not holds(precondition.condition, {**names(scene), "data": answer}):
            raise Fault("WF_003", precondition.otherwise, context=context)

    async def _look(self, given: Mapping[str, Any], scene: Scene) -> tuple[Any, str | None]:
        """What the operation says now, or why it could not be asked. Raises WF_004 where asking again does not help."""
        facts = self._facts(given)
        if facts is None:
            return None, None
        answer = await self.operations.run(
            facts.name, filled_in(facts, given.get("variables", {}), scene), scene.caller
        )
        code = error_code(answer)
        if code is None:
            require_bounded(answer)
            return answer.get("data"), None
        cause = f"{facts.name} was answered with {code}."
        if code.startswith(FINAL):
            raise Fault("WF_004", cause, context={"operation": facts.name, "operationErrorCode": code})
        return None, cause

    def _facts(self, given: Mapping[str, Any]) -> OperationFacts | None:
        """What is asked; null where only parameters and earlier steps are looked at. Raises WF_004 for one that writes or is gone."""
        name = given.get("operation")
        if name is None:
            return None
        facts = self.operations.facts(str(name))
        if facts is None or facts.writes:
            raise Fault("WF_004", "A validation asks for operations that read.", context={"operation": str(name)[:60]})
        return facts

    def _problems(self, given: Mapping[str, Any], place: str) -> list[Problem]:
        if "operation" not in given:
            return []
        facts = self.operations.facts(given["operation"])
        if facts is not None and facts.writes:
            return [Problem((place, "operation"), f"`{facts.name}` writes", "Name an operation that reads.")]
        return operation_problems(self.operations, given, place)
