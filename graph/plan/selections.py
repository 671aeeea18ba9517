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
    GraphQLSkipDirective,
    InlineFragmentNode,
    SelectionSetNode,
)
from graphql.execution.values import get_directive_values

Variables = Mapping[str, Any]
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
    """A validated document with the values of one request's variables."""

    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Any
    """As graphql-core coerced them."""

    def of(self, parent: GraphQLObjectType, sets: list[SelectionSetNode]) -> dict[str, Selected]:
        """What is asked of `parent`, by response key, in the order of the answer."""
        found: dict[str, Selected] = {}
        for selections in sets:
            self._collect(parent, selections, found, set())
        return found

    def _collect(
        self, parent: GraphQLObjectType, selections: SelectionSetNode, found: dict[str, Selected], seen: set[str]
    ) -> None:
        for node in selections.selections:
            if not self._is_wanted(node):
                continue
            if isinstance(node, FieldNode):
                found.setdefault((node.alias or node.name).value, Selected()).nodes.append(node)
            elif isinstance(node, InlineFragmentNode):
                if node.type_condition is None or node.type_condition.name.value == parent.name:
                    self._collect(parent, node.selection_set, found, seen)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                fragment = self.fragments[node.name.value]
                if fragment.type_condition.name.value == parent.name:
                    self._collect(parent, fragment.selection_set, found, seen)

    def _is_wanted(self, node: Any) -> bool:
        if any(directive.name.value not in KNOWN_DIRECTIVES for directive in node.directives or ()):
            raise UnsupportedError("a directive other than skip and include")
        skip = get_directive_values(GraphQLSkipDirective, node, self.variables)
        include = get_directive_values(GraphQLIncludeDirective, node, self.variables)
        return not (skip and skip["if"]) and not (include and not include["if"])


def source_of(tree: DocumentNode, variables: Any) -> Source:
    """The document with these variables."""
    fragments = {node.name.value: node for node in tree.definitions if isinstance(node, FragmentDefinitionNode)}
    return Source(fragments=fragments, variables=variables)
