"""Documents are parsed once, in bounded memory, and doubled fragments cost nothing extra."""

import gc

from graphql import Token

from graph.documents import REMEMBERED_CHARACTERS, Documents
from graph.schema import build_schema

SCHEMA = build_schema()._schema


def test_a_document_is_read_once() -> None:
    documents = Documents(schema=SCHEMA)

    assert documents.read("{ viewer { name } }") is documents.read("{ viewer { name } }")


def test_no_more_than_so_many_documents_are_remembered() -> None:
    documents = Documents(schema=SCHEMA)
    first = documents.read("{ a0: __typename }")
    for number in range(1, 2_000):
        documents.read(f"{{ a{number}: __typename }}")

    assert documents._known.weight <= REMEMBERED_CHARACTERS
    assert documents.read("{ a0: __typename }") is not first


def test_a_stream_of_new_documents_pushes_out_nothing_that_is_asked_for_again() -> None:
    documents = Documents(schema=SCHEMA)
    ours = [f"{{ ours{number}: __typename }}" for number in range(100)]
    known = [documents.read(text) for text in ours + ours][100:]
    for number in range(2_000):
        documents.read(f"{{ theirs{number}: __typename }}")

    assert all(documents.read(text) is document for text, document in zip(ours, known, strict=True))


def test_long_and_broken_documents_are_not_remembered() -> None:
    documents = Documents(schema=SCHEMA)
    documents.read("{ viewer { name } } " + "#" * 40_000)
    documents.read("{ nonsense }")
    documents.read("{")

    assert len(documents._known) == 0


def test_a_document_that_is_forgotten_is_gone_at_once() -> None:
    documents = Documents(schema=SCHEMA)
    gc.collect()
    before = words()
    gc.disable()
    try:
        for text in ("{ viewer { name } }", '{ trades(after: "x") { edges { cursor } } } # seen'):
            documents.read(text)
        held = words()
        documents._known.clear()
        after = words()
    finally:
        gc.enable()

    assert held > before
    assert after == before


def words() -> int:
    """How many words of documents there are."""
    return sum(isinstance(thing, Token) for thing in gc.get_objects())
