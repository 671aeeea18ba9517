"""Config schema: the JSON Schema 2020-12 of the configuration, made from its typed form: fields, docstrings, bounds, defaults.

`config.schema.json` beside this package is what this module makes, so that editors, callers and the plan of a change read the same text; a
test holds both equal. What JSON Schema has no word for stands under names of ours that others pass over: `x-minimum` and `x-maximum` for
decimals, which are strings; `x-unit`; `x-limit`, the way in which a limit gets looser; `x-secret`, a reference to a secret.
"""

import ast
import inspect
import sys
from dataclasses import MISSING, Field, fields, is_dataclass
from decimal import Decimal
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import orjson

from trading_bot.domain.config import BotConfig
from trading_bot.domain.money import plain
from trading_bot.domain.ranges import Count, Form, Limit, Range, Reference, notes
from trading_bot.domain.records import data_of

DRAFT = "https://json-schema.org/draft/2020-12/schema"
DECIMAL = r"^-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,6})?$"
"""A decimal: plain digits, no exponent, no zeros before it, at most six places: such a text is written back as it came."""
_PLAIN: dict[Any, dict[str, Any]] = {
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    bool: {"type": "boolean"},
    Decimal: {"type": "string", "pattern": DECIMAL},
}


def schema_text() -> str:
    """The schema as it stands in its file."""
    return orjson.dumps(build_schema(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def build_schema() -> dict[str, Any]:
    """The schema as JSON data."""
    shapes: dict[str, Any] = {}
    whole = _object(BotConfig, shapes)
    head = {"$schema": DRAFT, "title": "BotGraph's configuration of one bot"}
    return {**head, **whole, "$defs": dict(sorted(shapes.items()))}


def _object(model: type[Any], shapes: dict[str, Any]) -> dict[str, Any]:
    """A dataclass: each field under its name, and no other."""
    known = {field.name: field for field in fields(model)}
    said = {name: (kind, extra) for name, kind, extra in notes(model)}
    properties = {
        name: _field(model, known[name], kind, extra, shapes) for name, (kind, extra) in said.items() if name in known
    }
    description = _docs_of(model)[""]
    return {"type": "object", "description": description, "properties": properties, "additionalProperties": False}


def _field(
    model: type[Any], field: Field[Any], kind: Any, said: tuple[Any, ...], shapes: dict[str, Any]
) -> dict[str, Any]:
    description = _docs_of(model)[field.name]
    default = _json(field.default if field.default is not MISSING else _made(field))
    bare, is_optional = _without_null(kind)
    shape = _shape(bare, shapes)
    for one in said:
        shape = _bounded(shape, one)
    if isinstance(bare, type) and issubclass(bare, Enum):
        description += " " + " ".join(f"{_json(one)}: {_docs_of(bare)[one.name]}" for one in bare)
    if is_optional:
        shape = _nullable(shape)
    examples = _examples(bare, default, said)
    return {"description": description, **shape, "default": default, **({"examples": examples} if examples else {})}


def _shape(kind: Any, shapes: dict[str, Any]) -> dict[str, Any]:
    if kind in _PLAIN:
        return dict(_PLAIN[kind])
    if get_origin(kind) is Literal:
        return {"const": get_args(kind)[0]}
    if get_origin(kind) is tuple:
        return {"type": "array", "items": _shape(get_args(kind)[0], shapes)}
    if get_origin(kind) in {Union, UnionType}:
        return _one_of_kinds(get_args(kind), shapes)
    if issubclass(kind, Enum):
        return {"enum": [_json(one) for one in kind]}
    if kind.__name__ not in shapes:
        shapes[kind.__name__] = _object(kind, shapes)
    return {"$ref": f"#/$defs/{kind.__name__}"}


def _one_of_kinds(models: tuple[type[Any], ...], shapes: dict[str, Any]) -> dict[str, Any]:
    """One of several dataclasses, told apart by `kind`; written so that a mistake in one is not blamed on all."""
    branches = []
    for model in models:
        reference = _shape(model, shapes)
        chosen = shapes[model.__name__]["properties"]["kind"]["const"]
        branches.append({"if": {"properties": {"kind": {"const": chosen}}, "required": ["kind"]}, "then": reference})
    kinds = [branch["if"]["properties"]["kind"]["const"] for branch in branches]
    return {"type": "object", "required": ["kind"], "properties": {"kind": {"enum": kinds}}, "allOf": branches}


def _bounded(shape: dict[str, Any], said: Any) -> dict[str, Any]:  # noqa: PLR0911 - one shape a kind of bound
    match said:
        case Range(low=Decimal() as low, high=high, unit=unit):
            bounds: dict[str, Any] = {"x-minimum": plain(low), "x-maximum": plain(Decimal(high))}
        case Range(low=low, high=high, unit=unit):
            bounds = {"minimum": low, "maximum": high}
        case Count(low=low, high=high) if shape["type"] == "array":
            return {**shape, "minItems": low, "maxItems": high}
        case Count(low=low, high=high):
            return {**shape, "minLength": low, "maxLength": high}
        case Form() if shape["type"] == "array":
            return {**shape, "items": {**shape["items"], **_form(said)}, "uniqueItems": True}
        case Form():
            return {**shape, **_form(said)}
        case Limit(looser=looser):
            return {**shape, "x-limit": looser.value}
        case Reference():
            return {**shape, "x-secret": True}
        case _:
            return shape
    return {**shape, **bounds, **({"x-unit": unit} if unit else {})}


def _form(form: Form) -> dict[str, Any]:
    return {"pattern": f"^(?:{form.pattern})$", "x-form": form.says}


def _nullable(shape: dict[str, Any]) -> dict[str, Any]:
    if "enum" in shape:
        return {**shape, "enum": [*shape["enum"], None]}
    return {**shape, "type": [shape["type"], "null"]}


def _without_null(kind: Any) -> tuple[Any, bool]:
    parts = get_args(kind) if get_origin(kind) in {Union, UnionType} else ()
    if NoneType not in parts:
        return kind, False
    (bare,) = (part for part in parts if part is not NoneType)
    return bare, True


def _examples(kind: Any, default: Any, said: tuple[Any, ...]) -> list[Any]:
    """What the value may look like; none for a part that has fields of its own."""
    if is_dataclass(kind):
        return []
    forms = [list(one.examples) for one in said if isinstance(one, Form) and one.examples]
    if forms:
        return [forms[0]] if get_origin(kind) is tuple else forms[0]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return [_json(one) for one in kind]
    ranges = [_json(one.low) for one in said if isinstance(one, Range)]
    return [default] if default is not None else ranges or ["candles.csv"]


def _made(field: Field[Any]) -> Any:
    if field.default_factory is MISSING:
        raise TypeError(f"Expected a default for `{field.name}`: a file may leave any key out.")
    return field.default_factory()


def _json(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_json(item) for item in value]
    if is_dataclass(value):
        return {field.name: _json(getattr(value, field.name)) for field in fields(value)}
    return data_of(value)


def _docs_of(model: type[Any]) -> dict[str, str]:
    return _docs(model.__module__, model.__name__)


@cache
def _docs(module: str, name: str) -> dict[str, str]:
    """The docstrings of a class, under "", and of its fields or members, from its source."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    node = next(one for one in tree.body if isinstance(one, ast.ClassDef) and one.name == name)
    docs = {"": inspect.cleandoc(ast.get_docstring(node) or "")}
    for statement, following in zip(node.body, node.body[1:], strict=False):
        match statement, following:
            case (
                ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                docs[name] = inspect.cleandoc(text)
            case _:
                pass
    return docs
