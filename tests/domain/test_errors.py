import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.samples import sample_error
from trading_bot.domain.errors import Scope, capped


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        ("short", 10, "short"),
        ("exactly 10", 10, "exactly 10"),
        ("eleven char", 10, "eleven …"),
        ("äöüß", 8, "äöüß"),
        ("äöüßä", 8, "äö…"),  # five bytes are left: half an ü is none
        ("𝄞𝄞𝄞", 11, "𝄞𝄞…"),
        ("two\nlines\tand  tabs ", 40, "two lines and tabs"),
        ("bell\x07 zero\x00 line\u2028end", 40, "bell zero line end"),
        ("half \ud83d a pair", 40, "half a pair"),
        ("  ", 5, ""),
        ("", 5, ""),
    ],
)
def test_text_is_cut_to_whole_characters_in_one_printable_line(text: str, limit: int, shown: str) -> None:
    assert capped(text, limit) == shown


@given(st.text(max_size=400), st.integers(3, 300))
def test_no_text_is_longer_than_its_limit_in_bytes(text: str, limit: int) -> None:
    shown = capped(text, limit)

    assert len(shown.encode()) <= limit
    assert shown.isprintable()
    assert capped(shown, limit) == shown


@given(st.text(st.characters(codec="utf-8", min_codepoint=0x10000, exclude_categories=["C", "Z"]), max_size=60))
def test_text_of_four_byte_characters_keeps_as_much_as_fits(text: str) -> None:
    shown = capped(text, 120)

    assert len(shown) >= min(len(text), 29)
    assert shown.removesuffix("…") == text[: len(shown.removesuffix("…"))]


@pytest.mark.parametrize("code", ["", "ORD", "ORD_1", "ord_001", "ORD_0001", "O_001", "ORD-001", "ORD_001\n"])
def test_an_error_without_a_proper_code_is_refused(code: str) -> None:
    with pytest.raises(ValueError, match="Expected an error code such as ORD_001, was `"):
        sample_error(error_code=code)


@pytest.mark.parametrize("code", ["ORD_001", "API_429", "WF_001", "RISK_004"])
def test_codes_are_a_category_and_three_digits(code: str) -> None:
    assert sample_error(error_code=code).error_code == code


def test_each_scope_includes_the_ones_before_it() -> None:
    assert [[one.includes(other) for other in Scope] for one in Scope] == [
        [True, False, False],
        [True, True, False],
        [True, True, True],
    ]
