"""Schema: what a definition may hold, as JSON Schema in `workflow.schema.json`, and its violations in our words with file and line."""

import json
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from trading_bot.errors.fault import Fault
from workflows.documents import Document, Place, broken

FILE = Path(__file__).parent / "workflow.schema.json"
MOST_PROBLEMS = 50
"""Violations of one file that are told."""
MOST_NAMES = 10
"""Unknown names in one place that are told."""
_TYPES = {
    "object": "names and values",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "boolean": "true or false",
}
_WORDS = {
    "const": "`{}`",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "text of at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} entries",
    "maxItems": "at most {} entries",
    "minProperties": "at least {} entries",
    "maxProperties": "at most {} entries",
    "uniqueItems": "each entry once",
}


@cache
def _validator(file: Path) -> Draft202012Validator:
    return Draft202012Validator(json.loads(file.read_text(encoding="utf-8")))


def schema_problems(document: Document, file: Path = FILE) -> tuple[Fault, ...]:
    """What of the document is not as the schema in `file` says, in the order of its lines: WF_001 each."""
    found: dict[tuple[int, str], Fault] = {}
    for error in _validator(file).iter_errors(document.values):
        for place, problem, remedy in _told(error):
            line = document.line(place)
            found.setdefault(
                (line, problem), broken(document.source, line, f"{shown(place)}: {problem}.", remedy=remedy)
            )
        if len(found) >= MOST_PROBLEMS:
            break
    return tuple(found[key] for key in sorted(found))


def shown(place: Place) -> str:
    """A place as people read it: `steps[0].parameters`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part:.40}" for part in place[:8])
    return f"`{text.removeprefix('.')}`" if text else "the file"


def _told(error: ValidationError) -> Iterator[tuple[Place, str, str]]:
    """Place, what is wrong, and what to do, for each thing that one violation stands for."""
    place = tuple(error.absolute_path)
    rule: Any = error.validator_value
    instance: Any = error.instance
    about: Any = error.schema
    match error.validator:
        case "required":
            for name in (name for name in rule if name not in instance):
                yield place, f"`{name}` is missing", f"Add `{name}`."
        case "additionalProperties":
            known = list(about.get("properties", {}))
            for name in [name for name in instance if name not in known][:MOST_NAMES]:
                closest = get_close_matches(str(name)[:60], known, n=1, cutoff=0.6)
                remedy = f"Write `{closest[0]}`, or remove it." if closest else f"Use one of {', '.join(known)}."
                yield (*place, name), "it is not known here", remedy
        case _:
            expected = _expected(error)
            yield place, f"expected {expected}", f"Write {expected}."


def _expected(error: ValidationError) -> str:
    rule: Any = error.validator_value
    about: Any = error.schema
    match error.validator:
        case "type":
            return " or ".join(_TYPES.get(one, one) for one in ([rule] if isinstance(rule, str) else rule))
        case "enum":
            return f"one of {', '.join(map(str, rule))}"
        case "pattern":
            return str(about.get("description") or "a name of lower-case letters, digits and `-` (`_` in parameters)")
        case other:
            return _WORDS.get(str(other), "something else").format(rule)
