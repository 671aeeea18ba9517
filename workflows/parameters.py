"""Parameters: what a run is started with, checked against what its workflow declares. Values stay values, never text to run."""

import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Any

from trading_bot.errors.fault import Fault
from workflows.model import Parameter, ParameterType

MAX_TEXT = 500
"""Characters of a text whose parameter names no `max`."""
MAX_INTEGER = 2**53 - 1
"""The largest whole number that JSON carries everywhere."""
MAX_SECONDS = 86_400
"""Longest duration where the parameter names no `max`."""
MAX_DIGITS = 30
_DURATION = re.compile(r"([0-9]{1,7})(s|m|h)")
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_DECIMAL = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,18})?")


def checked(rules: tuple[Parameter, ...], sent: object) -> dict[str, Any]:
    """The parameters of a run: what was sent, checked, and defaults for the rest. A decimal is a string, a duration is in seconds.

    Raises WF_002 that names the parameter and what is allowed.
    """
    if not isinstance(sent, Mapping):
        raise _refused("(all)", "expected an object of names and values")
    known = {rule.name: rule for rule in rules}
    for name in sent:
        if name not in known:
            raise _unknown(str(name), known)
    return {rule.name: _value_or_default(rule, sent) for rule in rules}


def typed(rule: Parameter, value: object) -> Any:
    """One value as a run holds it. Raises WF_002."""
    match rule.type:
        case ParameterType.STRING:
            return _text(rule, value)
        case ParameterType.INTEGER:
            return _integer(rule, value)
        case ParameterType.DECIMAL:
            return _decimal(rule, value)
        case ParameterType.BOOLEAN:
            if not isinstance(value, bool):
                raise _refused(rule.name, "expected true or false")
            return value
        case ParameterType.ENUM:
            if not isinstance(value, str) or value not in rule.values:
                raise _refused(rule.name, f"expected one of {', '.join(rule.values)}")
            return value
        case ParameterType.DURATION:
            return _duration(rule, value)


def seconds(value: object) -> int | None:
    """The seconds that a duration means: a whole number of them, or text such as `90s`, `5m`, `2h`. Null where it is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if value >= 0 else None
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    return int(found[1]) * _SECONDS[found[2]] if found else None


def _value_or_default(rule: Parameter, sent: Mapping[Any, Any]) -> Any:
    value = sent.get(rule.name)
    if value is None:
        if rule.is_required:
            raise _refused(rule.name, "it must be sent")
        return rule.default
    return typed(rule, value)


def _text(rule: Parameter, value: object) -> str:
    shortest, longest = rule.min or 0, MAX_TEXT if rule.max is None else rule.max
    if not isinstance(value, str) or not shortest <= len(value) <= longest:
        raise _refused(rule.name, f"expected text of {shortest} to {longest} characters")
    if any(unicodedata.category(one) in {"Cc", "Cs", "Co", "Cn"} for one in value):
        raise _refused(rule.name, "expected text without control characters")
    return value


def _integer(rule: Parameter, value: object) -> int:
    low, high = -MAX_INTEGER if rule.min is None else rule.min, MAX_INTEGER if rule.max is None else rule.max
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise _refused(rule.name, f"expected a whole number from {low} to {high}")
    return value


def _decimal(rule: Parameter, value: object) -> str:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not _DECIMAL.fullmatch(text[: MAX_DIGITS * 2]):
        raise _refused(rule.name, 'expected a decimal number as text, such as "1.50"')
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise _refused(rule.name, "expected a decimal number as text") from None
    low, high = (None if limit is None else Decimal(str(limit)) for limit in (rule.min, rule.max))
    if (low is not None and number < low) or (high is not None and number > high):
        raise _refused(
            rule.name, f"expected a number from {'any' if low is None else low} to {'any' if high is None else high}"
        )
    return text


def _duration(rule: Parameter, value: object) -> int:
    low, high = rule.min or 0, MAX_SECONDS if rule.max is None else rule.max
    found = seconds(value)
    if found is None or not low <= found <= high:
        raise _refused(rule.name, f"expected {low} to {high} seconds, as a number or text such as `90s`, `5m`, `2h`")
    return found


def _unknown(name: str, known: Mapping[str, Parameter]) -> Fault:
    closest = get_close_matches(name[:40], known, n=3, cutoff=0.4)
    listed = ", ".join(f"`{one}`" for one in known) or "none"
    return Fault(
        "WF_002",
        f"The workflow has no such parameter; it has: {listed}.",
        context={"parameter": name[:60], "closest": closest, "parameters": list(known)},
    )


def _refused(name: str, expected: str) -> Fault:
    return Fault("WF_002", f"`{name}`: {expected}.", context={"parameter": name})
