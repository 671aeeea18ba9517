"""Named operations: every file is sound, every root field has one, and each can be asked for by its name."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLNonNull, parse, validate
from graphql import build_schema as from_text

from graph.documents import Documents, scope_of
from graph.doors.operations import FOLDER, load_operations
from graph.schema import build_schema
from graph.sizes import largest_answer
from tests.api.client import Api
from tests.fakes.seeded_watch import COMMAND, RUN, running
from trading_bot.domain.errors import CAUSE_BYTES, REASON_BYTES, Scope, capped
from trading_bot.domain.health import HealthCheck
from trading_bot.errors.fault import Fault
from trading_bot.store import errors, runtime

SCHEMA = build_schema()._schema
KNOWN = load_operations(Documents(schema=SCHEMA))
WRITES = [name for name, known in KNOWN.items() if known.writes]
READS = [name for name, known in KNOWN.items() if not known.writes]
NEEDED: dict[str, dict[str, Any]] = {
    "candles": {"symbol": "SPY"},
    "changes": {"afterSeq": 0},
    "command": {"id": COMMAND},
    "configDiff": {"fromVersion": 1, "toVersion": 1},
    "configPlan": {"patch": {}},
    "marketSnapshot": {"symbol": "SPY"},
    "workflow": {"id": "check-health"},
    "workflowRun": {"id": RUN},
}
"""Variables of queries that don't run without any."""
SMALLEST_BUDGET = 10_240


def test_every_query_and_every_mutation_has_an_operation() -> None:
    asked = {field for known in KNOWN.values() for field in known.root_fields}
    fields = {name for kind in (SCHEMA.query_type, SCHEMA.mutation_type) if kind for name in kind.fields}

    assert sorted(fields - asked) == []


def test_every_file_is_an_operation() -> None:
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(f"{name}.graphql" for name in KNOWN)


@pytest.mark.parametrize("name", KNOWN)
def test_an_operation_says_what_it_is_for(name: str) -> None:
    known = KNOWN[name]

    assert known.description.endswith(".")
    assert 20 <= len(known.description) <= 200
    assert [variable.name for variable in known.variables if not variable.description] == []


@pytest.mark.parametrize("name", KNOWN)
def test_an_operation_declares_the_most_bytes_that_it_is_answered_with(name: str) -> None:
    bound = largest_answer(SCHEMA, parse(KNOWN[name].text))

    assert KNOWN[name].max_bytes - 100 < bound <= KNOWN[name].max_bytes


@pytest.mark.parametrize("name", WRITES)
def test_the_answer_to_a_write_fits_every_key(name: str) -> None:
    assert KNOWN[name].max_bytes <= SMALLEST_BUDGET


@pytest.mark.parametrize("name", WRITES)
def test_a_write_takes_the_fields_of_its_input_as_variables(name: str) -> None:
    assert SCHEMA.mutation_type is not None
    (field,) = KNOWN[name].root_fields
    kind = SCHEMA.mutation_type.fields[field].args["input"].type
    assert isinstance(kind, GraphQLNonNull)
    expected = {key: str(value.type) for key, value in kind.of_type.fields.items()}

    assert field == name
    assert {variable.name: variable.type for variable in KNOWN[name].variables} == expected
    assert KNOWN[name].scope is scope_of(SCHEMA, name)


@pytest.mark.parametrize("name", READS)
def test_a_query_can_be_asked_for_by_its_name(shared_api: Api, name: str) -> None:
    answer = ask(shared_api, name, NEEDED.get(name))

    assert "errors" not in answer.json()
    assert list(answer.json()["data"]) == list(KNOWN[name].root_fields)
    assert len(answer.content) <= KNOWN[name].max_bytes


@pytest.mark.parametrize("letter", ["é", '"'])
def test_no_answer_of_a_bot_full_of_words_is_larger_than_declared(api: Api, letter: str) -> None:
    fill_with_words(api, letter)
    sizes = {name: len(ask(api, name, NEEDED.get(name)).content) for name in READS}

    assert {name: size for name, size in sizes.items() if size > KNOWN[name].max_bytes} == {}
    assert sizes["botHealth"] > 5_000


def test_the_same_can_be_had_over_get(shared_api: Api) -> None:
    address = "/graphql?documentId=fills&variables=" + json.dumps({"first": 1, "symbol": "SPY"})
    answer = shared_api.call("GET", address, headers={"X-API-Key": shared_api.token}).json()

    assert [edge["node"]["symbol"] for edge in answer["data"]["fills"]["edges"]] == ["SPY"]


def test_variables_are_those_of_the_document(shared_api: Api) -> None:
    body = ask(shared_api, "trades", {"first": 1, "filter": {"outcome": "WIN"}}).json()

    assert [edge["node"]["symbol"] for edge in body["data"]["trades"]["edges"]] == ["BAC"]


def test_a_write_by_name_is_carried_out(api: Api) -> None:
    body = ask(api, "botPause", {"reason": "lunch", "idempotencyKey": "k1"}).json()

    assert body["data"]["botPause"]["command"]["status"] == "PENDING"
    assert body["data"]["botPause"]["errors"] == []


def test_a_write_by_name_over_get_is_refused(api: Api) -> None:
    variables = json.dumps({"reason": "lunch", "idempotencyKey": "k1"})
    answer = api.call("GET", f"/graphql?documentId=botPause&variables={variables}", headers={"X-API-Key": api.token})

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("sent", "closest"),
    [
        ("botSumary", ["botSummary"]),
        ("POSITIONS", ["positions"]),
        ("bot-pause", ["botPause"]),
        ("tradeplans", ["tradePlans"]),
        ("?", []),
        ("x" * 5000, []),
    ],
)
def test_an_unknown_name_is_told_the_closest(shared_api: Api, sent: str, closest: list[str]) -> None:
    answer = ask(shared_api, sent)
    (error,) = answer.json()["errors"]

    assert answer.status_code == 404
    assert error["extensions"]["errorCode"] == "QRY_005"
    assert error["extensions"]["context"]["closest"][:1] == closest
    assert len(answer.content) < 1300


def test_a_variable_that_the_operation_does_not_have_is_refused(shared_api: Api) -> None:
    answer = ask(shared_api, "positions", {"botID": "main"})
    (error,) = answer.json()["errors"]

    assert answer.status_code == 400
    assert error["extensions"]["errorCode"] == "QRY_004"
    assert error["extensions"]["cause"] == "The operation `positions` has no variable `botID`."
    assert error["extensions"]["context"]["closest"] == ["botId"]


def test_a_variable_of_a_wrong_type_is_refused(shared_api: Api) -> None:
    (error,) = ask(shared_api, "positions", {"first": "many"}).json()["errors"]

    assert error["extensions"]["errorCode"] == "QRY_004"


@pytest.mark.parametrize("body", [{"documentId": 7}, {"documentId": "bots", "query": "{ bots { id } }"}])
def test_a_body_must_have_one_kind_of_document(shared_api: Api, body: dict[str, Any]) -> None:
    answer = shared_api.call("POST", "/graphql", json=body, headers={"X-API-Key": shared_api.token})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["errorCode"] == "QRY_001"


def test_without_a_key_no_name_is_learnt(shared_api: Api) -> None:
    known, unknown = (shared_api.call("POST", "/graphql", json={"documentId": name}) for name in ("bots", "nothing"))

    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)


def test_the_scope_of_a_key_holds_for_names_too(api: Api) -> None:
    answer = ask(api, "botPause", {"reason": "r", "idempotencyKey": "k"}, token=api.key(Scope.READ)).json()

    assert answer["errors"][0]["extensions"]["errorCode"] == "AUTH_002"


@pytest.mark.parametrize(
    ("file", "text", "line", "cause"),
    [
        ("a.graphql", "# A.\n# bytes: 9\nquery a {\n  nothing\n}", 4, "Cannot query field 'nothing' on type 'Query'."),
        ("a.graphql", "# A.\n# bytes: 9\nquery a {\n  viewer { scope }\n", 5, "Syntax Error"),
        ("a.graphql", "# A.\n# bytes: 9\nquery b { viewer { scope } }", 3, "named `a`, in camelCase, was `b`"),
        ("a-b.graphql", "# A.\n# bytes: 9\nquery ab { viewer { scope } }", 3, "named `a-b`, in camelCase"),
        ("a.graphql", "# A.\n# bytes: 9\n{ viewer { scope } }", 3, "named `a`, in camelCase, was ``"),
        ("a.graphql", "# A.\nquery a { viewer { scope } }", 1, "Expected `# bytes: N`"),
        ("a.graphql", "query a { viewer { scope } }", 1, "Expected `# bytes: N`"),
        ("a.graphql", "# bytes: 9\nquery a { viewer { scope } }", 1, "Expected a description"),
        ("a.graphql", "# A.\n# bytes: 9\nquery a { viewer { scope } } query c { viewer { name } }", 1, "found 2"),
        ("a.graphql", "# A.\n# bytes: 9\nsubscription a { botSummary { seq } }", 3, "was a subscription"),
        (
            "a.graphql",
            "# A.\n# bytes: 9\nquery a($n: Nothing) {\n  bots(first: $n) { id }\n}",
            3,
            "Unknown type 'Nothing'",
        ),
    ],
)
def test_a_broken_file_stops_the_start_with_its_line(
    tmp_path: Path, file: str, text: str, line: int, cause: str
) -> None:
    (tmp_path / file).write_text(text)

    with pytest.raises(Fault, match="SYS_008") as raised:
        load_operations(Documents(schema=SCHEMA), tmp_path)

    assert raised.value.cause.startswith(f"{file}, line {line}: ")
    assert cause in raised.value.cause
    assert raised.value.context == {"file": file, "line": line}


def test_an_operation_knows_its_variables() -> None:
    (bot_id, first, after, symbol) = KNOWN["fills"].variables

    assert (bot_id.type, bot_id.is_required, bot_id.default) == ("ID", False, None)
    assert (first.type, first.is_required, first.default) == ("Int!", False, 20)
    assert first.description == "How many, 1 to 100."
    assert [variable.name for variable in KNOWN["botPause"].variables if variable.is_required] == [
        "reason",
        "idempotencyKey",
    ]
    assert (after.name, symbol.description) == ("after", "Only fills of this symbol; left out for all.")


def test_all_operations_fit_the_exported_schema() -> None:
    exported = from_text((FOLDER.parents[1] / "schema.graphql").read_text())

    assert [error.message for known in KNOWN.values() for error in validate(exported, parse(known.text))] == []


def test_a_list_of_the_answer_is_as_long_as_its_variable_says() -> None:
    few, many = (largest_answer(SCHEMA, parse(KNOWN["fills"].text), {"first": n}) for n in (1, 100))

    assert 2000 < few < 3000
    assert 99 * (few - 300) < many - few < 99 * few


def test_what_a_fragment_holds_is_added_up() -> None:
    plain = largest_answer(SCHEMA, parse("{ viewer { name scope } bots(first: 2) { id } }"))
    spread = largest_answer(
        SCHEMA,
        parse(
            "{ ...A } fragment A on Query { viewer { ...B ... { scope } } bots(first: 2) { id } } fragment B on Viewer { name }"
        ),
    )

    assert plain == spread


@pytest.mark.parametrize(
    ("selection", "least"),
    [
        ("message cause impact remediation retry { kind } timestamp", 500),
        (f"{'x' * 3_000}: message", 3_000),
        (f"retry {{ {'x' * 3_000}: kind }}", 3_000),
        (" ".join(f"a{n}: remediation" for n in range(30)), 30 * 240),
    ],
    ids=lambda value: str(value)[:20],
)
def test_an_error_is_bounded_as_a_whole_only_under_the_names_of_its_fields(selection: str, least: int) -> None:
    written = f"acknowledged {{ {selection} }}"
    text = (
        f'mutation {{ errorAcknowledge(input: {{errorIds: ["e"], reason: "r", idempotencyKey: "k"}}) {{ {written} }} }}'
    )

    assert 50 * least < largest_answer(SCHEMA, parse(text)) < 50 * 20 * least


def ask(api: Api, name: str, variables: dict[str, Any] | None = None, *, token: str | None = None) -> Any:
    body = {"documentId": name, "variables": variables}
    return api.call("POST", "/graphql", json=body, headers={"X-API-Key": token or api.token})


def fill_with_words(api: Api, letter: str) -> None:
    """Make every text of the bot's health and errors as long as the bot ever stores it."""
    now = api.clock.now()
    reason, detail = capped(letter * 600, REASON_BYTES), capped(letter * 600, CAUSE_BYTES)
    checks = tuple(HealthCheck(name=f"check {n}", ok=False, detail=detail, observed_at=now) for n in range(20))
    state = replace(running(now), run_state_reason=reason, circuit_breaker_reason=reason, checks=checks)
    with api.store.writing("main") as w:
        runtime.save_runtime(w, state)
        for n in range(30):
            words = f"{n}{letter * 600}"
            fault = Fault("ORD_001", words, message=words, context={"symbol": "SPY", "venue_text": words, "n": [words]})
            errors.save_error(w, fault.semantic(now=now))
