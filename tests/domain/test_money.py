from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_bot.domain.money import floored, parse_decimal, percent, plain, rounded

CENT = Decimal("0.01")
STEPS = st.sampled_from([Decimal(1), Decimal("0.01"), Decimal("0.00000001")])
AMOUNTS = st.decimals(-(10**12), 10**12, places=12)


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        ("0.005", "0.00"),
        ("0.015", "0.02"),
        ("0.025", "0.02"),
        ("-0.015", "-0.02"),
        ("1.0149", "1.01"),
        ("1.0151", "1.02"),
        ("3", "3.00"),
    ],
)
def test_amounts_are_rounded_half_to_even(amount: str, expected: str) -> None:
    assert str(rounded(Decimal(amount), CENT)) == expected


def test_zero_has_no_sign() -> None:
    assert str(rounded(Decimal("-0.001"), CENT)) == "0.00"
    assert str(percent(Decimal("-0.001"), Decimal(100))) == "0.00"


@given(AMOUNTS, STEPS)
def test_rounding_moves_an_amount_by_half_a_step_at_most(amount: Decimal, step: Decimal) -> None:
    result = rounded(amount, step)

    assert result % step == 0
    assert abs(result - amount) * 2 <= step
    assert rounded(result, step) == result


@given(st.decimals(0, 10**12, places=12), st.one_of(STEPS, st.decimals("0.001", 100, places=3)))
def test_flooring_gives_the_largest_multiple_that_is_not_above(amount: Decimal, step: Decimal) -> None:
    result = floored(amount, step)

    assert result % step == 0
    assert result <= amount < result + step


def test_flooring_is_exact_to_the_last_of_28_digits() -> None:
    assert floored(Decimal("8.999999999999999999999999999"), Decimal(3)) == 6


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("1E+4", "10000"),
        ("1E-8", "0.00000001"),
        ("100.10", "100.10"),
        ("-0.5", "-0.5"),
        ("0", "0"),
        ("1.50E+3", "1500"),
    ],
)
def test_amounts_are_written_without_an_exponent(amount: str, text: str) -> None:
    assert plain(Decimal(amount)) == text


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**13), max_value=10**13, places=14))
def test_what_is_written_reads_back_the_same(amount: Decimal) -> None:
    assert parse_decimal(plain(amount)) == amount


@pytest.mark.parametrize("text", ["", "abc", "1,5", "0x10", "--1", "1.2.3", "NaN", "sNaN", "Infinity", "-inf"])
def test_what_is_no_finite_number_is_refused_by_its_text(text: str) -> None:
    with pytest.raises(ValueError, match=r"Expected a (decimal|finite) number, was `"):
        parse_decimal(text)


@pytest.mark.parametrize(
    "text",
    [
        "1" * 29,
        "0." + "1" * 29,
        "1E-29",
        "1E+28",
        "9999999999999999999999999999E+28",
        "1E+999999999",
        "1E-999999999",
        "0E-29",
    ],
)
def test_more_digits_than_the_store_keeps_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="Expected at most 28 digits"):
        parse_decimal(text)


@pytest.mark.parametrize("text", ["1" * 28, "0." + "1" * 28, "1E-28", "1E+27", "99999999999999.99999999999999"])
def test_28_digits_are_taken_as_they_are(text: str) -> None:
    assert parse_decimal(text) == Decimal(text)


def test_a_refusal_quotes_no_more_than_40_characters() -> None:
    with pytest.raises(ValueError, match=r"was `x{40}`\.$"):
        parse_decimal("x" * 1000)


def test_percentages_have_two_decimals_and_survive_an_empty_whole() -> None:
    assert str(percent(Decimal(1), Decimal(3))) == "33.33"
    assert str(percent(Decimal(-2), Decimal(3))) == "-66.67"
    assert str(percent(Decimal(5), Decimal(0))) == "0.00"
