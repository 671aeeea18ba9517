"""Config fields: what the packaged JSON Schema says of a part of the configuration, found by its path."""

from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import orjson

Path = tuple[str | int, ...]
"""Where a value stands: names of keys and places in lists."""
Shape = dict[str, Any]
"""A part of the schema."""
LONGEST_KEY = 40
"""Characters of a key that are shown: one that is not known came from outside."""
_FILE = "config.schema.json"


@cache
def schema() -> Shape:
    """The schema of the whole configuration, from its file."""
    return Shape(orjson.loads(schema_bytes()))


@cache
def schema_bytes() -> bytes:
    """The schema's file."""
    return files("trading_bot").joinpath(_FILE).read_bytes()


def shown(path: Sequence[str | int]) -> str:
    """A path in words: risk.max_open_positions, strategies[0].stop_pct; (whole configuration) for an empty one."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part[:LONGEST_KEY]}" for part in path)
    return text.removeprefix(".") or "(whole configuration)"


def inside(shape: Shape, data: Any) -> Shape:
    """`shape` with what it refers to: the definition that it names, and the branch that fits the `kind` in `data`."""
    if "$ref" in shape:
        return {**_definition(shape["$ref"]), **{name: part for name, part in shape.items() if name != "$ref"}}
    for branch in shape.get("allOf", ()):
        chosen = branch["if"]["properties"]["kind"]["const"]
        if isinstance(data, dict) and data.get("kind") == chosen:
            return _definition(branch["then"]["$ref"])
    return shape


def below(shape: Shape, part: str | int, data: Any) -> Shape:
    """What stands in `shape` (with its value `data`) under a key or at a place; empty for a key that is not known."""
    whole = inside(shape, data)
    found = whole.get("items", {}) if isinstance(part, int) else whole.get("properties", {}).get(part, {})
    return Shape(found)


def field_at(path: Path, values: Any) -> Shape:
    """What the schema says of the value at `path` of `values`; empty where it knows none."""
    shape = schema()
    for part in path:
        shape = below(shape, part, values)
        values = value_below(values, part)
    return inside(shape, values)


def value_below(values: Any, part: str | int) -> Any:
    """What stands in `values` under a key or at a place; null where there is nothing."""
    try:
        return values[part]
    except (KeyError, IndexError, TypeError):
        return None


def keys_of(shape: Shape, data: Any) -> tuple[str, ...]:
    """The keys that may stand in `shape`."""
    return tuple(inside(shape, data).get("properties", ()))


def may_be_null(shape: Shape) -> bool:
    """Whether the value may be null."""
    kind = shape.get("type")
    return None in shape.get("enum", ()) or (isinstance(kind, list) and "null" in kind)


def explained(shape: Shape) -> str | None:
    """What a value means, with unit and range, in a line; null for one that is not known."""
    text: str | None = shape.get("description")
    if text is None:
        return None
    return " ".join((text, *(f"{words[0].upper()}{words[1:]}." for words, high in _bounds(shape) if high not in text)))


def allowed(shape: Shape) -> str:
    """What may stand there, in words, such as: a number from 1 to 10 (percent of equity)."""
    kinds = shape.get("type", ())
    kind = next((one for one in ([kinds] if isinstance(kinds, str) else kinds) if one != "null"), None)
    if "enum" in shape:
        words = "one of " + ", ".join(str(one) for one in shape["enum"] if one is not None)
    elif "const" in shape:
        words = str(shape["const"])
    elif "x-form" in shape:
        words = f"text {shape['x-form']}"
    else:
        words = {
            "integer": "a whole number",
            "number": "a number",
            "array": "a list",
            "object": "an object",
        }.get(str(kind), "a decimal in quotes" if "x-minimum" in shape else "text")
    return " ".join((words, *(bounds for bounds, _ in _bounds(shape)))) + (", or null" if may_be_null(shape) else "")


def _bounds(shape: Shape) -> Iterator[tuple[str, str]]:
    """Its bounds in words, and the upper one by itself."""
    unit = f" ({shape['x-unit']})" if "x-unit" in shape else ""
    for low, high, of in (
        ("minimum", "maximum", ""),
        ("x-minimum", "x-maximum", ""),
        ("minLength", "maxLength", " characters"),
        ("minItems", "maxItems", " items"),
    ):
        if low in shape:
            most = _number(shape[high])
            yield f"from {_number(shape[low])} to {most}{of}{unit}", most


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


@cache
def _definition(reference: str) -> Shape:
    return Shape(schema()["$defs"][reference.rpartition("/")[2]])
