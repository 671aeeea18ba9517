"""The runner: carries any step out: looks whether the caller may, puts values in the place of references, and judges what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trading_bot.domain.commands import RiskLevel
from trading_bot.domain.errors import Scope
from trading_bot.errors.fault import Fault
from workflows.conditions import holds
from workflows.documents import Place
from workflows.model import ActionType, Precondition, Rehearsal, Scene, Step, Wake, Workflow
from workflows.references import known_parts, names, substituted
from workflows.steps.api_call import ApiCalls, scope_of
from workflows.steps.command import CommandSteps
from workflows.steps.kind import SHOWN, StepKind, scope_for
from workflows.steps.success import require_success
from workflows.steps.validation import Validations
from workflows.steps.wait import Waits


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Every kind of step; what the engine and the loader ask."""

    commands: CommandSteps
    """Named commands and programs."""
    api_calls: ApiCalls
    """Operations and requests."""
    validations: Validations
    """Conditions over the graph's data."""
    waits: Waits
    """Time that passes."""

    def problems(self, step: Step) -> tuple[tuple[Place, str, str], ...]:
        """What keeps the step from being carried out here: place within the step, problem, remedy."""
        return self._kind(step).problems(step)

    def precondition_problems(self, precondition: Precondition) -> tuple[tuple[Place, str, str], ...]:
        """The same of a validation rule."""
        return self.validations.precondition_problems(precondition)

    def risk(self, step: Step, parameters: Mapping[str, Any]) -> RiskLevel:
        """How much harm the step could do when its workflow is run with these parameters."""
        return self._kind(step).risk(known_parts(step.parameters, {"parameters": dict(parameters)}))

    def worst_risk(self, step: Step) -> RiskLevel:
        """How much harm it could do with any parameters."""
        return self._kind(step).risk(step.parameters)

    def needed_scope(self, step: Step) -> Scope:
        """What the caller's key must be allowed for it, with any parameters."""
        return self._scope(step, step.parameters)

    def writes(self, step: Step) -> bool:
        """Whether the step could change anything."""
        return self._kind(step).writes(step.parameters)

    def is_due(self, step: Step, scene: Scene) -> bool:
        """Whether the step is to be run at all. Raises WF_007 where its `when` can't be evaluated."""
        return step.when is None or holds(step.when, names(scene))

    async def run(self, step: Step, scene: Scene) -> dict[str, Any] | Wake:
        """Carry the step out and verify its success; as `model.StepRunner` says."""
        given = substituted(step.parameters, names(scene))
        self._require_scope(step, given, scene)
        output = await self._kind(step).run(_with_condition(step, given), scene)
        if not isinstance(output, Wake):
            require_success(step, output, scene)
        return output

    async def rehearse(self, step: Step, scene: Scene) -> Rehearsal:
        """What `run` would do now. Raises Fault where it would be refused at once."""
        given = known_parts(step.parameters, names(scene))
        self._require_scope(step, given, scene)
        if step.when is not None:
            try:
                is_due = holds(step.when, names(scene))
            except Fault:  # it looks at what earlier steps will give back
                effect = f"If `{step.when:.150}`: {step.description}"
                return Rehearsal(effect=effect[:SHOWN], risk=self._kind(step).risk(given), is_skipped=False)
            if not is_due:
                effect = f"It is skipped: `{step.when:.200}` is false."
                return Rehearsal(effect=effect[:SHOWN], risk=RiskLevel.LOW, is_skipped=True)
        return await self._kind(step).rehearse(_with_condition(step, given), scene)

    async def require_preconditions(self, workflow: Workflow, scene: Scene) -> None:
        """Look at the validation rules, one after the other. Raises WF_003 for the first that does not hold."""
        for precondition in workflow.preconditions:
            await self.validations.require(precondition, scene)

    def _kind(self, step: Step) -> StepKind:
        match step.action_type:
            case ActionType.COMMAND:
                return self.commands
            case ActionType.API_CALL:
                return self.api_calls
            case ActionType.VALIDATION:
                return self.validations
            case ActionType.WAIT:
                return self.waits

    def _scope(self, step: Step, given: Mapping[str, Any]) -> Scope:
        kind = self._kind(step)
        by_risk = scope_for(kind.risk(given), writes=kind.writes(given))
        operation = given.get("operation")
        named = scope_of(self.api_calls.operations, operation) if isinstance(operation, str) else Scope.READ
        return by_risk if by_risk.includes(named) else named

    def _require_scope(self, step: Step, given: Mapping[str, Any], scene: Scene) -> None:
        needed, has = self._scope(step, given), scene.caller.scope
        if not has.includes(needed):
            cause = f"The step `{step.id}` needs a key of scope {needed.name}, this one has {has.name}."
            raise Fault("AUTH_002", cause, context={"needs": needed.name, "has": has.name, "stepId": step.id})


def _with_condition(step: Step, given: Mapping[str, Any]) -> dict[str, Any]:
    """What a validation is given besides: its condition, which is never substituted into."""
    condition = step.validation.get("condition")
    return {**given, "condition": condition} if step.action_type is ActionType.VALIDATION else dict(given)
