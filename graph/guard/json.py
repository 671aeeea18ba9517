"""JSON: the one way in which answers become bytes: compact UTF-8, decimals and times as text."""

from datetime import datetime
from decimal import Decimal
from enum import Enum
from types import MappingProxyType
from typing import Any

import orjson

from graph.scalars import write_time
from trading_bot.domain.money import plain


def as_json(value: Any, *, option: int = 0) -> bytes:
    """`value` as compact UTF-8; what JSON does not know is written as the scalars of the schema are, anything else as its text."""
    return orjson.dumps(
        value, default=_plain, option=option | orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATETIME
    )


def _plain(value: object) -> Any:
    match value:
        case Decimal() if value.is_finite():
            return plain(value)
        case datetime() if value.tzinfo is not None:
            return write_time(value)
        case Enum():
            return value.name
        case MappingProxyType():
            return dict(value)
        case _:
            return str(value)
