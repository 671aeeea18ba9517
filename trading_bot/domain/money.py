"""Exact decimals: how amounts are rounded, parsed and written."""

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

ZERO = Decimal(0)
# 28 digits fit every column of the store (see trading_bot/store/columns.py); more is a feed or a caller that lies.
MAX_DIGITS = 28


def rounded(amount: Decimal, step: Decimal) -> Decimal:
    """`amount` to the nearest multiple of `step` (a power of ten), half to even."""
    return amount.quantize(step, rounding=ROUND_HALF_EVEN) + ZERO  # never minus zero


def floored(amount: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of `step` (any positive step) that is not above `amount`, for amounts of zero and more."""
    return amount // step * step


def plain(amount: Decimal) -> str:
    """`amount` as digits without an exponent, trailing zeros kept: 1E+4 is written 10000."""
    return format(amount, "f")


def parse_decimal(text: str) -> Decimal:
    """The finite decimal that `text` spells; ValueError names the text otherwise."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        msg = f"Expected a decimal number, was `{text[:40]}`."
        raise ValueError(msg) from None
    if not value.is_finite():
        msg = f"Expected a finite number, was `{text[:40]}`."
        raise ValueError(msg)
    _, digits, exponent = value.as_tuple()
    if max(len(digits), value.adjusted() + 1, -int(exponent)) > MAX_DIGITS:  # written out, before or after the point
        msg = f"Expected at most {MAX_DIGITS} digits, was `{text[:40]}`."
        raise ValueError(msg)
    return value


def percent(part: Decimal, whole: Decimal) -> Decimal:
    """`part` as a percentage of `whole`, two decimals; zero when `whole` is zero."""
    return rounded(part / whole * 100, Decimal("0.01")) if whole else Decimal("0.00")
