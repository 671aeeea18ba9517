"""What is asked for the first time is written by what is known from other documents, wherever their words mean the same there."""

import asyncio
from typing import Any

import orjson
import pytest
from graphql import parse

from graph.execution import Prepared, Request
from graph.plan.selections import KNOWN_CHARACTERS, source_of
from tests.plan.conftest import Stand, operation_of
from tests.plan.made_documents import Made
from tests.plan.test_differential import compared

SEED = 1


def read(stand: Stand, text: str, variables: dict[str, Any] | None = None) -> Prepared:
    prepared = stand.executor.read(Request(query=text, variables=variables))
    assert isinstance(prepared, Prepared), prepared
    return prepared


def answer(stand: Stand, text: str, variables: dict[str, Any] | None = None) -> Any:
    """What a plan answers, once it was held against graphql-core's answer."""
    prepared = read(stand, text, variables)
    plan = prepared.plan
    assert plan is not None, text
    first = asyncio.run(plan.answer(operation_of(stand.executor, SEED, 0.0)))
    made = Made(text=text, variables=variables or {})
    assert asyncio.run(compared(stand.executor, prepared, made, SEED, 0.0)) == "planned"
    assert first is not None, text
    return orjson.loads(first)["data"]


def test_the_same_words_under_other_names_say_the_same(stand: Stand) -> None:
    one = answer(stand, "{ botState { seq account { cashBalance } positions(first: 2) { symbol } } }")["botState"]
    other = answer(stand, "{ botState { a: account { cashBalance } b: positions(first: 2) { symbol } seq } }")[
        "botState"
    ]

    assert list(other) == ["a", "b", "seq"]
    assert (other["a"], other["b"]) == (one["account"], one["positions"])


def test_the_same_words_of_another_type_are_other_words(stand: Stand) -> None:
    text = "{ trades(first: 3) { edges { node { id } } } errors(first: 3) { edges { node { id } } } }"

    assert answer(stand, text).keys() == {"trades", "errors"}


@pytest.mark.parametrize("size", [0, 1, 2])
def test_another_argument_is_another_text(stand: Stand, size: int) -> None:
    text = f"{{ botState {{ orders(first: {max(size, 1)}) {{ orderId }} }} }}"

    assert len(answer(stand, text)["botState"]["orders"]) <= max(size, 1)


@pytest.mark.parametrize("is_shown", [True, False])
def test_words_that_a_variable_or_a_fragment_gives_their_meaning_are_not_shared(
    stand: Stand, *, is_shown: bool
) -> None:
    text = "query ($is: Boolean!) { botState { health { status reason @include(if: $is) } } }"
    assert ("reason" in answer(stand, text, {"is": is_shown})["botState"]["health"]) is is_shown

    words = "symbol" if is_shown else "quantity"
    spread = f"{{ botState {{ positions(first: 3) {{ ...P }} }} }} fragment P on PositionDisplay {{ {words} }}"
    assert all(list(held) == [words] for held in answer(stand, spread)["botState"]["positions"])


def test_what_is_remembered_of_words_is_bounded(stand: Stand) -> None:
    known = source_of(stand.executor.schema, parse("{ botState { seq } }")).known
    for number in range(1, 101):
        for other in range(10):
            answers = read(stand, f"{{ botState {{ orders(first: {number}) {{ orderId k{other}: side }} }} }}").plan
            assert answers is not None

    assert 0 < len(known) < 1_000
    assert known.weight <= KNOWN_CHARACTERS
