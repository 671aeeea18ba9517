"""Ranges: what a value of the configuration must lie within."""

from decimal import Decimal
from math import isnan

STRICT = {"extra": "forbid"}
"""Read by the edge that parses a file: a key that is not known is a mistake, not a wish."""


def within(name: str, value: Decimal | float, low: Decimal | float, high: Decimal | float) -> None:
    """Refuse a value outside of its range, by name."""
    if isnan(value) or not low <= value <= high:
        msg = f"Expected `{name}` between {low} and {high}, was {value}."
        raise ValueError(msg)
