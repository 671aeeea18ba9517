"""The command registry: what a `command` step can name, each with its arguments, its risk, and the way to carry it out."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from trading_bot.domain.commands import RiskLevel
from trading_bot.errors.fault import Fault
from workflows.model import Parameter, Rehearsal, Scene
from workflows.parameters import checked, typed
from workflows.references import is_reference

MOST_ENTRIES = 50
"""Entries of an argument that is a list."""
Arguments = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedCommand:
    """One thing that a `command` step can ask for."""

    name: str
    """Kebab-case, as in `command: reset-breaker`."""
    description: str
    """What it does, for people."""
    arguments: tuple[Parameter, ...]
    """What it takes."""
    writes: bool
    """Whether it changes anything."""
    risk_of: Callable[[Arguments], RiskLevel]
    """How much harm it could do with these arguments; one that is not known yet is left out, and means any value."""
    run: Callable[[Arguments, Scene], Awaitable[dict[str, Any]]]
    """Carries it out once per `scene.idempotency_key`, waits until that is verified, and gives back what was; raises Fault."""
    rehearse: Callable[[Arguments, Scene], Awaitable[Rehearsal]]
    """What it would do now."""
    lists: frozenset[str] = frozenset()
    """Arguments that are lists of 1 to 50 such values."""


class CommandRegistry:
    """All commands by name. ValueError at the start for a name that is there twice."""

    def __init__(self, commands: Iterable[NamedCommand]) -> None:
        known: dict[str, NamedCommand] = {}
        for command in commands:
            if command.name in known:
                raise ValueError(f"The command `{command.name}` is registered twice.")
            known[command.name] = command
        self.known: Mapping[str, NamedCommand] = MappingProxyType(known)

    def find(self, name: object) -> NamedCommand:
        """The command of that name. Raises QRY_005 that names the closest."""
        found = self.known.get(name) if isinstance(name, str) else None
        if found is None:
            closest = get_close_matches(str(name)[:60], self.known, n=3, cutoff=0.4)
            cause = f"There is no command of that name; there is {', '.join(closest or sorted(self.known)[:6])}."
            raise Fault("QRY_005", cause, context={"command": str(name)[:60], "known": sorted(self.known)[:30]})
        return found


def arguments_of(command: NamedCommand, given: object) -> dict[str, Any]:
    """The arguments that a step gives, checked, without those that are left out. Raises WF_002."""
    sent = given if isinstance(given, Mapping) else {}
    single = tuple(rule for rule in command.arguments if rule.name not in command.lists)
    found = checked(single, {name: value for name, value in sent.items() if name not in command.lists})
    for rule in command.arguments:
        if rule.name in command.lists:
            found[rule.name] = _entries(rule, sent.get(rule.name))
    return {name: value for name, value in found.items() if value is not None}


def known_arguments(command: NamedCommand, given: object) -> dict[str, Any]:
    """The arguments whose values are known before the run, with defaults; what is wrong or still a reference is left out."""
    sent = given if isinstance(given, Mapping) else {}
    found: dict[str, Any] = {}
    for rule in command.arguments:
        value = sent.get(rule.name)
        if value is None:
            found[rule.name] = rule.default
        elif not is_reference(value) and rule.name not in command.lists:
            try:
                found[rule.name] = typed(rule, value)
            except Fault:
                continue
    return {name: value for name, value in found.items() if value is not None}


def argument_problems(command: NamedCommand, given: object) -> tuple[tuple[str, str], ...]:
    """Name and cause of each argument that is wrong whatever the references turn out to be."""
    sent = given if isinstance(given, Mapping) else {}
    rules = {rule.name: rule for rule in command.arguments}
    wrong = [(str(name), f"`{name:.40}` is no argument of `{command.name}`") for name in sent if name not in rules]
    for name, rule in rules.items():
        value = sent.get(name)
        if value is None and rule.is_required:
            wrong.append((name, f"the argument `{name}` is missing"))
        elif value is not None and not is_reference(value):
            try:
                _literal(rule, value, is_list=name in command.lists)
            except Fault as fault:
                wrong.append((name, fault.cause.rstrip(".")))
    return tuple(wrong)


def _literal(rule: Parameter, value: object, *, is_list: bool) -> None:
    if not is_list:
        typed(rule, value)
    elif isinstance(value, list) and any(is_reference(one) for one in value):
        return
    else:
        _entries(rule, value)


def _entries(rule: Parameter, value: object) -> list[Any] | None:
    if value is None and not rule.is_required:
        return None
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_ENTRIES:
        raise Fault(
            "WF_002", f"`{rule.name}`: expected a list of 1 to {MOST_ENTRIES}.", context={"parameter": rule.name}
        )
    return [typed(rule, one) for one in value]
