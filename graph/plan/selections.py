"""Selections: what a document asks of one object, with fragments opened and directives decided, in the order of its answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
)
from graphql.execution.values import get_directive_values

from graph.kept import Kept

KNOWN_CHARACTERS = 65_536
"""Of all texts whose compiled form is remembered."""
_KNOWN = "botgraph.known"
"""Where a schema has them."""
KNOWN_DIRECTIVES = frozenset({"skip", "include"})


class UnsupportedError(Exception):
    """This document is for graphql-core; the text says why."""


@dataclass(slots=True, kw_only=True)
class Selected:
    """One key of an answer: the field nodes that ask for it, which differ in their sub-selections only."""

    nodes: list[FieldNode] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The field's name in the schema."""
        return self.nodes[0].name.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A validated document."""

    fragments: Mapping[str, FragmentDefinitionNode]
    deciding: tuple[str, ...]
    """Names of the variables that decide what is selected, in `@skip` and `@include`."""
    known: Kept[tuple[str, str], Any]
    """What was compiled of texts that stand for themselves, by the type that they are asked of; all documents share it."""

    def of(self, parent: GraphQLObjectType, sets: list[SelectionSetNode], variables: Any) -> dict[str, Selected]:
        """What is asked of `parent` with these variables, by response key, in the order of the answer.

        UnsupportedError for directives that are not known here, a GraphQLError for one whose variable is null.
        """
        found: dict[str, Selected] = {}
        seen: set[str] = set()
        for selections in sets:
            self._collect(parent, selections, variables, found, seen)
        return found

    def _collect(
        self,
        parent: GraphQLObjectType,
        selections: SelectionSetNode,
        variables: Any,
        found: dict[str, Selected],
        seen: set[str],
    ) -> None:
        for node in selections.selections:
            if node.directives and not _is_wanted(node, variables):
                continue
            if isinstance(node, FieldNode):
                key = (node.alias or node.name).value
                if key in found:
                    found[key].nodes.append(node)
                else:
                    found[key] = Selected(nodes=[node])
            elif isinstance(node, InlineFragmentNode):
                if node.type_condition is None or node.type_condition.name.value == parent.name:
                    self._collect(parent, node.selection_set, variables, found, seen)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                fragment = self.fragments[node.name.value]
                if fragment.type_condition.name.value == parent.name:
                    self._collect(parent, fragment.selection_set, variables, found, seen)


def source_of(schema: GraphQLSchema, tree: DocumentNode) -> Source:
    """The document, ready to be asked."""
    known = schema.extensions.setdefault(_KNOWN, Kept(room=KNOWN_CHARACTERS))
    fragments = {node.name.value: node for node in tree.definitions if isinstance(node, FragmentDefinitionNode)}
    deciding: dict[str, None] = {}
    for node in tree.definitions:
        if isinstance(node, OperationDefinitionNode | FragmentDefinitionNode):
            _note_deciding(node.selection_set, deciding)
    return Source(fragments=fragments, deciding=tuple(deciding), known=known)


def _note_deciding(selections: SelectionSetNode, names: dict[str, None]) -> None:
    for node in selections.selections:
        for directive in node.directives or ():
            for argument in directive.arguments or ():
                if isinstance(argument.value, VariableNode):
                    names[argument.value.name.value] = None
        inner = getattr(node, "selection_set", None)
        if inner is not None:
            _note_deciding(inner, names)


def _is_wanted(node: Any, variables: Any) -> bool:
    if any(directive.name.value not in KNOWN_DIRECTIVES for directive in node.directives):
        raise UnsupportedError("a directive other than skip and include")
    skip = get_directive_values(GraphQLSkipDirective, node, variables)
    include = get_directive_values(GraphQLIncludeDirective, node, variables)
    return not (skip and skip["if"]) and not (include and not include["if"])
