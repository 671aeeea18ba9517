"""Picks: what an operation selects, its fragments written out, so that parts can be left out and the rest be sent as a document again."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    NameNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_composite_type,
    print_ast,
)
from graphql.utilities import strip_ignored_characters

from graph.variables import variables_of

SIZE = "first"

Path = tuple[str, ...]
"""Response keys from the root on; the places in lists are left out, for all elements of a list are selected alike."""


@dataclass(slots=True, kw_only=True)
class Pick:
    """One field, or one fragment in its place."""

    node: FieldNode | InlineFragmentNode
    path: Path
    """Of a fragment, the path of the object that it stands in."""
    has_size: bool = False
    """Whether it takes `first`."""
    below: list["Pick"] | None = None
    """What is selected of it; null for a leaf."""


@dataclass(slots=True, kw_only=True)
class Picks:
    """All that an operation selects."""

    operation: OperationDefinitionNode
    top: list[Pick] = field(default_factory=list)

    def all(self) -> Iterator[Pick]:
        """Every field, outer ones first."""
        yield from (pick for pick in _walk(self.top) if isinstance(pick.node, FieldNode))

    def leaves(self) -> set[Path]:
        """The paths of the fields that nothing is selected of."""
        return {pick.path for pick in self.all() if pick.below is None}

    def sized(self) -> set[Path]:
        """The paths of the fields that take `first`."""
        return {pick.path for pick in self.all() if pick.has_size}

    def without(self, dropped: set[Path]) -> "Picks":
        """All but these paths, and but what would then be selected for nothing."""
        return Picks(operation=self.operation, top=_without(self.top, dropped))

    def node(self, lengths: dict[Path, int]) -> OperationDefinitionNode:
        """The operation without what was left out and the variables that it needed, its lists as long as `lengths` says."""
        selections = _selections(self.top, lengths)
        used = variables_of(selections)
        kept = tuple(one for one in self.operation.variable_definitions or () if one.variable.name.value in used)
        return OperationDefinitionNode(
            operation=self.operation.operation,
            name=self.operation.name,
            variable_definitions=kept,
            selection_set=selections,
        )

    def document(self, lengths: dict[Path, int]) -> str:
        """The same as a text without needless characters."""
        return strip_ignored_characters(print_ast(self.node(lengths)))


def picks_of(schema: GraphQLSchema, tree: DocumentNode, operation: OperationDefinitionNode) -> Picks:
    """What `operation` of the valid document `tree` selects."""
    fragments = {node.name.value: node for node in tree.definitions if isinstance(node, FragmentDefinitionNode)}
    root = schema.get_root_type(operation.operation)
    return Picks(operation=operation, top=_read(schema, fragments, operation.selection_set, root, ()))


def _read(
    schema: GraphQLSchema,
    fragments: dict[str, FragmentDefinitionNode],
    selections: SelectionSetNode,
    parent: GraphQLNamedType | None,
    path: Path,
) -> list[Pick]:
    found = []
    for node in selections.selections:
        if isinstance(node, FieldNode):
            found.append(_field(schema, fragments, node, parent, path))
            continue
        inline = node
        if isinstance(node, FragmentSpreadNode):
            fragment = fragments[node.name.value]
            inline = InlineFragmentNode(
                type_condition=fragment.type_condition,
                directives=node.directives,
                selection_set=fragment.selection_set,
            )
        if isinstance(inline, InlineFragmentNode):
            on = parent if inline.type_condition is None else schema.get_type(inline.type_condition.name.value)
            found += _flat(inline, parent, _read(schema, fragments, inline.selection_set, on, path), path)
    return found


def _field(
    schema: GraphQLSchema,
    fragments: dict[str, FragmentDefinitionNode],
    node: FieldNode,
    parent: GraphQLNamedType | None,
    path: Path,
) -> Pick:
    definition: GraphQLField | None = schema.get_field(parent, node.name.value) if is_composite_type(parent) else None
    here = (*path, (node.alias or node.name).value)
    pick = Pick(node=node, path=here, has_size=definition is not None and SIZE in definition.args)
    if node.selection_set is not None and definition is not None:
        pick.below = _read(schema, fragments, node.selection_set, get_named_type(definition.type), here)
    return pick


def _flat(inline: InlineFragmentNode, parent: GraphQLNamedType | None, below: list[Pick], path: Path) -> list[Pick]:
    """What a fragment selects, and the fragment itself only where it makes a difference."""
    on = inline.type_condition
    is_needless = on is None or (parent is not None and on.name.value == parent.name)
    if is_needless and not inline.directives:
        return below
    return [Pick(node=inline, path=path, below=below)]


def _walk(picks: list[Pick]) -> Iterator[Pick]:
    for pick in picks:
        yield pick
        yield from _walk(pick.below or [])


def _without(picks: list[Pick], dropped: set[Path]) -> list[Pick]:
    kept = []
    for pick in picks:
        if isinstance(pick.node, FieldNode) and pick.path in dropped:
            continue
        below = None if pick.below is None else _without(pick.below, dropped)
        if below or pick.below is None:
            kept.append(Pick(node=pick.node, path=pick.path, has_size=pick.has_size, below=below))
    return kept


def _selections(picks: list[Pick], lengths: dict[Path, int]) -> SelectionSetNode:
    nodes: list[FieldNode | InlineFragmentNode] = []
    for pick in picks:
        below = None if pick.below is None else _selections(pick.below, lengths)
        if isinstance(pick.node, FieldNode):
            arguments = pick.node.arguments or ()
            if pick.has_size and pick.path in lengths:
                arguments = _sized(arguments, lengths[pick.path])
            nodes.append(
                FieldNode(
                    alias=pick.node.alias,
                    name=pick.node.name,
                    arguments=arguments,
                    directives=pick.node.directives,
                    selection_set=below,
                )
            )
        elif below is not None:
            nodes.append(
                InlineFragmentNode(
                    type_condition=pick.node.type_condition, directives=pick.node.directives, selection_set=below
                )
            )
    return SelectionSetNode(selections=tuple(nodes))


def _sized(arguments: tuple[ArgumentNode, ...], length: int) -> tuple[ArgumentNode, ...]:
    others = tuple(one for one in arguments if one.name.value != SIZE)
    return (ArgumentNode(name=NameNode(value=SIZE), value=IntValueNode(value=str(length))), *others)
