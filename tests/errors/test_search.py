"""The catalogue is found by code and by its words."""

import pytest

from tests.api.client import Api
from trading_bot.errors.catalogue import CATALOGUE

QUERY = "query($search: String, $first: Int! = 100) { errorCodes(search: $search, first: $first) { errorCode title } }"


def found(api: Api, search: str | None, **more: int) -> list[str]:
    return [known["errorCode"] for known in api.data(QUERY, {"search": search, **more})["errorCodes"]]


@pytest.mark.parametrize("code", CATALOGUE)
def test_a_code_finds_itself_first(shared_api: Api, code: str) -> None:
    assert found(shared_api, code.lower())[0] == code


@pytest.mark.parametrize(
    ("search", "codes"),
    [
        ("confirm TOKEN", ["QRY_008", "QRY_009"]),
        ("  token   confirm ", ["QRY_008", "QRY_009"]),
        ("AUTH_", ["AUTH_001", "AUTH_002"]),
        ("no such word", []),
    ],
)
def test_every_word_must_be_there_in_capitals_or_not(shared_api: Api, search: str, codes: list[str]) -> None:
    assert found(shared_api, search) == codes


def test_codes_that_have_the_word_lead_and_the_others_follow(shared_api: Api) -> None:
    codes = found(shared_api, "api")
    others = codes[1:]

    assert codes[0] == "API_429"
    assert others
    assert [code for code in others if code.startswith("API")] == []
    assert others == [code for code in CATALOGUE if code in others]


def test_no_more_are_given_than_asked_for(shared_api: Api) -> None:
    assert found(shared_api, None, first=3) == list(CATALOGUE)[:3]
    assert found(shared_api, "", first=100) == list(CATALOGUE)[:100]
    assert shared_api.codes("{ errorCodes(first: 101) { errorCode } }") == ["QRY_004"]


def test_a_search_is_no_longer_than_words_can_be(shared_api: Api) -> None:
    """It is looked for on the way that everyone goes: tens of thousands of words would hold up all others for seconds."""
    assert found(shared_api, "a " * 100)
    assert shared_api.codes(QUERY, {"search": "a " * 100 + "a"}) == ["QRY_004"]
