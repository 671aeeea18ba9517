"""Documents: YAML as JSON data with the line of each value; nothing in it can grow, run or be anything but plain data.

No aliases, no tags, no duplicate keys; words such as `yes` and `12:30` are text, as in YAML 1.2. Size, depth and number of values are
capped, so that a hostile file costs as little as an honest one.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from trading_bot.errors.fault import Fault

MAX_BYTES = 65_536
"""A definition of 20 steps has some 6 KB."""
MAX_DEPTH = 16
MAX_VALUES = 5_000
Place = tuple[str | int, ...]
"""Where a value stands: keys and indices from the top."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One YAML file, read."""

    source: str
    """Name of the file, for messages."""
    values: Any
    """Its content as JSON data."""
    lines: dict[Place, int]
    """Line of each value, from 1."""

    def line(self, place: Place) -> int:
        """The line of a value, or of the nearest thing around it that is there."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)


def read_document(path: Path) -> Document:
    """The document in a file. Raises WF_001 with file and line where it is not plain YAML or too large."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise broken(path.name, 1, f"The file can't be read: {error.strerror}.") from None
    return parse_document(raw, path.name)


def parse_document(raw: bytes, source: str) -> Document:
    """The document that these bytes hold; as `read_document`."""
    if len(raw) > MAX_BYTES:
        raise broken(source, 1, f"The file has more than {MAX_BYTES} bytes.")
    try:
        loader = _Loader(raw)
        node = loader.get_single_node()
        lines: dict[Place, int] = {}
        values = None if node is None else _value(node, (), lines)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it is not valid YAML"
        raise broken(source, mark.line + 1 if mark else 1, f"{problem:.80}.") from None
    return Document(source=source, values=values, lines=lines)


def broken(source: str, line: int, cause: str, *, remedy: str | None = None, code: str = "WF_001") -> Fault:
    """The fault of a definition, with its place."""
    context = {"file": source[-80:], "line": line} | ({"remedy": remedy} if remedy else {})
    return Fault(code, f"{source[-60:]}, line {line}: {cause}", context=context)


def _value(node: yaml.Node, place: Place, lines: dict[Place, int]) -> Any:
    """The data of a node; notes the line of each value."""
    lines[place] = node.start_mark.line + 1
    match node:
        case yaml.MappingNode():
            found: dict[str, Any] = {}
            for key, value in node.value:
                name = _key(key)
                if name in found:
                    raise _problem(f"`{name:.40}` is given twice", key)
                found[name] = _value(value, (*place, name), lines)
                lines[*place, name] = key.start_mark.line + 1
            return found
        case yaml.SequenceNode():
            return [_value(item, (*place, index), lines) for index, item in enumerate(node.value)]
        case _:
            return _scalar(node)


def _key(node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode) or len(node.value) > 200:  # noqa: PLR2004 - longer than any name
        raise _problem("a key must be a short text", node)
    return str(node.value)


def _scalar(node: yaml.Node) -> Any:
    text = str(node.value)
    match node.tag:
        case "tag:yaml.org,2002:null":
            return None
        case "tag:yaml.org,2002:bool":
            return text == "true"
        case "tag:yaml.org,2002:int":
            return int(text)
        case "tag:yaml.org,2002:float":
            return float(text)
        case "tag:yaml.org,2002:str":
            if any("\ud800" <= one <= "\udfff" or (one < " " and one not in "\n\t") for one in text):
                raise _problem("text can't hold this character", node)
            return text
        case _:
            raise _problem("tags are not allowed", node)


def _problem(text: str, node: yaml.Node) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, text, node.start_mark)


class _Loader(yaml.SafeLoader):
    """Composes nodes within the caps; values are made by `_value`, not by PyYAML's constructors."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's name; filled below

    def __init__(self, raw: bytes) -> None:
        super().__init__(raw)
        self._depth = self._count = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]  # PyYAML has no types here
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise yaml.constructor.ConstructorError(None, None, "anchors and aliases are not allowed", event.start_mark)
        if getattr(event, "tag", None):
            raise yaml.constructor.ConstructorError(None, None, "tags are not allowed", event.start_mark)
        self._depth += 1
        self._count += 1
        if self._depth > MAX_DEPTH or self._count > MAX_VALUES:
            raise yaml.constructor.ConstructorError(None, None, "too deep, or too many values", event.start_mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


_RESOLVED = (
    ("null", re.compile(r"^(?:null|~|)$"), ["n", "~", ""]),
    ("bool", re.compile(r"^(?:true|false)$"), ["t", "f"]),
    ("int", re.compile(r"^-?(?:0|[1-9][0-9]{0,17})$"), list("-0123456789")),
    ("float", re.compile(r"^-?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,18}$"), list("-0123456789")),
)
for _name, _pattern, _first in _RESOLVED:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", _pattern, _first)
