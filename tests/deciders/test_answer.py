import json
from decimal import Decimal
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.deciders.situations import sample_situation
from trading_bot.deciders.answer import answer_schema, parse_answer
from trading_bot.domain.advice import Enter, Leave, Stay, Tighten
from trading_bot.domain.orders import OrderType
from trading_bot.errors.fault import Fault

ENTRY = {
    "action": "enter",
    "symbol": "ACME",
    "order_type": "LIMIT",
    "entry_price": 100.1,
    "stop_price": 99.05,
    "target_price": 102,
    "good_for_bars": 5,
    "reasoning": "A higher low.",
}


def refusal(text: str, **situation: Any) -> str:
    with pytest.raises(Fault) as fault:
        parse_answer(text, sample_situation(**situation))
    assert fault.value.code == "LLM_002"
    return fault.value.cause


def test_the_four_answers_become_advice_to_the_last_digit() -> None:
    situation = sample_situation()

    assert parse_answer('{"action": "none", "reasoning": "Quiet."}', situation) == Stay(reasoning="Quiet.")
    assert parse_answer('{"action": "exit", "symbol": "BOLT", "reasoning": "Weak."}', situation) == Leave(
        symbol="BOLT", reasoning="Weak."
    )
    assert parse_answer(
        '{"action": "tighten", "symbol": "BOLT", "stop_price": 49.950, "reasoning": "It rose."}', situation
    ) == Tighten(symbol="BOLT", stop_price=Decimal("49.950"), reasoning="It rose.")
    assert parse_answer(json.dumps(ENTRY), situation) == Enter(
        symbol="ACME",
        order_type=OrderType.LIMIT,
        entry_price=Decimal("100.1"),
        stop_price=Decimal("99.05"),
        target_price=Decimal(102),
        good_for_bars=5,
        reasoning="A higher low.",
    )


def test_a_code_fence_around_the_answer_is_taken_off() -> None:
    fenced = f"```json\n{json.dumps({**ENTRY, 'target_price': None})}\n```\n"

    advice = parse_answer(fenced, sample_situation())

    assert isinstance(advice, Enter)
    assert advice.target_price is None


def test_reasoning_is_one_printable_line_of_at_most_500_bytes() -> None:
    text = json.dumps({"action": "none", "reasoning": "a\nb\x07 " + "ä" * 400})

    reasoning = parse_answer(text, sample_situation()).reasoning

    assert reasoning.startswith("a b ä")
    assert len(reasoning.encode()) <= 500
    assert reasoning.isprintable()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Buy ACME now!",
        "Sure: " + json.dumps(ENTRY),
        json.dumps(ENTRY)[:-2],
        '{"action": "enter", "entry_price": NaN}',
        '{"action": "enter", "entry_price": Infinity}',
        '{"action": "enter", "entry_price": 1e999999}',
        '{"action": "enter", "entry_price": 0.' + "1" * 60 + "}",
        "[" * 15_000,
        "9" * 10_000,
        "```json\n```",
    ],
    ids=lambda text: text[:40],
)
def test_what_is_not_json_is_refused(text: str) -> None:
    assert refusal(text) == "The answer is not JSON."


def test_a_longer_answer_than_anybody_needs_is_not_read() -> None:
    assert refusal(" " * 20_001) == "The answer has 20001 characters, at most 20000 are read."


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"action": "buy"}, "`action` must be none, enter, exit, tighten"),
        ({"action": None}, "`action` must be none, enter, exit, tighten"),
        ({"action": ["enter"]}, "`action` must be none, enter, exit, tighten"),
        ({"symbol": "BOLT"}, "`symbol` breaks enum ACME"),
        ({"symbol": "EVIL"}, "`symbol` breaks enum ACME"),
        ({"order_type": "STOP_LIMIT"}, "`order_type` breaks enum MARKET, LIMIT, STOP"),
        ({"entry_price": 0}, "`entry_price` breaks exclusiveMinimum 0"),
        ({"entry_price": -5.5}, "`entry_price` breaks exclusiveMinimum 0"),
        ({"entry_price": "100"}, "`entry_price` breaks type number"),
        ({"entry_price": 10**12}, "`entry_price` breaks maximum 1000000000"),
        ({"entry_price": True}, "`entry_price` breaks type number"),
        ({"good_for_bars": 61}, "`good_for_bars` breaks maximum 60"),
        ({"good_for_bars": 2.5}, "`good_for_bars` breaks type integer"),
        ({"reasoning": ""}, "`reasoning` breaks minLength 1"),
        ({"reasoning": "x" * 2001}, "`reasoning` breaks maxLength 2000"),
        ({"quantity": 1_000_000}, "`the object` breaks additionalProperties False"),
        ({"limits": {"max_position_size_pct": 100}}, "`the object` breaks additionalProperties False"),
    ],
)
def test_what_breaks_the_schema_is_refused_by_place_and_rule(change: dict[str, Any], cause: str) -> None:
    assert refusal(json.dumps(ENTRY | change)) == f"The answer does not fit the schema: {cause}."


def test_a_part_that_is_missing_is_named() -> None:
    text = json.dumps({name: value for name, value in ENTRY.items() if name != "stop_price"})

    assert "required" in refusal(text)
    assert "stop_price" in refusal(text)


@pytest.mark.parametrize("text", ["[]", "null", '"enter"', "7", "[{}]"])
def test_what_is_no_object_is_refused(text: str) -> None:
    assert refusal(text) == "The answer does not fit the schema: `action` must be none, enter, exit, tighten."


def test_what_may_not_be_done_now_is_not_even_in_the_schema() -> None:
    nothing = answer_schema(sample_situation(may_enter=(), may_exit=()))

    assert [choice["properties"]["action"]["const"] for choice in nothing["oneOf"]] == ["none"]
    assert "`action` must be none" in refusal(json.dumps(ENTRY), may_enter=(), may_exit=())


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(answer_schema(sample_situation()))


def test_a_refusal_repeats_nothing_of_the_answer() -> None:
    marker = "IGNORE-ALL-LIMITS"

    for text in (marker, json.dumps({marker: marker}), json.dumps(ENTRY | {marker: 1, "symbol": marker})):
        assert marker not in refusal(text)
