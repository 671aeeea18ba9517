"""Config validator: the JSON Schema of the configuration at work, with the words that we added to it."""

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

from trading_bot.domain.money import parse_decimal
from trading_bot.services.config_fields import Shape, schema

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError as SchemaError

Mistake = Any
"""What the validator finds: a ValidationError of jsonschema, whose parts its types call unset though here they never are."""


def mistakes(values: Any) -> Iterator[Mistake]:
    """All that the schema refuses in `values`."""
    yield from _validator().iter_errors(values)


def fits(shape: Shape, value: Any) -> bool:
    """Whether a value may stand where a part of the schema is due; of a part that refers to no other."""
    return bool(_kind()(shape).is_valid(value))


def _at_least(_: Any, low: str, value: object, __: Any) -> Iterator["SchemaError"]:
    if isinstance(value, str) and _is_decimal(value) and Decimal(value) < Decimal(low):
        yield _mistake(f"{value} is less than {low}")


def _at_most(_: Any, high: str, value: object, __: Any) -> Iterator["SchemaError"]:
    if isinstance(value, str) and _is_decimal(value) and Decimal(value) > Decimal(high):
        yield _mistake(f"{value} is more than {high}")


def _whole_pattern(_: Any, pattern: str, value: object, __: Any) -> Iterator["SchemaError"]:
    """The whole text, its end included: `$` alone would let a line break through."""
    if isinstance(value, str) and not re.fullmatch(pattern, value):
        yield _mistake(f"the text is not {pattern}")


def _is_decimal(text: str) -> bool:
    try:
        parse_decimal(text)
    except ValueError:
        return False
    return True


def _mistake(text: str) -> "SchemaError":
    from jsonschema.exceptions import ValidationError  # noqa: PLC0415 - as below

    return ValidationError(text)


@cache
def _kind() -> Any:
    # Loaded when something is judged: a twentieth of a start would be its.
    from jsonschema import Draft202012Validator  # noqa: PLC0415
    from jsonschema.validators import extend  # noqa: PLC0415

    return extend(  # type: ignore[no-untyped-call]  # jsonschema has no types here
        Draft202012Validator, {"x-minimum": _at_least, "x-maximum": _at_most, "pattern": _whole_pattern}
    )


@cache
def _validator() -> Any:
    return _kind()(schema())
