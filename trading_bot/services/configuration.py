"""Configuration: the YAML file's way into the store, and the typed configuration's way out of it.

The store's version is the truth and the file its projection. The first start imports the file, or writes one with the defaults.
"""

import hashlib
import os
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import yaml
from pydantic import TypeAdapter, ValidationError

from trading_bot.domain.config import BotConfig, FeedKind, PaperVenue
from trading_bot.errors.fault import Fault

# A configuration of 200 keys has some 10 KB; more than this is no configuration.
MAX_FILE_BYTES = 262_144
_HEADER = (
    "# BotGraph's configuration, as it was imported at the first start. Every key is explained in docs/operate.md.\n"
)


@cache
def codec() -> TypeAdapter[BotConfig]:
    """What makes the typed configuration of JSON data, and the reverse."""
    return TypeAdapter(BotConfig)


def parse_config(values: object) -> BotConfig:
    """The configuration that `values` spell. Raises CFG_001 that names the field, its value and what is allowed."""
    try:
        return codec().validate_python(values)
    except ValidationError as error:
        problems = error.errors(include_url=False)
        # Of a strategy's possible kinds, the one that was meant says what is wrong; the others only say that they were not meant.
        first = next((problem for problem in problems if problem["type"] != "literal_error"), problems[0])
        field = ".".join(str(part) for part in first["loc"] if not _is_class(part)) or "(whole file)"
        text = str(first["msg"]).removeprefix("Value error, ")
        context = {"field": field, "problems": len(problems)}
        raise Fault("CFG_001", f"`{field}`: {text}", context=context) from error


def config_values(config: BotConfig) -> dict[str, Any]:
    """The configuration as JSON holds it: decimals as strings, enums by their file value."""
    values: dict[str, Any] = codec().dump_python(config, mode="json")
    return values


def config_hash(values: dict[str, Any]) -> str:
    """MD5 of the canonical JSON: names a configuration in trade records; it protects nothing."""
    return hashlib.md5(orjson.dumps(values, option=orjson.OPT_SORT_KEYS), usedforsecurity=False).hexdigest()


def read_config(path: Path) -> BotConfig | None:
    """The configuration in the file, null when there is none. Raises CFG_001 and CFG_002."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Fault("CFG_002", f"{path.name} can't be read ({error.strerror}).", context={"file": path.name}) from error
    if len(raw) > MAX_FILE_BYTES:
        raise Fault(
            "CFG_002",
            f"{path.name} has {len(raw)} bytes, at most {MAX_FILE_BYTES} are allowed.",
            context={"file": path.name},
        )
    try:
        values = yaml.load(raw, Loader=_StrictLoader)  # noqa: S506 - a SafeLoader that is stricter still
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else None
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it is not valid YAML"
        where = f"{path.name}, line {line}" if line else path.name
        context = {"file": path.name, "line": line}
        raise Fault("CFG_002", f"{where}: {problem}.", context=context) from error
    return parse_config(values if values is not None else {})


def write_config(path: Path, config: BotConfig) -> None:
    """Write the file as a projection of `config`, whole or not at all."""
    text = _HEADER + yaml.safe_dump(config_values(config), sort_keys=False, allow_unicode=True, width=120)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_suffix(".tmp")
    try:
        with fresh.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise Fault(
            "CFG_002", f"{path.name} can't be written ({error.strerror}).", context={"file": path.name}
        ) from error


def with_feed(config: BotConfig, *, candles: Path | None, seed: int | None, speed: float | str | None) -> BotConfig:
    """`config` with the feed that the command line names; `speed` max is as fast as it can."""
    venue: PaperVenue = config.venue
    if candles is not None:
        venue = replace(venue, feed=FeedKind.REPLAY, candles=str(candles))
    if seed is not None:
        venue = replace(venue, seed=seed)
    if speed is not None:
        venue = replace(venue, speed=None if speed == "max" else float(speed))
    return replace(config, venue=venue)


def _is_class(part: object) -> bool:
    """Whether a part of a problem's path is the name of a class, which is no key of the file."""
    return isinstance(part, str) and part[:1].isupper()


class _StrictLoader(yaml.SafeLoader):
    """YAML without aliases and without duplicate keys."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]  # PyYAML has no types here
            raise yaml.constructor.ConstructorError(None, None, "aliases are not allowed", event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"`{key.value}` is given twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)
