"""Programs: those that the operator allows, run with fixed arguments, without a shell, in a bare environment.

A program ends together with everything that it started, when it is done, when its step is cancelled, and when its time is over.
"""

import asyncio
import os
import re
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trading_bot.domain.commands import RiskLevel
from trading_bot.errors.fault import Fault
from workflows.model import Rehearsal, Scene, Step
from workflows.references import is_reference
from workflows.steps.allowance import AllowedProgram, placeholder, read_allowance, unsafe
from workflows.steps.kind import SHOWN, Problem

MAX_OUTPUT = 16_384
"""Bytes of each stream that are kept; what comes beyond is read and dropped."""
LONGEST_ARGUMENT = 1_000
DRAIN_SECONDS = 1.0
"""How long output is waited for that a program left behind in its pipes."""
_CHUNK = 65_536
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
        try:
            process = await asyncio.create_subprocess_exec(
                str(program.path.resolve()),
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=self.folder,
                env={**_ENVIRONMENT, "BOTGRAPH_IDEMPOTENCY_KEY": scene.idempotency_key},
                start_new_session=True,
            )
        except OSError as error:
            raise Fault(
                "WF_004", f"The program can't be started: {error.strerror}.", context={"program": program.name}
            ) from None
        return await _ended(process)

    def _find(self, given: Mapping[str, Any]) -> AllowedProgram:
        name = given.get("program")
        programs = read_allowance(self.allow_file).programs
        if not isinstance(name, str) or name not in programs:
            raise _refused(str(name), "The program is not on the allow-list.")
        return programs[name]


async def _ended(process: asyncio.subprocess.Process) -> dict[str, Any]:
    """What the process gave back; where the step is cancelled or late, it is killed with everything that it started."""
    out, err = _Kept(), _Kept()
    reading = [asyncio.create_task(out.fill(process.stdout)), asyncio.create_task(err.fill(process.stderr))]
    try:
        code = await process.wait()
    finally:
        with suppress(ProcessLookupError):  # also after its end: nothing that it left behind in its group runs on
            os.killpg(process.pid, signal.SIGKILL)
        await asyncio.shield(process.wait())
        await asyncio.wait(reading, timeout=DRAIN_SECONDS)
        for task in reading:
            task.cancel()
    return {"exit_code": code, "stdout": out.text, "stderr": err.text, "is_cut": out.is_cut or err.is_cut}


@dataclass(slots=True)
class _Kept:
    """The beginning of what a stream says."""

    bytes: bytearray = field(default_factory=bytearray)
    is_cut: bool = False

    async def fill(self, stream: asyncio.StreamReader | None) -> None:
        """Read to the end; what comes beyond the cap is dropped."""
        while stream is not None and (chunk := await stream.read(_CHUNK)):
            room = MAX_OUTPUT - len(self.bytes)
            self.bytes += chunk[:room]
            self.is_cut = self.is_cut or len(chunk) > room

    @property
    def text(self) -> str:
        return self.bytes.decode("utf-8", "replace").replace("\0", "\ufffd")


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
    if len(text) > LONGEST_ARGUMENT or text.startswith("-") or "\0" in text:
        return False
    return re.fullmatch(pattern, text) is not None


def _refused(name: str, cause: str) -> Fault:
    return Fault("WF_006", cause, context={"program": name[:64]})
