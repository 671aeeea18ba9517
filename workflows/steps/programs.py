"""Programs: those that the operator allows, run with fixed arguments, without a shell, in a bare environment.

A program ends together with everything that it started, when it is done, when its step is cancelled, and when its time is over.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trading_bot.domain.commands import RiskLevel
from trading_bot.errors.fault import Fault
from workflows.model import Rehearsal, Scene, Step
from workflows.references import is_reference
from workflows.steps.allowance import AllowedProgram, fits, placeholder, read_allowance, unsafe
from workflows.steps.kind import SHOWN, Problem
from workflows.steps.processes import run_to_end

LONGEST_ARGUMENT = 1_000
_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """Runs programs of the allow-list."""

    allow_file: Path
    """The allow-list, read anew each time: what is taken out of it is refused at once."""
    folder: Path
    """Where programs are run."""

    def problems(self, step: Step) -> tuple[Problem, ...]:
        """What is wrong with a step that names a program."""
        given, found = step.parameters, []
        if not {"exit_code", "condition"} & set(step.validation):
            found.append(Problem(("validation",), "a program's success is its exit code", "Write `exit_code: 0`."))
        try:
            program = self._find(given)
        except Fault as fault:
            return (
                *found,
                Problem(("parameters", "program"), fault.cause.rstrip("."), "Add it to workflow_allow.yaml."),
            )
        arguments = given.get("arguments", {})
        names = set(program.patterns)
        if set(arguments) != names:
            wanted = ", ".join(f"`{name}`" for name in sorted(names)) or "none"
            found.append(
                Problem(("parameters", "arguments"), f"expected the arguments {wanted}", "Give exactly these.")
            )
        for name, value in arguments.items():
            if name in names and not is_reference(value) and not _fits(program.patterns[name], value):
                remedy = f"Write a value that matches `{program.patterns[name]:.80}`."
                found.append(Problem(("parameters", "arguments", name), f"`{name}` does not match its pattern", remedy))
        return tuple(found)

    def risk(self, given: Mapping[str, Any]) -> RiskLevel:
        """As the operator says; HIGH where it is not allowed any more."""
        try:
            return self._find(given).risk
        except Fault:
            return RiskLevel.HIGH

    def rehearse(self, given: Mapping[str, Any]) -> Rehearsal:
        """Which program would be run. Raises WF_006."""
        program = self._find(given)
        effect = f"The program {program.path} is run: {program.description}"
        return Rehearsal(effect=effect[:SHOWN], risk=program.risk, is_skipped=False)

    async def run(self, given: Mapping[str, Any], scene: Scene) -> dict[str, Any]:
        """Run it and wait for its end. Raises WF_006 for a program or argument that is not allowed."""
        program = self._find(given)
        arguments = _arguments(program, given.get("arguments", {}))
        reason = unsafe(program.path)
        if reason is not None:
            raise _refused(program.name, f"The program is not run: {reason}.")
        environment = {**_ENVIRONMENT, "BOTGRAPH_IDEMPOTENCY_KEY": scene.idempotency_key}
        try:
            ended = await run_to_end(
                [str(program.path.resolve()), *arguments], folder=self.folder, environment=environment
            )
        except OSError as error:
            cause = f"The program can't be started: {error.strerror}."
            raise Fault("WF_004", cause, context={"program": program.name}) from None
        return {"exit_code": ended.code, "stdout": ended.out, "stderr": ended.err, "is_cut": ended.is_cut}

    def _find(self, given: Mapping[str, Any]) -> AllowedProgram:
        name = given.get("program")
        programs = read_allowance(self.allow_file).programs
        if not isinstance(name, str) or name not in programs:
            raise _refused(str(name), "The program is not on the allow-list.")
        return programs[name]


def _arguments(program: AllowedProgram, given: Mapping[str, Any]) -> list[str]:
    """The argv, each value checked against its pattern. Raises WF_006."""
    if set(given) != set(program.patterns):
        raise _refused(program.name, "The arguments are not those that the allow-list names.")
    for name, value in given.items():
        if not _fits(program.patterns[name], value):
            raise _refused(program.name, f"The argument `{name}` does not match its pattern.")
    names = [(placeholder(one), one) for one in program.arguments]
    return [one if name is None else str(given[name]) for name, one in names]


def _fits(pattern: str, value: object) -> bool:
    """Whether a value is one that the pattern allows. One that begins with `-` would be read as an option: it never is."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return False
    text = str(value)
    if (
        len(text) > LONGEST_ARGUMENT
        or text.startswith("-")
        or any(one == "\0" or "\ud800" <= one <= "\udfff" for one in text)
    ):
        return False
    return fits(pattern, text)


def _refused(name: str, cause: str) -> Fault:
    return Fault("WF_006", cause, context={"program": name[:64]})
