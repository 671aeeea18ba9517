"""Documents are parsed once, in bounded memory, and doubled fragments cost nothing extra."""

from graph.documents import REMEMBERED, Documents
from graph.schema import build_schema

SCHEMA = build_schema()._schema


def test_a_document_is_read_once() -> None:
    documents = Documents(schema=SCHEMA)

    assert documents.read("{ viewer { name } }") is documents.read("{ viewer { name } }")


def test_no_more_than_so_many_documents_are_remembered() -> None:
    documents = Documents(schema=SCHEMA)
    first = documents.read("{ a0: __typename }")
    for number in range(1, REMEMBERED + 1):
        documents.read(f"{{ a{number}: __typename }}")

    assert len(documents._known) == REMEMBERED
    assert documents.read("{ a0: __typename }") is not first


def test_long_and_broken_documents_are_not_remembered() -> None:
    documents = Documents(schema=SCHEMA)
    documents.read("{ viewer { name } } " + "#" * 20_000)
    documents.read("{ nonsense }")
    documents.read("{")

    assert documents._known == {}
