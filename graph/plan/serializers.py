"""Serializers: from GraphQL types and a selection to what pydantic-core runs.

An object becomes a dataclass schema of computed fields: each reads one attribute, a property or a field, and writes it under its response
key, in the order of the selection. Where a field has a resolver of its own, or `__typename` is asked for, the object is first turned into a
dict. A value of another type than the schema promises is an error, and so is a null that it does not allow: graphql-core then says which.
"""

import inspect
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from functools import cached_property
from typing import Any

from graphql import (
    BooleanValueNode,
    EnumValueNode,
    FieldNode,
    GraphQLEnumType,
    GraphQLFloat,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    IntValueNode,
    NullValueNode,
    StringValueNode,
)
from graphql.execution.values import get_argument_values
from pydantic_core import SchemaSerializer
from pydantic_core import core_schema as cs

from graph.plan.selections import Selected, Source, UnsupportedError
from graph.scalars import defined

_INT32 = 2**31
_BIG = 2**63
_DIGITS = Decimal.__format__
"""Takes nothing but a Decimal; what is not finite ends in a letter."""
_TYPENAME = "__typename"
_LEAF = "botgraph.leaf"
"""Where a field of the schema has how it is read."""
_TEXT_CHARACTERS = 64
"""What a text takes to remember, however short it is."""
_OUTSIDE = ("$", "...", "@")
"""What in a text says that it means something else in another document."""
_PLAIN_VALUES = (BooleanValueNode, EnumValueNode, IntValueNode, NullValueNode, StringValueNode)
"""Literals in which no variable can stand."""


def _int32(value: object) -> int:
    if type(value) is not int or not -_INT32 <= value < _INT32:
        raise TypeError("not a whole number of 32 bits")
    return value


def _int64(value: object) -> int:
    if type(value) is not int or abs(value) >= _BIG:
        raise TypeError("not a whole number of 64 bits")
    return value


def _float(value: object) -> float:
    if type(value) not in (float, int) or not math.isfinite(value):  # type: ignore[arg-type]  # one of the two
        raise TypeError("not a finite number")
    return float(value)  # type: ignore[arg-type]


def _float_or_null(value: object) -> float | None:
    known = defined(value)
    return None if known is None else _float(known)


def _decimal(value: Any) -> str:
    text = _DIGITS(value, "f")
    if text[-1] > "9":
        raise TypeError("not a finite decimal")
    return text


def _time(value: object) -> datetime:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise TypeError("not an aware time")
    return value if value.tzinfo is UTC else value.astimezone(UTC)


def _there(value: object) -> object:
    if value is None:
        raise TypeError("null where the schema promises something")
    return value


def _written_by(function: Any, schema: cs.CoreSchema) -> cs.CoreSchema:
    return cs.any_schema(serialization=cs.plain_serializer_function_ser_schema(function, return_schema=schema))


# pydantic-core writes null for any type without a word, so each value passes a function that refuses it; those of C cost next to nothing.
_LEAVES: dict[str, cs.CoreSchema] = {
    "String": _written_by(str.__str__, cs.str_schema()),
    "ID": _written_by(str.__str__, cs.str_schema()),
    "Boolean": _written_by(int.__bool__, cs.bool_schema()),
    "Int": _written_by(_int32, cs.int_schema()),
    "BigInt": _written_by(_int64, cs.int_schema()),
    "Float": _written_by(_float, cs.float_schema()),
    "Decimal": _written_by(_decimal, cs.str_schema()),
    "DateTime": _written_by(_time, cs.datetime_schema()),
}
_FLOAT_OR_NULL = _written_by(_float_or_null, cs.nullable_schema(cs.float_schema()))
_ENUM = _written_by(operator.attrgetter("_name_"), cs.str_schema())


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What the resolvers of one root field are given while its value is written."""

    context: Any
    """The root field's context."""
    variables: Any
    """As graphql-core coerced them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """The arguments of one field."""

    constant: Mapping[str, Any] = field(default_factory=dict)
    """By the resolver's names, where no variable is among them."""
    read: Callable[[Any], dict[str, Any]] | None = None
    """Makes them of the variables' values, where one is."""

    def of(self, variables: Any) -> Mapping[str, Any]:
        """By the resolver's names; UnsupportedError and GraphQLError for what graphql-core must read."""
        return self.constant if self.read is None else self.read(variables)


def schema_of(kind: GraphQLOutputType, selected: Selected, source: Source, variables: Any) -> cs.CoreSchema:
    """How a value of that GraphQL type is written. UnsupportedError for what only graphql-core can write."""
    if isinstance(kind, GraphQLNonNull):
        return _not_null(kind.of_type, selected, source, variables)
    if isinstance(kind, GraphQLScalarType) and kind.name == GraphQLFloat.name:
        return _FLOAT_OR_NULL
    return cs.nullable_schema(_not_null(kind, selected, source, variables))


def _not_null(kind: GraphQLOutputType, selected: Selected, source: Source, variables: Any) -> cs.CoreSchema:
    if isinstance(kind, GraphQLList):
        return _written_by(tuple, cs.tuple_variable_schema(schema_of(kind.of_type, selected, source, variables)))
    if isinstance(kind, GraphQLEnumType):
        return _ENUM
    if isinstance(kind, GraphQLScalarType) and kind.name in _LEAVES:
        return _LEAVES[kind.name]
    if isinstance(kind, GraphQLObjectType):
        return _written_by(_there, _object(kind, selected, source, variables))
    raise UnsupportedError(f"the type {kind}")


def _object(kind: GraphQLObjectType, selected: Selected, source: Source, variables: Any) -> cs.CoreSchema:
    sets = [node.selection_set for node in selected.nodes if node.selection_set is not None]
    wanted = source.of(kind, sets, variables)
    fields = {key: read_field(kind, one, source, variables) for key, one in wanted.items()}
    if all(one.attribute is not None for one in fields.values()):
        return attributes(kind, fields)
    return _dictionary(fields)


def attributes(kind: GraphQLObjectType, fields: "dict[str, ReadField]") -> cs.CoreSchema:
    """How an object is written of which only attributes are asked for."""
    model = model_of(kind)
    computed: list[cs.ComputedField] = [
        {"type": "computed-field", "property_name": one.attribute or "", "return_schema": one.schema, "alias": key}
        for key, one in fields.items()
    ]
    return cs.dataclass_schema(model, cs.dataclass_args_schema(model.__name__, [], computed_fields=computed), [])


def _dictionary(fields: "dict[str, ReadField]") -> cs.CoreSchema:
    def read(value: Any, info: Any) -> dict[str, Any]:
        return {key: one.value(value, info.context) for key, one in fields.items()}

    shape = cs.typed_dict_schema({key: cs.typed_dict_field(one.schema) for key, one in fields.items()})
    return cs.any_schema(
        serialization=cs.plain_serializer_function_ser_schema(read, info_arg=True, return_schema=shape)
    )


def read_field(parent: GraphQLObjectType, selected: Selected, source: Source, variables: Any) -> "ReadField":
    """One field of an object. What is the same in every document, a leaf or a text that stands for itself, is worked out once."""
    definition = parent.fields.get(selected.name)
    if definition is None:
        return ReadField(parent, selected, source, variables)
    if not definition.args and selected.nodes[0].selection_set is None:
        known: ReadField | None = definition.extensions.get(_LEAF)
        if known is None:
            known = definition.extensions[_LEAF] = ReadField(parent, selected, source, variables)
        return known
    text = _text_of(selected)
    if text is None:
        return ReadField(parent, selected, source, variables)
    found: ReadField | None = source.known.get((parent.name, text))
    if found is None:
        found = ReadField(parent, selected, source, variables)
        source.known.put((parent.name, text), found, len(text) + _TEXT_CHARACTERS)
    return found


def _text_of(selected: Selected) -> str | None:
    """How a field is written, from its name to its last brace; null where that does not say all."""
    node = selected.nodes[0]
    if len(selected.nodes) > 1 or node.loc is None or node.name.loc is None:
        return None
    text = node.loc.source.body[node.name.loc.start : node.loc.end]
    return None if any(sign in text for sign in _OUTSIDE) else text


class ReadField:
    """One field of an object: the attribute that it reads, or the resolver that answers it."""

    def __init__(self, parent: GraphQLObjectType, selected: Selected, source: Source, variables: Any) -> None:
        self.attribute: str | None = None
        self._resolver: Any = None
        self._arguments = Arguments()
        if selected.name == _TYPENAME:
            self.schema: cs.CoreSchema = cs.str_schema()
            self._constant = parent.name
            return
        definition = parent.fields[selected.name].extensions["strawberry-definition"]
        self.schema = schema_of(parent.fields[selected.name].type, selected, source, variables)
        if definition.base_resolver is None:
            self.attribute = definition.python_name
        else:
            self._resolver = plain_resolver(definition)
            self._arguments = arguments_of(definition, parent.fields[selected.name], selected.nodes[0])

    @cached_property
    def serializer(self) -> SchemaSerializer:
        """Writes its value."""
        return SchemaSerializer(self.schema)

    @cached_property
    def asks_resolvers(self) -> bool:
        """Whether writing its value calls functions that are told of the operation."""
        return _asks_resolvers(self.schema)

    def value(self, parent: Any, run: Run) -> Any:
        """What stands under this field's key."""
        if self.attribute is not None:
            return getattr(parent, self.attribute)
        if self._resolver is None:
            return self._constant
        return self._resolver(run.context, parent, **self._arguments.of(run.variables))


def _asks_resolvers(schema: Any) -> bool:
    match schema:
        case dict():
            return schema.get("info_arg") is True or any(_asks_resolvers(inner) for inner in schema.values())
        case list() | tuple():
            return any(_asks_resolvers(inner) for inner in schema)
        case _:
            return False


def plain_resolver(definition: Any, *, waits: bool = False) -> Any:
    """The resolver behind a field; UnsupportedError for one that waits, unless it may, and for one that is not ours."""
    wrapped = None if definition.base_resolver is None else definition.base_resolver.wrapped_func
    resolver = getattr(wrapped, "resolver", None)
    if resolver is None or inspect.isasyncgenfunction(resolver) or inspect.iscoroutinefunction(resolver) is not waits:
        raise UnsupportedError("a resolver that can't be called here")
    return resolver


def arguments_of(definition: Any, field: Any, node: FieldNode) -> Arguments:
    """The arguments of a field by the resolver's names. UnsupportedError for inputs, which Strawberry turns into objects."""
    if not field.args:
        return Arguments()
    names = {
        argument.graphql_name or _camel(argument.python_name): argument.python_name for argument in definition.arguments
    }

    def read(variables: Any) -> dict[str, Any]:
        given = get_argument_values(field, node, variables)
        if any(isinstance(value, dict | list | Enum) for value in given.values()):
            raise UnsupportedError("an argument that is not a plain value")
        return {names[name]: value for name, value in given.items()}

    if any(not isinstance(one.value, _PLAIN_VALUES) for one in node.arguments or ()):
        return Arguments(read=read)
    return Arguments(constant=read(None))


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(part.capitalize() for part in others)


def model_of(kind: GraphQLObjectType) -> type:
    """The class of the domain that a type describes; UnsupportedError for one that describes nothing."""
    model = getattr(kind.extensions["strawberry-definition"].origin, "model", None)
    if model is None:
        raise UnsupportedError(f"the type {kind.name}, which describes nothing")
    found: type = model
    return found
