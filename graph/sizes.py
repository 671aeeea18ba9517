"""Sizes: the most bytes that a document's answer can have, added up from what the schema says of each field.

A text is as long as its description allows ("at most 500 bytes"), a list as long as its `first` or its description; what says nothing of
its length is an id, a name or a symbol. JSON may write each byte of a text as two. What is added up is never too small, and seldom reached.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_list_type,
)

from trading_bot.errors.shape import ERROR_BYTES

ANSWER = len('{"data":}')
NAME_BYTES = 100
"""Ids, names, symbols and cursors."""
JSON_BYTES = 2_000
"""What stands in a JSON field whose description says nothing of its length, such as a command's outcome."""
LONGEST_LIST = 100
SCALARS = {
    "Boolean": 5,
    "Int": 11,
    "Float": 24,
    "BigInt": 20,
    "DateTime": 29,
    "Decimal": 42,
    "ID": NAME_BYTES + len('""'),  # ids have no character that JSON writes as two
}
"""Bytes of the largest value, with its quotation marks."""
WHOLE = {"SemanticError": ERROR_BYTES, "RecentError": ERROR_BYTES, "ErrorCode": 2_000}
"""Types that are bounded as a whole, each field once and under its own name."""
LISTS = {
    "BotSummary.recentErrors": 3,
    "CommandPayload.errors": 1,
    "ConfigChangePayload.errors": 3,
    "ErrorAcknowledgePayload.acknowledged": 50,
    "ErrorAcknowledgePayload.errors": 1,
    "ErrorCode.actions": 5,
    "ErrorCode.steps": 5,
    "SemanticError.actions": 5,
    "Trade.fills": 1_000,
    "Trade.indicatorsUsed": 20,
    "Workflow.rollbackProcedure": 20,
    "Workflow.steps": 20,
    "WorkflowRunPayload.errors": 1,
}
"""Lists whose description does not say in figures how long they get."""
_BYTES = re.compile(r"at most ([\d,]+) bytes")
_ITEMS = re.compile(r"at most ([\d,]+)(?! bytes)\b")


def largest_answer(schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any] | None = None) -> int:
    """The most bytes of compact JSON that `document`, valid and of one operation, is answered with where nothing fails."""
    work = _Sizing(schema=schema, variables=dict(variables or {}))
    operation: OperationDefinitionNode | None = None
    for node in document.definitions:
        if isinstance(node, FragmentDefinitionNode):
            work.fragments[node.name.value] = node
        elif isinstance(node, OperationDefinitionNode):
            operation = node
    if operation is None:
        raise ValueError("The document has no operation.")
    for definition in operation.variable_definitions or ():
        if isinstance(definition.default_value, IntValueNode):
            work.variables.setdefault(definition.variable.name.value, int(definition.default_value.value))
    root = schema.get_root_type(operation.operation)
    return ANSWER + work.of_set(operation.selection_set, root)


@dataclass(slots=True, kw_only=True)
class _Sizing:
    """One walk over a document."""

    schema: GraphQLSchema
    variables: dict[str, Any]
    fragments: dict[str, FragmentDefinitionNode] = field(default_factory=dict)
    renamed: int = 0
    """Fields so far that stand under another name, and so may be there more than once, or that are not the object's own."""

    def of_set(self, selections: SelectionSetNode, parent: Any, length: int | None = None) -> int:
        """Bytes of one object; `length` is how long lists in it are that its parent's `first` decides."""
        return len("{}") + self._of_fields(selections, parent, length)

    def _of_fields(self, selections: SelectionSetNode, parent: Any, length: int | None) -> int:
        total = 0
        for node in selections.selections:
            match node:
                case FieldNode():
                    key = (node.alias or node.name).value
                    total += len(f'"{key}":,') + self._of_field(node, parent, length)
                case FragmentSpreadNode():
                    fragment = self.fragments[node.name.value]
                    on = self.schema.get_type(fragment.type_condition.name.value)
                    total += self._of_fields(fragment.selection_set, on, length)
                case InlineFragmentNode():
                    on = self.schema.get_type(node.type_condition.name.value) if node.type_condition else parent
                    total += self._of_fields(node.selection_set, on, length)
                case _:
                    pass
        return total

    def _of_field(self, node: FieldNode, parent: Any, length: int | None) -> int:
        self.renamed += node.alias is not None or node.name.value == "__typename"
        if node.name.value == "__typename":
            return NAME_BYTES
        definition: GraphQLField = parent.fields[node.name.value]
        coordinate = f"{parent.name}.{node.name.value}"
        own = self._first(node, definition)
        named: Any = get_named_type(definition.type)
        if isinstance(named, GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType):
            assert node.selection_set is not None, "a valid document selects something of an object"  # noqa: S101
            named_otherwise = self.renamed
            each = self.of_set(node.selection_set, named, own)
            if self.renamed == named_otherwise:
                each = min(each, WHOLE.get(named.name, each))
        else:
            each = _of_leaf(named, definition.description or "")
        if not _is_list(definition.type):
            return each
        items = own or length or LISTS.get(coordinate) or _items(definition.description or "")
        return len("[]") + items * (each + len(","))

    def _first(self, node: FieldNode, definition: GraphQLField) -> int | None:
        """How long the field's list, or the list in its page, may get; null where the field does not say."""
        if "first" not in definition.args:
            return None
        size: Any = definition.args["first"].default_value
        given = next((one.value for one in node.arguments or () if one.name.value == "first"), None)
        if isinstance(given, IntValueNode):
            size = int(given.value)
        elif isinstance(given, VariableNode):
            size = self.variables.get(given.name.value, size)
        is_size = isinstance(size, int) and not isinstance(size, bool)
        return min(max(size, 1), LONGEST_LIST) if is_size else LONGEST_LIST


def _of_leaf(kind: Any, description: str) -> int:
    if isinstance(kind, GraphQLEnumType):
        return max(len(name) for name in kind.values) + len('""')
    if kind.name in SCALARS:
        return SCALARS[kind.name]
    found = _BYTES.search(description)
    if kind.name == "JSON":
        return _number(found[1]) if found else JSON_BYTES
    return 2 * (_number(found[1]) if found else NAME_BYTES) + len('""')


def _items(description: str) -> int:
    found = _ITEMS.search(description)
    return _number(found[1]) if found else LONGEST_LIST


def _number(text: str) -> int:
    return int(text.replace(",", ""))


def _is_list(kind: GraphQLOutputType) -> bool:
    return is_list_type(kind.of_type if isinstance(kind, GraphQLNonNull) else kind)
