"""Proof: whether a document is certainly valid, found in one walk; what can't be told so is left to graphql-core's validation.

Validation compares every pair of fields under every rule and takes longer than all the rest of an answer. Most documents need none of that:
one query over object types, leaf arguments, a known directive. Such a document is proven here by the same rules, read strictly. A "no" says
nothing: validation then decides, and words what is wrong. A fuzz holds that nothing is proven that validation would refuse.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    ArgumentNode,
    BooleanValueNode,
    DocumentNode,
    EnumValueNode,
    FieldNode,
    FloatValueNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    NamedTypeNode,
    NonNullTypeNode,
    NullValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    StringValueNode,
    Undefined,
    VariableDefinitionNode,
    VariableNode,
    get_named_type,
)

_DIRECTIVES = frozenset({"skip", "include"})
_IF = GraphQLArgument(GraphQLNonNull(GraphQLBoolean))
_INT_DIGITS = 9
"""Whole numbers with fewer digits than these have 32 bits."""
_LITERALS: dict[str, tuple[type, ...]] = {
    "Int": (IntValueNode,),
    "BigInt": (IntValueNode,),
    "Float": (IntValueNode, FloatValueNode),
    "String": (StringValueNode,),
    "ID": (StringValueNode, IntValueNode),
    "Boolean": (BooleanValueNode,),
}
"""What may be written for a scalar, where that can be told at a glance."""


class _Unproven(Exception):  # noqa: N818 - no error: the answer "no", from anywhere in the walk
    """Validation must decide."""


def is_proven(schema: GraphQLSchema, tree: DocumentNode) -> bool:
    """Whether the document is certainly valid."""
    try:
        walk = _walk_of(schema, tree)
        walk.sets(schema.query_type, [walk.operation.selection_set], ())
        return walk.used == set(walk.variables) and walk.spread == set(walk.fragments)
    except _Unproven:
        return False


def _walk_of(schema: GraphQLSchema, tree: DocumentNode) -> "_Walk":
    operation: OperationDefinitionNode | None = None
    fragments: dict[str, FragmentDefinitionNode] = {}
    for node in tree.definitions:
        if isinstance(node, OperationDefinitionNode) and operation is None and not node.directives:
            operation = node
        elif isinstance(node, FragmentDefinitionNode) and node.name.value not in fragments and not node.directives:
            fragments[node.name.value] = node
        else:
            raise _Unproven
    if operation is None or operation.operation is not OperationType.QUERY:
        raise _Unproven
    variables = {}
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        if name in variables or definition.directives:
            raise _Unproven
        variables[name] = _variable(schema, definition)
    return _Walk(operation=operation, fragments=fragments, variables=variables)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Variable:
    """What a variable may hold."""

    kind: GraphQLNamedType
    is_never_null: bool
    """By its type, or by its default where nothing is sent."""


def _variable(schema: GraphQLSchema, definition: VariableDefinitionNode) -> _Variable:
    node = definition.type
    is_required = isinstance(node, NonNullTypeNode)
    named: Any = node.type if isinstance(node, NonNullTypeNode) else node
    if not isinstance(named, NamedTypeNode):
        raise _Unproven
    kind = schema.get_type(named.name.value)
    if not isinstance(kind, GraphQLScalarType | GraphQLEnumType):
        raise _Unproven
    if definition.default_value is not None:
        _require_literal(definition.default_value, kind)
    return _Variable(kind=kind, is_never_null=is_required or definition.default_value is not None)


@dataclass(slots=True, kw_only=True)
class _Walk:
    """One walk over a document."""

    operation: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, _Variable]
    used: set[str] = field(default_factory=set)
    """Variables that were met."""
    spread: set[str] = field(default_factory=set)
    """Fragments that were met."""

    def sets(self, parent: Any, sets: list[SelectionSetNode], inside: tuple[str, ...]) -> None:
        """Prove what is selected of one object, by all the sets together that ask for it."""
        if not isinstance(parent, GraphQLObjectType):
            raise _Unproven
        met: dict[str, list[FieldNode]] = {}
        seen: dict[str, None] = {}
        for selections in sets:
            self._collect(parent, selections, met, seen, inside)
        below = (*inside, *seen)
        for nodes in met.values():
            self._field(parent, nodes, below)

    def _collect(
        self,
        parent: GraphQLObjectType,
        selections: SelectionSetNode,
        met: dict[str, list[FieldNode]],
        seen: dict[str, None],
        inside: tuple[str, ...],
    ) -> None:
        for node in selections.selections:
            if node.directives:
                self._directives(node.directives)
            if isinstance(node, FieldNode):
                met.setdefault((node.alias or node.name).value, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                if node.type_condition is not None and node.type_condition.name.value != parent.name:
                    raise _Unproven
                self._collect(parent, node.selection_set, met, seen, inside)
            elif isinstance(node, FragmentSpreadNode):
                self._spread(parent, node, met, seen, inside)
            else:
                raise _Unproven

    def _spread(
        self,
        parent: GraphQLObjectType,
        node: FragmentSpreadNode,
        met: dict[str, list[FieldNode]],
        seen: dict[str, None],
        inside: tuple[str, ...],
    ) -> None:
        name = node.name.value
        if name not in self.fragments or name in inside:  # the second may be a circle
            raise _Unproven
        if name in seen:
            return
        seen[name] = None
        self.spread.add(name)
        fragment = self.fragments[name]
        if fragment.type_condition.name.value != parent.name:
            raise _Unproven
        self._collect(parent, fragment.selection_set, met, seen, (*inside, name))

    def _field(self, parent: GraphQLObjectType, nodes: list[FieldNode], inside: tuple[str, ...]) -> None:
        first = nodes[0]
        name = first.name.value
        if len(nodes) > 1 and any(node.name.value != name or node.arguments for node in nodes):
            raise _Unproven
        if name == "__typename":
            if first.arguments or any(node.selection_set for node in nodes):
                raise _Unproven
            return
        definition = parent.fields.get(name)
        if definition is None:
            raise _Unproven
        if definition.args or first.arguments:
            self._arguments(definition.args, first.arguments or ())
        kind = get_named_type(definition.type)
        sets = [node.selection_set for node in nodes if node.selection_set is not None]
        if isinstance(kind, GraphQLScalarType | GraphQLEnumType):
            if sets:
                raise _Unproven
        elif len(sets) != len(nodes):
            raise _Unproven
        else:
            self.sets(kind, sets, inside)

    def _directives(self, nodes: tuple[Any, ...]) -> None:
        names = [node.name.value for node in nodes]
        if len(set(names)) != len(names) or not _DIRECTIVES.issuperset(names):
            raise _Unproven
        for node in nodes:
            self._arguments({"if": _IF}, node.arguments or ())

    def _arguments(self, known: Mapping[str, GraphQLArgument], given: tuple[ArgumentNode, ...]) -> None:
        names = {node.name.value for node in given}
        if len(names) != len(given):
            raise _Unproven
        for node in given:
            argument = known.get(node.name.value)
            if argument is None:
                raise _Unproven
            self._value(node.value, argument)
        for name, argument in known.items():
            if name not in names and isinstance(argument.type, GraphQLNonNull) and not _has_default(argument):
                raise _Unproven

    def _value(self, value: Any, argument: GraphQLArgument) -> None:
        is_required = isinstance(argument.type, GraphQLNonNull)
        kind = argument.type.of_type if isinstance(argument.type, GraphQLNonNull) else argument.type
        if isinstance(value, VariableNode):
            name = value.name.value
            variable = self.variables.get(name)
            if variable is None or variable.kind is not kind:
                raise _Unproven
            if is_required and not variable.is_never_null and not _has_default(argument):
                raise _Unproven
            self.used.add(name)
        elif isinstance(value, NullValueNode):
            if is_required:
                raise _Unproven
        else:
            _require_literal(value, kind)


def _require_literal(value: Any, kind: Any) -> None:
    """Prove that what is written is a value of that type; a null is not."""
    if isinstance(kind, GraphQLEnumType):
        is_good = isinstance(value, EnumValueNode) and value.value in kind.values
    else:
        is_number = isinstance(value, IntValueNode | FloatValueNode)
        is_short = not is_number or len(value.value) <= _INT_DIGITS
        is_good = is_short and isinstance(value, _LITERALS.get(getattr(kind, "name", ""), ()))
    if not is_good:
        raise _Unproven


def _has_default(argument: GraphQLArgument) -> bool:
    return argument.default_value is not Undefined
