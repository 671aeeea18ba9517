"""Documents are parsed once, in bounded memory, and doubled fragments cost nothing extra."""

from graph.documents import REMEMBERED, Documents
from graph.schema import build_schema
from trading_bot.clock import SystemClock

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


def test_doubled_fragments_are_read_in_linear_time() -> None:
    levels = 60
    spreads = "".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }} " for n in range(levels))
    text = "{ ...F0 } " + spreads + f"fragment F{levels} on Query {{ viewer {{ name }} }}"
    clock = SystemClock()
    started = clock.monotonic()

    assert Documents(schema=SCHEMA).read(text).errors == ()
    assert clock.monotonic() - started < 2.0
