"""The allow-list: programs and hosts that the operator lets steps use, read from `workflow_allow.yaml` in the configuration folder."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from trading_bot.domain.commands import RiskLevel
from trading_bot.errors.fault import Fault
from workflows.documents import Document, Place, broken, read_document
from workflows.schema import schema_problems

SCHEMA = Path(__file__).parent / "allow.schema.json"
SHELLS = frozenset(
    {"sh", "bash", "dash", "zsh", "ksh", "mksh", "fish", "csh", "tcsh", "ash", "busybox", "env", "sudo", "su", "xargs"}
)
"""Programs that run what they are given: none of them can be allowed, under whatever name it is linked."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_OTHERS_MAY_WRITE = 0o022
_PLACE = re.compile(r"\{([a-z][a-z0-9_]*)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedProgram:
    """One program, with what it may be given."""

    name: str
    """What a step calls it."""
    description: str
    """What it does."""
    path: Path
    """Absolute."""
    arguments: tuple[str, ...]
    """Its argv without the program: each as it is, or `{name}` for a value that the step gives."""
    patterns: dict[str, str]
    """Regular expression that a whole value must match, by name."""
    risk: RiskLevel
    """How much harm it could do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedHost:
    """One host, with what may be sent to it."""

    name: str
    """What a step calls it."""
    description: str
    """Whose it is."""
    scheme: str
    """https; http only for this machine itself."""
    host: str
    """Name or address, without brackets."""
    port: int
    """TCP port."""
    methods: frozenset[str]
    """HTTP methods that may be used."""
    paths: tuple[str, ...]
    """What a path begins with, segment by segment."""
    is_private: bool
    """Whether its addresses may be of this machine or of a private network."""
    risk: RiskLevel
    """How much harm a request that writes could do; one that reads is LOW."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """Everything that is allowed."""

    programs: dict[str, AllowedProgram]
    """By name."""
    hosts: dict[str, AllowedHost]
    """By name."""


NOTHING = Allowance(programs={}, hosts={})
"""What holds where there is no file."""


def read_allowance(file: Path) -> Allowance:
    """What the file allows; nothing where there is none. Raises WF_001 with file and line."""
    if not file.exists():
        return NOTHING
    document = read_document(file)
    problems = file_problems(file) or allowance_problems(document)
    if problems:
        raise problems[0]
    return _allowance(document.values or {})


def file_problems(file: Path) -> tuple[Fault, ...]:
    """Why the file itself is not to be trusted: WF_001 where others than its owner may change it."""
    if not file.stat().st_mode & _OTHERS_MAY_WRITE:
        return ()
    remedy = f"Run `chmod go-w {file.name}`."
    return (broken(file.name, 1, "others than its owner may change this file.", remedy=remedy),)


def allowance_problems(document: Document) -> tuple[Fault, ...]:
    """Everything that is wrong with an allow-list, in the order of its lines: WF_001 each."""
    if document.values is None:
        return ()
    wrong = schema_problems(document, SCHEMA)
    if wrong:
        return wrong
    found = [
        broken(document.source, document.line(place), f"{problem}.", remedy=remedy)
        for place, problem, remedy in _meaning_problems(document.values)
    ]
    return tuple(sorted(found, key=lambda fault: int(fault.context["line"])))


def unsafe(path: Path) -> str | None:
    """Why a file must not be executed; null where nothing speaks against it."""
    try:
        real = path.resolve(strict=True)
        mode = real.stat().st_mode
    except OSError as error:
        return f"it can't be looked at: {error.strerror}"
    if not real.is_file() or not mode & 0o111:
        return "it is not an executable file"
    if mode & _OTHERS_MAY_WRITE:
        return "others than its owner may change it"
    if {path.name, real.name} & SHELLS or real.name.startswith("busybox"):
        return "it runs whatever it is given"
    return None


def is_pattern(pattern: str) -> bool:
    """Whether a text is a regular expression in RE2's syntax."""
    return _matched("", pattern) is not None


def fits(pattern: str, text: str) -> bool:
    """Whether the whole text matches; in time linear in its length, however the pattern is made."""
    return _matched(text, rf"\A(?:{pattern})\z") is True


def _matched(text: str, pattern: str) -> bool | None:
    from cel import evaluate  # noqa: PLC0415 - loads slowly, and only programs with arguments need it

    try:
        return bool(evaluate("text.matches(pattern)", {"text": text, "pattern": pattern}))
    except Exception:  # noqa: BLE001 - the library raises its own for what is no pattern
        return None


def placeholder(argument: str) -> str | None:
    """The name of the value that stands for an argument; null for one that is as it is."""
    found = _PLACE.fullmatch(argument)
    return found[1] if found else None


def _allowance(values: dict[str, Any]) -> Allowance:
    return Allowance(
        programs={name: _program(name, one) for name, one in values.get("programs", {}).items()},
        hosts={name: _host(name, one) for name, one in values.get("hosts", {}).items()},
    )


def _program(name: str, values: dict[str, Any]) -> AllowedProgram:
    return AllowedProgram(
        name=name,
        description=values["description"],
        path=Path(values["path"]),
        arguments=tuple(values["arguments"]),
        patterns=values.get("patterns", {}),
        risk=RiskLevel[values.get("risk", "HIGH")],
    )


def _host(name: str, values: dict[str, Any]) -> AllowedHost:
    origin = urlsplit(values["origin"])
    return AllowedHost(
        name=name,
        description=values["description"],
        scheme=origin.scheme,
        host=(origin.hostname or "").lower(),
        port=origin.port or (443 if origin.scheme == "https" else 80),
        methods=frozenset(values.get("methods", ("GET",))),
        paths=tuple(values.get("paths", ("/",))),
        is_private=values.get("private", False),
        risk=RiskLevel[values.get("risk", "HIGH")],
    )


def _meaning_problems(values: dict[str, Any]) -> Iterator[tuple[Place, str, str]]:
    for name, one in values.get("programs", {}).items():
        for part, problem, remedy in _program_problems(one):
            yield ("programs", name, part), f"program `{name}`: {problem}", remedy
    for name, one in values.get("hosts", {}).items():
        for problem, remedy in _host_problems(one["origin"]):
            yield ("hosts", name, "origin"), f"host `{name}`: {problem}", remedy


def _program_problems(values: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    reason = unsafe(Path(values["path"]))
    if reason is not None:
        yield "path", reason, "Name a program that does one thing, which only its owner may change."
    patterns = values.get("patterns", {})
    named = {found for argument in values["arguments"] if (found := placeholder(argument))}
    if named != set(patterns):
        yield "arguments", "each `{name}` needs a pattern, and each pattern a `{name}`", "Make both lists equal."
    if any("\0" in argument for argument in values["arguments"]):
        yield "arguments", "an argument holds a zero byte", "Remove it."
    for pattern in patterns.values():
        if not is_pattern(pattern):
            yield "patterns", "a pattern is no regular expression", "Write one such as `[a-z0-9-]{1,40}`."


def _host_problems(text: str) -> Iterator[tuple[str, str]]:
    try:
        origin = urlsplit(text)
        _ = origin.port
    except ValueError:
        yield "the origin has no such port", "Write a port from 1 to 65535."
        return
    if origin.scheme == "http" and origin.hostname not in LOOPBACK:
        yield "plain http is only for this machine itself", "Write https."
