"""Config suggestions: what could stand in place of a mistake: what was probably meant, else what is in force, else the default."""

from difflib import get_close_matches
from typing import Any

from trading_bot.domain.money import parse_decimal, plain
from trading_bot.services.config_fields import Path, Shape, field_at, inside, value_below
from trading_bot.services.config_validator import Mistake, fits

GONE = object()
"""Leave the key, or the item, out."""


def suggested(error: Mistake, shape: Shape, path: Path, current: Any) -> Any:  # noqa: PLR0911 - one way out a kind of mistake
    """A value near to what was meant, else the one in force, else the default."""
    value = error.instance
    match error.validator:
        case "minimum" | "maximum" | "x-minimum" | "x-maximum":
            turned = _turned(value)
            return turned if fits(shape, turned) else shape[error.validator]
        case "uniqueItems" if all(isinstance(one, str) for one in value):
            return list(dict.fromkeys(value))
        case "maxItems":
            return value[: shape["maxItems"]]
        case "enum" if isinstance(value, str):
            words = {str(one).casefold(): one for one in shape["enum"]}
            close = get_close_matches(value.casefold(), words, 1, cutoff=0.6)
            if close:
                return words[close[0]]
        case "required":
            return _likeliest_kind(value, error.schema)
        case "type" | "pattern":
            spelled = _spelled(value, shape)
            if spelled is not None:
                return spelled
        case _:
            pass
    return current_at(path, current)


def _turned(value: Any) -> Any:
    """With the other sign: a loss is easily given as a positive number."""
    if isinstance(value, str):
        return value.removeprefix("-") if value.startswith("-") else f"-{value}"
    return -value


def _spelled(value: Any, shape: Shape) -> Any:
    """The value in the type that is due: '5' as a number, 5 as a decimal in quotes; null where it can't be, or is out of range."""
    if isinstance(value, str):
        cased = next(
            (one for one in (value.strip(), value.strip().upper(), value.strip().lower()) if fits(shape, one)), None
        )
        if cased is not None:
            return cased
    try:
        number = parse_decimal(str(value).strip())
    except ValueError:
        return None
    kinds = shape.get("type", ())
    if "x-minimum" in shape:
        spelled: Any = plain(number)
    elif "integer" in kinds and number == number.to_integral_value():
        spelled = int(number)
    elif "number" in kinds:
        spelled = float(number)
    else:
        return None
    return spelled if fits(shape, spelled) else None


def current_at(path: Path, current: Any) -> Any:
    """What is in force there, else the default; GONE where there is neither."""
    here = current
    for part in path:
        here = value_below(here, part)
    return here if here is not None else field_at(path, current).get("default", GONE)


def _likeliest_kind(value: dict[str, Any], shape: Shape) -> str:
    """Of the kinds that may stand there, the one that knows most of the keys."""
    kinds: list[str] = shape["properties"]["kind"]["enum"]
    return max(kinds, key=lambda kind: len(value.keys() & inside(shape, {"kind": kind})["properties"].keys()))
