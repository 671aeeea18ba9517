"""Models: pydantic models of what a query selects, made from the schema, as one would write them for FastAPI."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    parse,
)
from pydantic import BaseModel, ConfigDict, create_model

LEAVES: dict[str, Any] = {
    "String": str, "ID": str, "Boolean": bool, "Int": int, "BigInt": int, "Float": float, "Decimal": Decimal, "DateTime": datetime,
}  # fmt: skip


def model_of(schema: GraphQLSchema, query: str) -> type[BaseModel]:
    """The model of the whole answer to a query without fragments, `data` and all."""
    operation = parse(query).definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    data = _model("Data", schema.query_type, operation)
    return create_model("Answer", data=(data, ...))


def _model(name: str, kind: Any, node: Any) -> type[BaseModel]:
    fields: dict[str, Any] = {}
    for selected in node.selection_set.selections:
        assert isinstance(selected, FieldNode)
        key = selected.name.value
        fields[key] = (_type(kind.fields[key].type, selected), ...)
    return create_model(name, __config__=ConfigDict(frozen=True), **fields)


def _type(kind: Any, node: Any, *, is_required: bool = False) -> Any:
    if isinstance(kind, GraphQLNonNull):
        return _type(kind.of_type, node, is_required=True)
    if isinstance(kind, GraphQLList):
        found: Any = list[_type(kind.of_type, node)]  # type: ignore[misc]  # made at run time
    elif isinstance(kind, GraphQLObjectType):
        found = _model(kind.name, kind, node)
    elif isinstance(kind, GraphQLEnumType):
        found = Literal[tuple(kind.values)]
    else:
        found = LEAVES[kind.name]
    return found if is_required else found | None
