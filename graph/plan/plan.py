"""Plan: one operation compiled. It gives the answer's bytes, or leaves the operation to graphql-core.

Whatever fails in a plan, a resolver's refusal or a value that the schema does not allow, is no answer of the plan's: graphql-core then
carries the same operation out, and says what is wrong in its own words. So a plan never has to know how errors look.

Variables are read when a plan is carried out, all but those that decide what is selected (`@skip`, `@include`): one operation has as many
plans as those have values.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import orjson
from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    VariableDefinitionNode,
)
from graphql.execution.values import VariableValues, get_variable_values
from pydantic_core import SchemaSerializer
from pydantic_core import core_schema as cs

from graph.plan.parts import Kept, Whole, pieces_of, whole_of
from graph.plan.selections import Selected, Source, UnsupportedError, source_of
from graph.plan.serializers import Arguments, Run, arguments_of, plain_resolver, schema_of
from resolvers.context import Operation

SECOND = 2
_NO_VARIABLES = VariableValues(sources={}, coerced={})
MOST_PLANS = 8
"""Plans that one operation keeps; one with more variables than that deciding what is selected is compiled again and again."""


@dataclass(slots=True, kw_only=True)
class Again:
    """How an object is written. When it is asked for again, parts that are the same objects as the last time are not written anew."""

    first: Whole
    """Writes it at the first time: what is asked for once is hardly compiled."""
    make: Callable[[], Whole | None]
    _kept: Kept = field(default_factory=dict)
    _uses: int = 0
    _whole: Whole | None = None

    def written(self, value: Any, run: Run) -> bytes:
        """The object as JSON; an exception for what the schema does not allow."""
        self._uses += 1
        if self._uses == SECOND:
            self._whole = self.make()
        return (self._whole or self.first).written(value, run, self._kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """One root field of an operation."""

    prefix: bytes
    """Its response key as JSON, with the colon."""
    key: str
    """Its response key."""
    resolver: Callable[..., Any] | None
    """What answers it; null for `__typename`, and for a subscription, whose events come from elsewhere."""
    arguments: Arguments
    """By the resolver's names."""
    serializer: SchemaSerializer | None = None
    """Writes what the resolver returns; null where `again` does."""
    constant: str | None = None
    """What stands there whatever the resolvers say."""
    whole: Whole | None = None
    """Writes the object of a subscription by its parts; null for another value."""
    is_nullable: bool = False
    """Whether the object of a query may be null."""
    again: "Again | None" = None
    """Writes the object of a query by its parts; null for another value."""

    async def value(self, operation: Operation, variables: Any) -> Any:
        """What its resolver returns."""
        if self.resolver is None:
            return self.constant
        return await self.resolver(operation.of_root(self.key), **self.arguments.of(variables))

    def written(self, value: Any, operation: Operation, variables: Any) -> bytes:
        """Key and value as JSON; an exception for a value that the schema does not allow."""
        run = Run(context=operation.of_root(self.key), variables=variables)
        if self.again is not None:
            return self.prefix + (b"null" if value is None and self.is_nullable else self.again.written(value, run))
        assert self.serializer is not None, "what is no object has a serializer"  # noqa: S101
        return self.prefix + self.serializer.to_json(value, by_alias=True, warnings="error", context=run)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One operation, compiled for some values of the variables that decide what is selected."""

    roots: tuple[Root, ...]
    """In the order of the answer."""

    async def answer(self, operation: Operation, variables: Any) -> bytes | None:
        """The body of the answer as JSON, `{"data": …}`; null when graphql-core must answer."""
        waiting = [root.value(operation, variables) for root in self.roots]
        if len(waiting) == 1:
            try:
                values = [await waiting[0]]
            except Exception:  # noqa: BLE001 - graphql-core runs into the same, and words it
                return None
        else:  # at the same time, so that what they read is read in one trip
            values = await asyncio.gather(*waiting, return_exceptions=True)
        return self._written(values, operation, variables)

    def event(self, value: Any, operation: Operation, variables: Any, kept: Kept | None = None) -> bytes | None:
        """The body of the answer for one event of a subscription; null when graphql-core must answer.

        What `kept` has of the event before is not written again.
        """
        root = self.roots[0]
        if kept is None or root.whole is None or len(self.roots) > 1:
            return self._written([value], operation, variables)
        run = Run(context=operation.of_root(root.key), variables=variables)
        try:
            return b'{"data":{' + root.prefix + root.whole.written(value, run, kept) + b"}}"
        except Exception:  # noqa: BLE001 - graphql-core runs into the same, and words it
            return None

    def _written(self, values: list[Any], operation: Operation, variables: Any) -> bytes | None:
        try:
            parts = [root.written(value, operation, variables) for root, value in zip(self.roots, values, strict=True)]
        except Exception:  # noqa: BLE001 - likewise; an exception among the values can't be written either
            return None
        return b'{"data":{' + b",".join(parts) + b"}}"


@dataclass(slots=True, kw_only=True)
class Plans:
    """All plans of one operation, compiled as they are needed."""

    schema: GraphQLSchema
    tree: DocumentNode
    node: OperationDefinitionNode
    _source: Source = field(init=False)
    _known: dict[tuple[Any, ...], Plan | None] = field(default_factory=dict)
    _still: "Ready | None" = None
    """The only plan, ready, of an operation without variables."""

    def __post_init__(self) -> None:
        self._source = source_of(self.schema, self.tree)

    def of(self, given: dict[str, Any] | None) -> "Ready | None":
        """The plan for the variables as they were sent; null when graphql-core must answer."""
        if self._still is not None:
            return self._still
        variables = self._coerced(given or {})
        if variables is None:
            return None
        try:
            key = tuple(self._decided(name, variables) for name in self._source.deciding)
            if key not in self._known:
                if len(self._known) >= MOST_PLANS:
                    self._known.clear()
                self._known[key] = self._compiled(variables)
            plan = self._known[key]
        except GraphQLError:  # such as null for a variable that decides
            return None
        ready = None if plan is None else Ready(plan=plan, variables=variables)
        if not self.node.variable_definitions:
            self._still = ready
        return ready

    def _coerced(self, given: dict[str, Any]) -> Any:
        """The variables as the schema has them; null where they are not as it wants, which is graphql-core's to word."""
        definitions: tuple[VariableDefinitionNode, ...] = tuple(self.node.variable_definitions or ())
        if not definitions:
            return _NO_VARIABLES
        found = get_variable_values(self.schema, definitions, given)
        return None if isinstance(found, list) else found

    def _decided(self, name: str, variables: Any) -> Any:
        return variables.coerced.get(name)

    def _compiled(self, variables: Any) -> Plan | None:
        kind = self.schema.get_root_type(self.node.operation)
        if self.node.operation is OperationType.MUTATION or kind is None:
            return None
        try:
            wanted = self._source.of(kind, [self.node.selection_set], variables)
            is_read = self.node.operation is OperationType.QUERY
            roots = tuple(self._root(kind, key, one, variables, is_read) for key, one in wanted.items())
        except UnsupportedError:
            return None
        return Plan(roots=roots)

    def _root(self, kind: GraphQLObjectType, key: str, selected: Selected, variables: Any, is_read: bool) -> Root:  # noqa: FBT001 - private
        prefix = orjson.dumps(key) + b":"
        if selected.name == "__typename":
            written = SchemaSerializer(cs.str_schema())
            return Root(
                prefix=prefix, key=key, resolver=None, arguments=Arguments(), serializer=written, constant=kind.name
            )
        if selected.name not in kind.fields:
            raise UnsupportedError("a field of introspection")
        field = kind.fields[selected.name]
        definition = field.extensions["strawberry-definition"]
        if not is_read:
            serializer = SchemaSerializer(schema_of(field.type, selected, self._source, variables))
            whole = whole_of(field.type, selected, self._source, variables)
            return Root(
                prefix=prefix, key=key, resolver=None, arguments=Arguments(), serializer=serializer, whole=whole
            )
        first = pieces_of(field.type, selected, self._source, variables)
        make = partial(whole_of, field.type, selected, self._source, variables)
        return Root(
            prefix=prefix,
            key=key,
            resolver=plain_resolver(definition, waits=True),
            arguments=arguments_of(definition, field, selected.nodes[0]),
            serializer=None if first else SchemaSerializer(schema_of(field.type, selected, self._source, variables)),
            is_nullable=not isinstance(field.type, GraphQLNonNull),
            again=None if first is None else Again(first=first, make=make),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A plan with the variables that it is to be carried out with."""

    plan: Plan
    variables: Any
    """As graphql-core coerced them."""

    async def answer(self, operation: Operation) -> bytes | None:
        """The body of a query's answer; null when graphql-core must answer."""
        return await self.plan.answer(operation, self.variables)

    def answer_at_once(self, operation: Operation) -> bytes | None:
        """The same where nothing has to be waited for; null where something has to be, too."""
        if len(self.plan.roots) > 1:
            return None
        answering = self.answer(operation)
        try:
            answering.send(None)
        except StopIteration as done:
            answer: bytes | None = done.value
            return answer
        answering.close()
        return None

    def event(self, value: Any, operation: Operation, kept: Kept | None = None) -> bytes | None:
        """The body of the answer for one event of a subscription; null when graphql-core must answer."""
        return self.plan.event(value, operation, self.variables, kept)
