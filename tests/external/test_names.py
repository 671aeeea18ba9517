"""Names as every GraphQL client expects them, over the whole exported schema."""

import re
from collections.abc import Iterator
from pathlib import Path

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    build_schema,
    specified_scalar_types,
)

SCHEMA = build_schema((Path(__file__).resolve().parents[2] / "schema.graphql").read_text())
TYPES = [
    kind for name, kind in SCHEMA.type_map.items() if not name.startswith("__") and name not in specified_scalar_types
]
CAMEL = re.compile(r"[a-z][a-zA-Z0-9]*")
PASCAL = re.compile(r"[A-Z][a-zA-Z0-9]*")
CAPITALS = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")
SENTENCE = re.compile(r"[A-Z0-9`$%].*[.:!?)\]`|]", re.DOTALL)


def test_types_fields_arguments_and_values_are_named_as_usual() -> None:
    wrong = [kind.name for kind in TYPES if not PASCAL.fullmatch(kind.name)]
    for kind in TYPES:
        if isinstance(kind, GraphQLEnumType):
            wrong += [f"{kind.name}.{name}" for name in kind.values if not CAPITALS.fullmatch(name)]
        else:
            wrong += [name for name, _ in parts(kind) if not CAMEL.fullmatch(name.rpartition(".")[2])]

    assert wrong == []


def test_every_description_is_a_sentence() -> None:
    described = [(kind.name, kind.description) for kind in TYPES]
    for kind in TYPES:
        described += list(parts(kind))
        if isinstance(kind, GraphQLEnumType):
            described += [(f"{kind.name}.{name}", value.description) for name, value in kind.values.items()]

    assert [(name, text) for name, text in described if not text or not SENTENCE.fullmatch(text)] == []


def test_every_mutation_takes_one_input_of_its_own_kind_and_gives_a_payload() -> None:
    assert SCHEMA.mutation_type is not None
    for name, field in SCHEMA.mutation_type.fields.items():
        (argument,) = field.args.items()
        assert argument[0] == "input", name
        assert isinstance(argument[1].type, GraphQLNonNull), name
        assert argument[1].type.of_type.name.endswith("Input"), name
        assert str(field.type).removesuffix("!").endswith("Payload"), name


def parts(kind: object) -> Iterator[tuple[str, str | None]]:
    """Fields and arguments of a type, with what is said of them."""
    if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
        for name, field in kind.fields.items():
            yield f"{kind.name}.{name}", field.description
            for argument, said in field.args.items():
                yield f"{kind.name}.{name}.{argument}", said.description
    elif isinstance(kind, GraphQLInputObjectType):
        for name, value in kind.fields.items():
            yield f"{kind.name}.{name}", value.description
