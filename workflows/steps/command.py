"""Command steps: a named command of the registry, or a program on the operator's allow-list."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trading_bot.domain.commands import RiskLevel
from trading_bot.errors.fault import Fault
from workflows.model import Rehearsal, Scene, Step
from workflows.steps.kind import Problem
from workflows.steps.programs import Programs
from workflows.steps.registry import CommandRegistry, argument_problems, arguments_of, known_arguments


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSteps:
    """Carries `command` steps out."""

    registry: CommandRegistry
    """What can be named."""
    programs: Programs
    """What the operator allows besides."""

    def problems(self, step: Step) -> tuple[Problem, ...]:
        given = step.parameters
        if "program" in given:
            return self.programs.problems(step)
        found = []
        if "exit_code" in step.validation:
            found.append(
                Problem(("validation", "exit_code"), "a named command has no exit code", "Write `status: DONE`.")
            )
        try:
            command = self.registry.find(given["command"])
        except Fault as fault:
            return (*found, Problem(("parameters", "command"), fault.cause.rstrip("."), "Name one of these."))
        wrong = argument_problems(command, given.get("arguments"))
        remedy = f"`{command.name}` takes {', '.join(f'`{one.name}`' for one in command.arguments) or 'no arguments'}."
        return (*found, *(Problem(("parameters", "arguments", name), cause, remedy) for name, cause in wrong))

    def risk(self, given: Mapping[str, Any]) -> RiskLevel:
        if "program" in given:
            return self.programs.risk(given)
        command = self.registry.known.get(given["command"])
        return RiskLevel.HIGH if command is None else command.risk_of(known_arguments(command, given.get("arguments")))

    def writes(self, given: Mapping[str, Any]) -> bool:
        command = None if "program" in given else self.registry.known.get(given["command"])
        return command is None or command.writes

    async def run(self, given: Mapping[str, Any], scene: Scene) -> dict[str, Any]:
        if "program" in given:
            return await self.programs.run(given, scene)
        command = self.registry.find(given["command"])
        return await command.run(arguments_of(command, given.get("arguments")), scene)

    async def rehearse(self, given: Mapping[str, Any], scene: Scene) -> Rehearsal:
        if "program" in given:
            return self.programs.rehearse(given)
        command = self.registry.find(given["command"])
        return await command.rehearse(known_arguments(command, given.get("arguments")), scene)
