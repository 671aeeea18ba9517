"""Limits: each refuses what is over it before anything runs, with its code, the limit, the value, and in little time."""

from collections.abc import Callable
from time import thread_time
from typing import Any

import pytest
from graphql import GraphQLObjectType, GraphQLSchema, get_introspection_query, parse
from graphql import build_schema as schema_of

from graph.documents import Documents
from graph.guard.limits import Limits
from graph.guard.measure import Measure, Measured, measure
from graph.schema import build_schema
from tests.api.client import Api
from trading_bot.errors.fault import Fault

SCHEMA = build_schema()._schema


def library() -> GraphQLSchema:
    """A schema of lists in lists; `shelf` has 20 books where nobody says otherwise."""
    schema = schema_of("""
  type Query { shelf(first: Int!): Shelf  books(first: Int): [Book!]  all: [Book!]  book: Book }
  type Shelf { edges: [Edge!]!  name: String }
  type Edge { node: Book! }
  type Book { title: String  pages: [Page!]!  shelf(first: Int!): Shelf }
  type Page { number: Int  words: [String!]! }
""")
    for owner in ("Query", "Book"):
        kind = schema.type_map[owner]
        assert isinstance(kind, GraphQLObjectType)
        kind.fields["shelf"].args["first"].default_value = 20  # as Strawberry sets it
    return schema


LIBRARY = library()
DOUBLED = (
    "query{...F0}"
    + "".join(f"fragment F{n} on Query{{...F{n + 1} ...F{n + 1}}}" for n in range(19))
    + ("fragment F19 on Query{__typename}")
)


def named(text: str) -> str:
    """A name of the document that no other has."""
    return f"{len(text)} {text[:40]}"


OVER: dict[str, tuple[str, int | None, int | None]] = {
    "{ viewer { name } } " + "# a\n" * 5000: ("QRY_020", 5000, None),
    "{ " + "viewer { name } " * 1300 + "}": ("QRY_020", 5000, None),
    "query A { viewer { name } } " * 51: ("QRY_020", 50, 51),
    "{ viewer { name } } " + "fragment F on Viewer { name } " * 50: ("QRY_020", 50, 51),
    "{ " + "a { " * 12 + "b" + " }" * 13: ("QRY_021", 12, 13),
    "{ a " * 2000: ("QRY_021", 12, None),
    "{ " + "... { " * 60 + "a" + " }" * 61: ("QRY_021", 50, 51),
    "{ viewer { name } __schema { types { " + "ofType { " * 13 + "name" + " }" * 16: ("QRY_021", 15, 16),
    "{ __schema { types { " + "ofType { " * 60 + "name" + " }" * 63: ("QRY_021", 50, 51),
    "{ viewer { " + " ".join(f"n{n}: name" for n in range(31)) + " } }": ("QRY_022", 30, 31),
    "{ " + " ".join(f"n{n}: __typename" for n in range(101)) + " }": ("QRY_023", 20, 101),
    "{ " + "viewer { name } " * 21 + "}": ("QRY_023", 20, 21),
    "{ ...A ...A } fragment A on Query { ... { " + "viewer { name } " * 11 + "} }": ("QRY_023", 20, 22),
    "{ viewer { name " + "@aa " * 31 + "} }": ("QRY_024", 30, 31),
    "query " + "@aa " * 31 + "{ viewer { name } }": ("QRY_024", 30, 31),
    "{ viewer { " + "name " * 400 + "} }": ("QRY_025", 400, 401),
    "{ viewer { name } } fragment A on Viewer { " + "name " * 401 + "}": ("QRY_025", 400, 401),
    "{ __schema { description } b: __schema { description } c: __schema { description } d: __schema { description } }": (
        "QRY_026",
        20000,
        20004,
    ),
    "{ trades(first: 100) { edges { node { id fills { " + "price " * 60 + "} } } } }": ("QRY_026", 20000, 30302),
    DOUBLED: ("QRY_023", 20, 524288),
    DOUBLED.replace("query{...F0}", "{viewer{...F0}}").replace("on Query", "on Viewer"): ("QRY_025", 400, 1572864),
}


@pytest.mark.parametrize("text", list(OVER), ids=named)
def test_a_document_over_a_limit_is_refused_by_its_code_with_limit_and_value(shared_api: Api, text: str) -> None:
    code, limit, value = OVER[text]
    answer = shared_api.post(text).json()
    (error,) = answer["errors"]
    context = {"limit": limit} if value is None else {"limit": limit, "value": value}

    assert (answer["data"], error["extensions"]["errorCode"], error["extensions"]["context"]) == (None, code, context)
    assert str(limit) in error["extensions"]["cause"]


@pytest.mark.parametrize("text", list(OVER), ids=named)
def test_over_a_socket_it_is_refused_likewise_and_the_socket_lives(shared_api: Api, text: str) -> None:
    with shared_api.session() as socket:
        socket.subscribe("1", text)
        refused = socket.receive()
        socket.subscribe("2", "{ viewer { name } }")

        assert (refused["type"], refused["payload"][0]["extensions"]["errorCode"]) == ("error", OVER[text][0])
        assert socket.receive()["payload"] == {"data": {"viewer": {"name": "admin"}}}


UNDER = [
    "{ viewer { " + " ".join(f"n{n}: name" for n in range(30)) + " } }",
    "{ " + " ".join(f"n{n}: __typename" for n in range(20)) + " }",
    "{ viewer { " + "name " * 399 + "} }",
    "query " + "{ viewer { " + " ".join("name @skip(if: false)" for _ in range(30)) + " } }",
    "{ viewer { ... { ... { ... { name } } } } }",
    get_introspection_query(input_value_deprecation=True),
    "{ __schema { types { " + "ofType { " * 40 + "name" + " }" * 43,
]


@pytest.mark.parametrize("text", UNDER, ids=named)
def test_a_document_at_a_limit_is_answered(shared_api: Api, text: str) -> None:
    assert "errors" not in shared_api.post(text).json()


def test_introspection_that_multiplies_lists_is_refused_at_once(shared_api: Api) -> None:
    text = "{ __schema { types { " + "fields { type { " * 8 + "name" + " } }" * 8 + " } } }"
    begun = thread_time()
    (error,) = shared_api.post(text).json()["errors"]

    assert error["message"] == "Maximum introspection depth exceeded"
    assert thread_time() - begun < 0.5


@pytest.mark.parametrize(
    ("text", "variables", "cost"),
    [
        ("{ book { title } }", {}, 2),
        ("{ book { title pages { number } } }", {}, 3 + 5),
        ("{ books(first: 7) { title } }", {}, 1 + 7),
        ("{ books { title } }", {}, 1 + 100),
        ("{ books(first: 0) { title } }", {}, 1 + 1),
        ("{ books(first: 1000) { title } }", {}, 1 + 100),
        ("{ books(first: 99999999999999999999) { title } }", {}, 1 + 100),
        ("{ all { title } }", {}, 1 + 5),
        ("{ shelf { name edges { node { title } } } }", {}, 3 + 20 * 2),
        ("{ shelf(first: 3) { ...S } } fragment S on Shelf { edges { node { title } } }", {}, 2 + 3 * 2),
        ("{ shelf(first: 3) { edges { node { pages { number } } } } }", {}, 2 + 3 * (2 + 5)),
        ("{ shelf(first: 3) { edges { node { shelf(first: 4) { edges { node { title } } } } } } }", {}, 35),
        ("query($n: Int!) { books(first: $n) { title } }", {"n": 9}, 1 + 9),
        ("query($n: Int! = 8) { books(first: $n) { title } }", {}, 1 + 8),
        ("query($n: Int) { shelf(first: $n) { edges { node { title } } } }", {}, 2 + 20 * 2),
        ("query($n: Int!) { books(first: $n) { title } }", {"n": "many"}, 1 + 100),
        ("query($n: Int!) { books(first: $n) { title } }", {"n": True}, 1 + 100),
        ("{ nonsense { a b c } }", {}, 1),
        ("{ ...A } fragment A on Query { book { title } ...A }", {}, 2),
        ("{ ...Nowhere book { title } }", {}, 2),
        ("{ ... on Nothing { book { title } } }", {}, 1),
    ],
)
def test_lists_count_at_their_length_and_nested_lists_multiply(text: str, variables: dict[str, Any], cost: int) -> None:
    assert only(measure(LIBRARY, parse(text), variables)).cost == cost


@pytest.mark.parametrize(
    ("text", "cost"),
    [
        ("query A($n: Int = 1) { ...F } query B($n: Int = 90) { ...F } fragment F on Query { books(first: $n) { title } }", 1 + 90),
        ("query A($n: Int! = 1) { shelf(first: $n) { name } } query B($n: Int) { books(first: $n) { title } }", 1 + 100),
    ],
    ids=["by another default", "by none"],
)  # fmt: skip
def test_no_operation_makes_another_of_its_document_cheaper(text: str, cost: int) -> None:
    """What is not sent may be one thing in one operation and another in the next, and a fragment is looked at once for both."""
    assert measure(LIBRARY, parse(text)).operations["B"].cost == cost


@pytest.mark.parametrize(
    ("arguments", "variables", "cost"),
    [
        ("first: 10", {}, 2 + 10),
        ("first: 10, timeframe: ONE_MINUTE", {}, 2 + 10),
        ("first: 10, timeframe: FIFTEEN_MINUTES", {}, 2 + 10),
        ("first: 10, timeframe: ONE_HOUR", {}, 2 + 10 * (1 + 3)),
        ("first: 10, timeframe: ONE_DAY", {}, 2 + 10 * (1 + 72)),
        ("first: 10, timeframe: $t", {"t": "ONE_HOUR"}, 2 + 10 * (1 + 3)),
        ("first: 10, timeframe: $t", {"t": "ONE_MINUTE"}, 2 + 10),
        ("first: 10, timeframe: $t", {"t": ["ONE_MINUTE"]}, 2 + 10 * (1 + 72)),
        ("first: 10, timeframe: $t", {}, 2 + 10 * (1 + 72)),
    ],
)
def test_a_candle_counts_for_the_bars_that_it_is_made_of(arguments: str, variables: dict[str, Any], cost: int) -> None:
    text = f'query($t: Timeframe! = ONE_MINUTE) {{ candles(symbol: "SPY", {arguments}) {{ edges {{ cursor }} }} }}'

    assert only(measure(SCHEMA, parse(text), variables)).cost == cost


def test_a_document_can_not_have_years_of_bars_read(shared_api: Api) -> None:
    days = " ".join(
        f'a{n}: candles(symbol: "SPY", timeframe: ONE_DAY, first: 100) {{ edges {{ cursor }} }}' for n in range(3)
    )
    days_of_two = days[: days.index("a2:")]

    assert shared_api.codes(f"{{ {days} }}") == ["QRY_026"]
    assert "errors" not in shared_api.post(f"{{ {days_of_two} }}").json()


def test_a_document_counts_whatever_its_fragments_hide() -> None:
    text = """query A @a { b1: book @a { ...F @a } ...G } query B { __schema { types { name } } }
      fragment F on Book { t: title pages { ... { number @a } } } fragment G on Query { book { ...F ...F } }"""
    measured = measure(LIBRARY, parse(text))

    assert measured.operations["A"] == Measure(
        depth=3, fields=2, selections=18, aliases=4, directives=6, cost=2 + 3 * 7, meta_depth=0
    )
    assert measured.operations["B"].meta_depth == 3
    assert [measured.asks_schema_only(name) for name in ("A", "B", None, "C")] == [False, True, False, False]


def test_the_cost_is_reckoned_anew_with_other_variables() -> None:
    documents = Documents(schema=LIBRARY, limits=Limits(cost=50))
    text = "query($n: Int!) { books(first: $n) { title } }"

    assert documents.read(text, {"n": 10}) is documents.read(text, {"n": 49})
    with pytest.raises(Fault, match="QRY_026: At most 50 fields in the answer are allowed, this has 51"):
        documents.read(text, {"n": 50})


def test_doubled_fragments_of_twenty_levels_are_refused_in_under_20_ms() -> None:
    assert 700 <= len(DOUBLED) < 800

    assert quickest(lambda: refused(DOUBLED)) < 0.020


def test_the_pass_takes_time_in_proportion_to_the_document() -> None:
    """Four times as long a chain of doubled fragments, four times the time; twice that is allowed for a busy machine."""
    short, long = (parse(chain(levels)) for levels in (10, 40))

    assert quickest(lambda: measure(SCHEMA, long)) < 8 * quickest(lambda: measure(SCHEMA, short))


@pytest.mark.parametrize(
    "text",
    [
        "{ " + "viewer { name } " * 19 + "}",
        "{ botState { " + "account { cashBalance } " * 199 + "} }",
        "{ botState { " + " ".join(f"...F{n}" for n in range(49)) + " } } "
        + " ".join(f"fragment F{n} on BotState {{ positions {{ symbol }} }}" for n in range(49)),
        "query(" + " ".join(f"$a{n}: Int" for n in range(1200)) + ") { viewer { name } }",
        " ".join(f"query Q{n} {{ viewer {{ name }} }}" for n in range(50)),
        " ".join(f"fragment F{n} on Query {{ viewer {{ name }} }}" for n in range(50)),
        "{ trades(filter: {symbol: " + "[" * 150 + "]" * 150 + "}) { edges { cursor } } }",
    ],
    ids=named,
)  # fmt: skip
def test_no_document_within_the_limits_takes_long_to_read(text: str) -> None:
    def read() -> None:
        Documents(schema=SCHEMA).read(text)

    assert quickest(read, of=1) < 1.0


def refused(text: str) -> None:
    with pytest.raises(Fault):
        Documents(schema=SCHEMA).read(text)


def chain(levels: int) -> str:
    spreads = "".join(f"fragment F{n} on Query{{...F{n + 1} ...F{n + 1}}}" for n in range(levels))
    return f"{{...F0}}{spreads}fragment F{levels} on Query{{__typename}}"


def quickest(work: Callable[[], object], of: int = 5) -> float:
    """Seconds of this thread's own work in the fastest of some runs."""
    return min(timed(work) for _ in range(of))


def timed(work: Callable[[], object]) -> float:
    started = thread_time()
    work()
    return thread_time() - started


def only(measured: Measured) -> Measure:
    (found,) = measured.operations.values()
    return found
