"""The configuration's file: YAML, read strictly, and written so that what an operator wrote beside the values stays.

Plain YAML only: no key twice, no aliases, no tags, one document, of bounded size and depth. What is refused is named with its line. A file
that is written over keeps its comments, its order and the keys that it leaves out; a new one has every key.
"""

import os
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, DocumentStartEvent, MappingStartEvent, NodeEvent, SequenceStartEvent
from ruamel.yaml.events import CollectionEndEvent as End

from trading_bot.domain.config import BotConfig
from trading_bot.errors.fault import Fault
from trading_bot.services.config_check import Problem, check
from trading_bot.services.config_fields import Path as Place
from trading_bot.services.config_fields import below, inside, schema, schema_bytes, shown
from trading_bot.services.configuration import config_values

# A configuration of 200 keys has some 10 KB; more than this is no configuration.
MAX_FILE_BYTES = 262_144
DEEPEST = 12
"""Levels of a file; a configuration has four."""
SCHEMA_FILE = "config.schema.json"
"""What is written beside the configuration, for editors that help with it."""
_HEADER = f"""\
# yaml-language-server: $schema=./{SCHEMA_FILE}
# BotGraph's configuration: the version in force. Every key is explained in docs/operate.md. An edit is noticed and reported with its plan;
# it is taken only by applying it.
"""


def read_config(path: Path) -> BotConfig | None:
    """The configuration in the file, null when there is none. Raises CFG_001, CFG_002, CFG_021."""
    text = read_text(path)
    if text is None:
        return None
    values, lines = _parsed(path, text)
    checked = check(values)
    if checked.config is None:
        raise _refused(path, checked.problems, lines)
    return checked.config


def read_values(path: Path) -> Any:
    """What the file holds as JSON data, whatever it means; null when there is no file. Raises CFG_002."""
    text = read_text(path)
    return None if text is None else _parsed(path, text)[0]


def read_text(path: Path) -> str | None:
    """The file's text, null when there is no file. Raises CFG_002 when it can't be read, is too large or is no text."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(path, f"can't be read ({error.strerror})") from error
    if len(raw) > MAX_FILE_BYTES:
        raise _unreadable(path, f"has more than {MAX_FILE_BYTES} bytes")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _broken(path, line, "it is not UTF-8") from error


def render(config: BotConfig, previous: str | None = None) -> str:
    """The file's text for `config`: a new one with every key, or `previous` with the values of `config` and all else as it was."""
    values = config_values(config)
    document = _document(previous) if previous is not None else None
    if document is not None:
        _renew(document, values, schema())
        text = as_yaml(document)
        # Else it says something that can't be said in its terms.
        if check(_plain(_yaml().load(text))).config == config:
            return text
    return _HEADER + as_yaml(values)


def write_config(path: Path, config: BotConfig) -> None:
    """Make the file a projection of `config`, whole or not at all, with its schema beside it. Raises CFG_002."""
    try:
        previous = read_text(path)
    except Fault:
        previous = None
    write_text(path, render(config, previous))


def write_text(path: Path, text: str) -> None:
    """Write the file, whole or not at all, with its schema beside it. Raises CFG_002."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = path.with_name(SCHEMA_FILE)
        if not beside.exists() or beside.read_bytes() != schema_bytes():
            _replace(beside, schema_bytes())
        _replace(path, text.encode())
    except OSError as error:
        raise _unreadable(path, f"can't be written ({error.strerror})") from error


def _replace(path: Path, content: bytes) -> None:
    """Put the content in the file's place, so that a crash leaves the old or the new one, on the disk and not only in memory."""
    fresh = path.with_name(f"{path.name}.tmp")
    with fresh.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _document(text: str) -> CommentedMap | None:
    """What a file says, with all that stands beside it; null where it is not plain YAML: nothing of it can be kept."""
    try:
        document = _yaml().load(text) if next(_not_plain(text), None) is None else None
    except (YAMLError, ValueError):
        return None
    return document if isinstance(document, CommentedMap) else None


def _parsed(path: Path, text: str) -> tuple[Any, dict[Place, int]]:
    """The values as JSON data, and the line of each."""
    try:
        for line, problem in _not_plain(text):
            raise _broken(path, line, problem)
        document = _yaml().load(text)
    except YAMLError as error:
        raise _of_yaml(path, error) from None  # its text repeats values, and a value may be a secret
    except ValueError:
        raise _broken(path, None, "it has a date that there is not, or a number of thousands of digits") from None
    lines = dict(_lines(document, ()))
    return ({} if document is None else _plain(document)), lines


def _not_plain(text: str) -> Iterator[tuple[int, str]]:
    """What the language has and a configuration may not use, with its line."""
    depth = documents = 0
    for event in _yaml().parse(text):
        line = event.start_mark.line + 1
        depth += isinstance(event, MappingStartEvent | SequenceStartEvent)
        depth -= isinstance(event, End)
        documents += isinstance(event, DocumentStartEvent)
        if isinstance(event, AliasEvent) or (isinstance(event, NodeEvent) and event.anchor):
            yield line, "anchors and aliases are not allowed"
        elif getattr(event, "tag", None):
            yield line, "tags are not allowed"
        elif getattr(event, "value", None) == "<<":
            yield line, "merging is not allowed"
        elif depth > DEEPEST:
            yield line, f"more than {DEEPEST} levels are not allowed"
        elif documents > 1:
            yield line, "one document is allowed"


def _of_yaml(path: Path, error: YAMLError) -> Fault:
    mark = getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark is not None else None
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "it is not valid YAML")
    if isinstance(error, MarkedYAMLError) and problem.startswith("found duplicate key"):
        problem = "`{}` is given twice".format(problem.split('"')[1][:40])
    return _broken(path, line, problem)


def _broken(path: Path, line: int | None, problem: str) -> Fault:
    where = f"{path.name}, line {line}" if line else path.name
    return Fault("CFG_002", f"{where}: {problem}.", context={"file": path.name, "line": line})


def _unreadable(path: Path, why: str) -> Fault:
    return Fault("CFG_002", f"{path.name} {why}.", context={"file": path.name})


def _refused(path: Path, problems: tuple[Problem, ...], lines: dict[Place, int]) -> Fault:
    first = problems[0]
    line = next((lines[first.path[:end]] for end in range(len(first.path), -1, -1) if first.path[:end] in lines), None)
    where = f"{path.name}, line {line}: " if line else ""
    context = {"field": shown(first.path), "allowed": first.allowed, "line": line, "problems": len(problems)}
    return Fault(first.code, f"{where}{first.cause}", context=context)


def _lines(data: Any, place: Place) -> Iterator[tuple[Place, int]]:
    if isinstance(data, CommentedMap):
        for key in data:
            yield (*place, str(key)), data.lc.key(key)[0] + 1
            yield from _lines(data[key], (*place, str(key)))
    elif isinstance(data, CommentedSeq):
        for number, item in enumerate(data):
            yield (*place, number), data.lc.item(number)[0] + 1
            yield from _lines(item, (*place, number))


def _plain(data: Any) -> Any:  # noqa: PLR0911 - one line a type
    """JSON data of what was read with its comments; what JSON has no type for as it is, for the schema to refuse."""
    match data:
        case dict():
            return {str(key): _plain(value) for key, value in data.items()}
        case list():
            return [_plain(item) for item in data]
        case bool() | None:
            return data
        case int():
            return int(data)
        case float():
            return float(data)
        case str():
            return str(data)
        case _:
            return data


def _renew(document: CommentedMap, values: dict[str, Any], shape: Any) -> None:
    """Give what the document says the values that are wanted; what it leaves out stays out where the default is wanted."""
    whole = inside(shape, values)
    for key in [key for key in document if key not in values]:
        del document[key]
    for key, value in values.items():
        part = below(whole, key, values)
        if key in document:
            document[key] = _renewed(document[key], value, part)
        elif value != part.get("default"):
            document[key] = _renewed(CommentedMap(), value, part) if isinstance(value, dict) else value


def _renewed(data: Any, value: Any, shape: Any) -> Any:
    """`data` as it stands in a document with the value that is wanted: itself where that can be, for comments hang on it."""
    if isinstance(data, CommentedMap) and isinstance(value, dict):
        _renew(data, value, shape)
        return data
    if isinstance(data, CommentedSeq) and isinstance(value, list):
        old = list(data)
        del data[:]
        data.extend(
            _renewed(_counterpart(old, item), item, below(shape, place, value)) for place, item in enumerate(value)
        )
        return data
    is_same = _plain(data) == value and isinstance(data, bool) is isinstance(value, bool)
    # The library keeps how a float was written, and gets its last digit wrong: each is written anew.
    return data if is_same and not isinstance(data, float) else value


def _counterpart(old: list[Any], item: Any) -> Any:
    """What an item of a list was before, by its kind, or else by itself; taken out of `old`, so that each is used once."""
    for place, one in enumerate(old):
        if (one.get("kind") == item["kind"]) if isinstance(one, dict) and isinstance(item, dict) else one == item:
            return old.pop(place)
    return None


def as_yaml(document: Any) -> str:
    """The text of some values, or of a document that was read with its comments."""
    stream = StringIO()
    _yaml().dump(document, stream)
    return stream.getvalue()


def _yaml() -> YAML:
    yaml = YAML()  # version 1.2: `no` is text, 012 is twelve
    yaml.preserve_quotes = True
    yaml.width = 120
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.representer.add_representer(type(None), _null)
    return yaml


def _null(representer: Any, _: None) -> Any:
    """The word, where the library would leave the place empty."""
    return representer.represent_scalar("tag:yaml.org,2002:null", "null")
