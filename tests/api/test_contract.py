"""The schema keeps the contract, describes everything, and bounds every list."""

from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    build_schema,
    specified_scalar_types,
)
from graphql.utilities import find_breaking_changes, find_dangerous_changes

from graph.doors.schema_file import export
from graph.schema import build_schema as build_ours
from graph.sizes import LISTS, _items

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
OURS = build_ours()._schema
CONTRACT = build_schema((HERE / "contract.graphql").read_text())
NAMED = [
    kind for name, kind in OURS.type_map.items() if not name.startswith("__") and name not in specified_scalar_types
]
BOUNDED = {
    # Lists with a bound of their own; all others take `first` or are pages.
    "ActionPreview.effects": 20,
    "BotState.warnings": 10,
    "BotSummary.recentErrors": 3,
    "BotSummary.warnings": 10,
    "CommandPayload.errors": 1,
    "ConfigChange.diff": 200,
    "ConfigChangePayload.errors": 3,
    "ConfigPlan.diff": 200,
    "ConfigPlan.effects": 20,
    "ConfigPlan.errors": 50,
    "ConfigPlan.loosened": 20,
    "ConfigPlan.needsFlat": 100,
    "ConfigPlan.restart": 100,
    "ConfigPlan.riskReasons": 20,
    "ConfigSummary.strategies": 10,
    "ConfigSummary.symbols": 50,
    "ConfigValidation.errors": 50,
    "ErrorAcknowledgePayload.acknowledged": 50,
    "ErrorAcknowledgePayload.errors": 1,
    "ErrorCode.actions": 5,
    "ErrorCode.steps": 5,
    "HealthStatus.checks": 20,
    "SemanticError.actions": 5,
    "Trade.fills": 1000,
    "Trade.indicatorsUsed": 20,
    "Workflow.rollbackProcedure": 20,
    "Workflow.steps": 20,
    "WorkflowRun.steps": 100,
    "WorkflowRunPayload.errors": 1,
}


def test_the_schema_owes_the_contract_exactly_what_is_listed() -> None:
    owed = sorted(f"{change.type.name}: {change.description}" for change in find_breaking_changes(CONTRACT, OURS))

    assert owed == (HERE / "owed.txt").read_text().splitlines()


def test_the_schema_changes_no_default_and_adds_one_choice_to_the_contract() -> None:
    assert [change.description for change in find_dangerous_changes(CONTRACT, OURS)] == [
        "Enum value CommandKind.UPDATE_TARGETS was added."
    ]


def test_the_exported_schema_equals_the_code() -> None:
    assert (ROOT / "schema.graphql").read_text() == export()


@pytest.mark.parametrize("kind", NAMED, ids=str)
def test_a_type_and_all_of_its_parts_are_described(kind: object) -> None:
    assert missing(kind) == []


def test_every_list_is_bounded() -> None:
    unbounded = [
        f"{kind.name}.{name}"
        for kind in NAMED
        if isinstance(kind, GraphQLObjectType)
        for name, field in kind.fields.items()
        if is_list(field.type) and "first" not in field.args and not kind.name.endswith("Connection")
    ]

    assert sorted(unbounded) == sorted(BOUNDED)


def test_the_size_of_an_answer_is_reckoned_with_these_bounds() -> None:
    fields = {
        name: kind.fields[name.partition(".")[2]]
        for name in BOUNDED
        if isinstance(kind := OURS.type_map[name.partition(".")[0]], GraphQLObjectType)
    }

    assert {name: LISTS.get(name) or _items(field.description or "") for name, field in fields.items()} == BOUNDED


def missing(kind: object) -> list[str]:
    """The parts of a type that have no description."""
    assert isinstance(
        kind, GraphQLScalarType | GraphQLEnumType | GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType
    )
    parts = {kind.name: kind.description}
    if isinstance(kind, GraphQLEnumType):
        parts |= {f"{kind.name}.{name}": value.description for name, value in kind.values.items()}
    if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
        parts |= {f"{kind.name}.{name}": field.description for name, field in kind.fields.items()}
    if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
        for name, field in kind.fields.items():
            parts |= {f"{kind.name}.{name}({given}:)": argument.description for given, argument in field.args.items()}
    return [name for name, description in parts.items() if not description or not description.strip()]


def is_list(kind: object) -> bool:
    while isinstance(kind, GraphQLNonNull):
        kind = kind.of_type
    return isinstance(kind, GraphQLList)
