"""Plan: one query compiled for one set of variables. It gives the answer's bytes, or leaves the query to graphql-core.

Whatever fails in a plan, a resolver's refusal or a value that the schema does not allow, is no answer of the plan's: graphql-core then
carries the same query out, and says what is wrong in its own words. So a plan never has to know how errors look.
"""

from dataclasses import dataclass
from typing import Any

import orjson
from graphql import DocumentNode, GraphQLSchema, OperationDefinitionNode, OperationType
from graphql.execution.values import get_variable_values
from pydantic_core import SchemaSerializer

from graph.plan.selections import Selected, UnsupportedError, source_of
from graph.plan.serializers import arguments_of, plain_resolver, schema_of
from resolvers.context import Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """One root field of a query."""

    prefix: bytes
    """Its response key as JSON, with the colon."""
    key: str
    """Its response key."""
    resolver: Any
    """What answers it; null for `__typename`."""
    arguments: dict[str, Any]
    """By the resolver's names."""
    serializer: SchemaSerializer
    """Writes what the resolver returns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One query, compiled."""

    roots: tuple[Root, ...]
    """In the order of the answer."""

    async def answer(self, operation: Operation) -> bytes | None:
        """The body of the answer as JSON, `{"data": …}`; null when graphql-core must answer."""
        parts: list[bytes] = []
        try:
            for root in self.roots:
                context = operation.of_root(root.key)
                value = await root.resolver(context, **root.arguments)
                parts.append(
                    root.prefix + root.serializer.to_json(value, by_alias=True, warnings="error", context=context)
                )
        except Exception:  # noqa: BLE001 - graphql-core runs into the same, and words it
            return None
        return b'{"data":{' + b",".join(parts) + b"}}"


def compile_plan(
    schema: GraphQLSchema, tree: DocumentNode, operation: OperationDefinitionNode, variables: dict[str, Any] | None
) -> Plan | None:
    """The plan of a validated query with these variables; null for what graphql-core must answer."""
    if operation.operation is not OperationType.QUERY or schema.query_type is None:
        return None
    try:
        values = get_variable_values(schema, operation.variable_definitions or (), variables or {})
        if isinstance(values, list):
            return None  # errors of variables are graphql-core's to word
        source = source_of(tree, values)
        wanted = source.of(schema.query_type, [operation.selection_set])
        return Plan(roots=tuple(_root(schema, key, selected, source) for key, selected in wanted.items()))
    except UnsupportedError:
        return None


def _root(schema: GraphQLSchema, key: str, selected: Selected, source: Any) -> Root:
    fields = schema.query_type.fields if schema.query_type is not None else {}
    if selected.name not in fields:
        raise UnsupportedError("a field of introspection")
    field = fields[selected.name]
    definition = field.extensions["strawberry-definition"]
    return Root(
        prefix=orjson.dumps(key) + b":",
        key=key,
        resolver=plain_resolver(definition, waits=True),
        arguments=arguments_of(definition, field, selected.nodes[0], source),
        serializer=SchemaSerializer(schema_of(field.type, selected, source)),
    )
