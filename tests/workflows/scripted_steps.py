"""Steps that do what a test says, and workflows made of them."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trading_bot.domain.commands import RiskLevel
from trading_bot.domain.errors import Scope
from trading_bot.errors.fault import Fault
from workflows.model import ActionType, Rehearsal, Scene, Step, Wake, Workflow


def step(id: str, **more: Any) -> dict[str, Any]:
    """A step as a definition has it; `does` is what the scripted runner does with it."""
    return {"id": id, "does": "nothing", **more}


def definition(*steps: dict[str, Any], rollback: tuple[dict[str, Any], ...] = (), **more: Any) -> dict[str, Any]:
    """A workflow as the scripted parser reads it."""
    return {"id": "tidy-up", "steps": list(steps), "rollback": list(rollback), **more}


def parsed(values: Mapping[str, Any]) -> Workflow:
    """The workflow of such a definition. WF_001 for one that says it is broken."""
    if values.get("broken"):
        raise Fault("WF_012", "The definition is broken.")
    return Workflow(
        id=values["id"],
        name="Tidy up",
        description="Tidies up.",
        risk=RiskLevel[values.get("risk", "LOW")],
        scope=Scope[values.get("scope", "OPERATE")],
        reads_only=values.get("reads_only", False),
        parameters={},
        parameter_rules=(),
        validation_rules={},
        preconditions=(),
        steps=tuple(_step(one) for one in values["steps"]),
        rollback=tuple(_step(one) for one in values["rollback"]),
        timeout_seconds=values.get("timeout_seconds", 300),
        preempts=values.get("preempts", False),
        definition=dict(values),
    )


def _step(values: Mapping[str, Any]) -> Step:
    return Step(
        id=values["id"],
        description=f"Does {values['does']}.",
        action_type=ActionType.COMMAND,
        parameters={name: value for name, value in values.items() if name != "id"},
        validation={},
        timeout_seconds=values.get("timeout_seconds", 60),
        when=values.get("when"),
        is_repeatable=values.get("is_repeatable", True),
        undoes=values.get("undoes"),
    )


@dataclass(slots=True)
class ScriptedSteps:
    """A runner that does what each step's `does` says, and remembers what it was asked."""

    begun: list[str] = field(default_factory=list)
    scenes: list[Scene] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    hanging: asyncio.Event = field(default_factory=asyncio.Event)
    wakes: dict[str, Wake] = field(default_factory=dict)
    outages: int = 0
    """How often the store can't be used yet."""

    def risk(self, step: Step, parameters: Mapping[str, Any]) -> RiskLevel:
        return RiskLevel[step.parameters.get("risk", "LOW")]

    def writes(self, step: Step) -> bool:
        return True

    def is_due(self, step: Step, scene: Scene) -> bool:
        return step.when != "never"

    async def run(self, step: Step, scene: Scene) -> dict[str, Any] | Wake:
        self.begun.append(step.id)
        self.scenes.append(scene)
        match step.parameters["does"]:
            case "fail":
                raise Fault("BOT_003", "The bot is STOPPED.")
            case "crash":
                raise ZeroDivisionError
            case "outage" if self.outages:
                self.outages -= 1
                raise Fault("SYS_002", "The database is locked by another program.")
            case "hang":
                self.hanging.set()
                await self.released.wait()
            case "wait" if step.id in self.wakes:
                return self.wakes.pop(step.id)
        return {"said": step.id}

    async def rehearse(self, step: Step, scene: Scene) -> Rehearsal:
        if step.parameters["does"] == "fail":
            raise Fault("BOT_003", "The bot is STOPPED.")
        return Rehearsal(
            effect=f"It would do {step.parameters['does']}.", risk=RiskLevel.LOW, is_skipped=step.when == "never"
        )


async def nothing_required(workflow: Workflow, scene: Scene) -> None:
    """No precondition."""
