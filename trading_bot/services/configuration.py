"""Configuration: its typed form, and the JSON data that the store keeps of it.

The store's version is the truth and the file its projection (`config_file`). What comes from outside is checked first (`config_check`);
what is stored was checked, and is only read.
"""

import hashlib
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from trading_bot.domain.config import BotConfig, FeedKind, PaperVenue
from trading_bot.errors.fault import Fault


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
        raise Fault(
            "CFG_001", f"`{field}`: {text}", context=context
        ) from None  # its text repeats values: one may be a secret


def config_values(config: BotConfig) -> dict[str, Any]:
    """The configuration as JSON holds it: decimals as strings, enums by their file value."""
    values: dict[str, Any] = codec().dump_python(config, mode="json")
    return values


def config_hash(values: dict[str, Any]) -> str:
    """MD5 of the canonical JSON: names a configuration in trade records; it protects nothing."""
    return hashlib.md5(orjson.dumps(values, option=orjson.OPT_SORT_KEYS), usedforsecurity=False).hexdigest()


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
