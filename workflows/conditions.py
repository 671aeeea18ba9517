"""Conditions: CEL expressions over data, within bounds of size and work. They can look at what they are given, and at nothing else.

CEL has no loops but its macros, each bounded by a list; that none stands in another keeps the work in proportion to the data.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from trading_bot.errors.fault import Fault

MAX_CHARACTERS = 1_000
MAX_COSTLY_CALLS = 8
MAX_VALUES = 20_000
"""Values of the data that a condition sees."""
MAX_TEXT = 1_048_576
"""Characters of all its texts."""
NAMES = frozenset({"parameters", "steps", "run", "data", "output"})
"""What a condition can name: the run's parameters, outputs of earlier steps by id, the run itself, data of the operation, own output."""
_BOUND = re.compile(r"\b(?:all|exists|exists_one|map|filter)\s*\(\s*([A-Za-z_]\w*)\s*,")
_ROOTS = re.compile(r"(?<![\w.])(?<!\.\s)([A-Za-z_]\w*)\b(?!\s*\()")
_TOKENS = re.compile(
    r"""[rRbB]{0,2}(?:'''.*?'''|\"\"\".*?\"\"\"|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")"""
    r"""|(?P<costly>\b(?:all|exists|exists_one|map|filter|matches|sort|sortBy|transformList|transformMap)\s*\()|(?P<open>\()|(?P<close>\))""",
    re.DOTALL,
)


@lru_cache(maxsize=512)
def problem_of(condition: str) -> str | None:
    """Why a text is no condition; null where it is one."""
    if not condition.strip() or len(condition) > MAX_CHARACTERS:
        return f"expected an expression of 1 to {MAX_CHARACTERS} characters, was {len(condition)}"
    if "\0" in condition or (
        not condition.isprintable() and not re.fullmatch(r"[^\x00-\x08\x0b-\x1f\x7f]*", condition)
    ):
        return "it holds control characters"
    if "//" in _TOKENS.sub("", condition):
        return "comments are not allowed"
    return _too_costly(condition) or _not_parsed(condition) or _unknown_names(condition)


def holds(condition: str, known: Mapping[str, Any]) -> bool:
    """Whether the condition is true of the data. Raises WF_007 where it can't be said: not CEL, not true or false, or no such data."""
    problem = problem_of(condition)
    if problem is not None:
        raise _unclear(condition, f"{problem}.")
    require_bounded(known, condition)
    from cel import evaluate  # noqa: PLC0415 - loads slowly, and only runs of workflows need it

    try:
        # Anything but true or false is refused inside, so that no large value is ever made into one of Python's.
        return bool(evaluate(f"({condition}\n) ? true : false", dict(known)))
    except Exception as error:  # noqa: BLE001 - the library raises its own, and ours are the data's: each means that it can't be said
        fault = _unclear(condition, _reason(error))
        fault.context["isOfData"] = True  # the expression is sound: the next look may see other data
        raise fault from None


def require_bounded(known: Mapping[str, Any], condition: str = "") -> None:
    """Raise WF_007 where the data is more than a condition may work through."""
    values = characters = 0
    waiting: list[Any] = [known]
    while waiting:
        value = waiting.pop()
        values += 1
        match value:
            case str():
                characters += len(value)
            case Mapping():
                characters += sum(map(len, value))
                waiting.extend(value.values())
            case list() | tuple():
                waiting.extend(value)
            case _:
                pass
        if values > MAX_VALUES or characters > MAX_TEXT:
            raise _unclear(condition, "The data is too large; ask the operation for less.")


def _too_costly(condition: str) -> str | None:
    """Whether macros stand in each other, or there are too many."""
    opened: list[bool] = []
    calls = 0
    for token in _TOKENS.finditer(condition):
        match token.lastgroup:
            case "costly":
                calls += 1
                if any(opened):
                    return "a macro or `matches` can't stand inside another"
                opened.append(True)
            case "open":
                opened.append(False)
            case "close" if opened:
                opened.pop()
    return f"more than {MAX_COSTLY_CALLS} macros" if calls > MAX_COSTLY_CALLS else None


def _unknown_names(condition: str) -> str | None:
    """Whether it names something that no run has."""
    bare = _TOKENS.sub(lambda token: token[0] if token.lastgroup else "''", condition)
    known = NAMES | set(_BOUND.findall(bare)) | {"true", "false", "null", "in"}
    wrong = next((name for name in _ROOTS.findall(bare) if name not in known), None)
    return f"there is no `{wrong:.40}`; there is {', '.join(sorted(NAMES))}" if wrong else None


def _not_parsed(condition: str) -> str | None:
    from cel import compile as parse  # noqa: PLC0415 - as above

    try:
        parse(condition)
    except Exception as error:  # noqa: BLE001 - as above
        place = re.search(r"<input>:(\d+):(\d+)", str(error))
        return f"not a CEL expression, at character {place[2]}" if place else "not a CEL expression"
    return None


def _reason(error: Exception) -> str:
    """What the library found, in our words: its own may hold data."""
    match error:
        case KeyError():
            return "The data has no such part; `has(…)` asks whether it does."
        case ZeroDivisionError() | OverflowError() | ArithmeticError():
            return "A number is divided by zero or too large."
        case TypeError():
            return "Two values are of different types, or the result is neither true nor false."
        case _:
            return "It names something that is not there, or can't be evaluated."


def _unclear(condition: str, why: str) -> Fault:
    return Fault("WF_007", f"`{condition:.60}`: {why}", context={"condition": condition[:200]})
