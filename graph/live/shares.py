"""Shares: which subscriptions are the same, whatever their spacing, and however their variables are ordered."""

from collections.abc import Hashable
from dataclasses import dataclass, field, replace

import orjson
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    print_ast,
    separate_operations,
    strip_ignored_characters,
)

from graph.execution import Prepared
from graph.guard.json import as_json
from graph.kept import Kept
from graph.variables import variables_of
from trading_bot.domain.commands import Caller
from trading_bot.errors.fault import Fault

REMEMBERED_CHARACTERS = 1_048_576
"""Of all documents whose forms are remembered, with these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What an operation asks for, however it was written."""

    whole: str
    """The operation and the fragments that it uses."""
    variables: frozenset[str]
    """The variables that it uses."""
    without_place: str
    """The same without the arguments of its root field, which say where it begins and what it follows."""
    variables_below: frozenset[str]
    """The variables that are used below the root field."""


@dataclass(slots=True, kw_only=True)
class Shares:
    """Says what subscriptions have in common. Remembers the forms of documents."""

    _forms: Kept[tuple[str, str | None], Form] = field(default_factory=lambda: Kept(room=REMEMBERED_CHARACTERS))

    def whole(self, prepared: Prepared, caller: Caller) -> Hashable:
        """What two subscriptions have in common that are answered with the same bytes at every moment."""
        form = self._form(prepared)
        return (form.whole, _values(prepared, form.variables), *_bounds(prepared, caller))

    def without_place(self, prepared: Prepared, caller: Caller) -> Hashable:
        """What two subscriptions have in common that write one event alike, wherever they begin."""
        form = self._form(prepared)
        return (form.without_place, _values(prepared, form.variables_below), *_bounds(prepared, caller))

    def _form(self, prepared: Prepared) -> Form:
        key = (prepared.request.query, prepared.request.operation_name)
        form = self._forms.get(key)
        if form is None:
            form = _form_of(prepared)
            self._forms.put(key, form, len(prepared.request.query) + len(form.whole) + len(form.without_place))
        return form


def nobody(caller: Caller) -> Caller:
    """Who shared answers are made for: all that have the caller's scope and budget."""
    return replace(caller, key_id="", name="", rate_per_minute=None, rate_remaining=None)


def _bounds(prepared: Prepared, caller: Caller) -> tuple[Hashable, ...]:
    return (caller.scope, caller.max_response_bytes, prepared.request.wants_budget)


def _values(prepared: Prepared, names: frozenset[str]) -> bytes:
    given = prepared.request.variables or {}
    try:
        return as_json({name: given[name] for name in names & given.keys()}, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # JSON is read to any depth, and written to 254 levels
        raise Fault(
            "QRY_004", "Expected variables that are nested less deeply.", context={"field": "variables"}
        ) from None


def _form_of(prepared: Prepared) -> Form:
    alone = separate_operations(prepared.tree)[prepared.name or ""]
    bare = _without_place(alone)
    return Form(
        whole=_printed(alone),
        variables=frozenset(variables_of(alone)),
        without_place=_printed(bare),
        variables_below=frozenset(variables_of(bare)),
    )


def _printed(tree: DocumentNode) -> str:
    return strip_ignored_characters(print_ast(tree))


def _without_place(tree: DocumentNode) -> DocumentNode:
    """One operation without the arguments of its root field, and without the variables that only they use."""
    at_top: set[str] = set()
    operation = next(node for node in tree.definitions if isinstance(node, OperationDefinitionNode))
    selections = _bare(operation.selection_set, at_top)
    fragments = [node for node in tree.definitions if isinstance(node, FragmentDefinitionNode)]
    definitions = []
    while at_top:
        name = at_top.pop()
        node = next(one for one in fragments if one.name.value == name)
        fragments.remove(node)
        inner = _bare(node.selection_set, at_top)
        definitions.append(
            FragmentDefinitionNode(
                name=node.name, type_condition=node.type_condition, directives=node.directives, selection_set=inner
            )
        )
    body = DocumentNode(definitions=(*_sorted(definitions), *_sorted(fragments)))
    needed = variables_of(body) | variables_of(selections)
    head = OperationDefinitionNode(
        operation=operation.operation,
        name=operation.name,
        variable_definitions=tuple(
            one for one in operation.variable_definitions or () if one.variable.name.value in needed
        ),
        directives=operation.directives,
        selection_set=selections,
    )
    return DocumentNode(definitions=(head, *body.definitions))


def _bare(selections: SelectionSetNode, spread: set[str]) -> SelectionSetNode:
    """Selections at the top, their fields without arguments; notes the fragments that are spread there."""
    found: list[SelectionNode] = []
    for node in selections.selections:
        match node:
            case FieldNode():
                found.append(
                    FieldNode(
                        alias=node.alias, name=node.name, directives=node.directives, selection_set=node.selection_set
                    )
                )
            case InlineFragmentNode():
                inner = _bare(node.selection_set, spread)
                found.append(
                    InlineFragmentNode(
                        type_condition=node.type_condition, directives=node.directives, selection_set=inner
                    )
                )
            case _:
                found.append(node)
                if isinstance(node, FragmentSpreadNode):
                    spread.add(node.name.value)
    return SelectionSetNode(selections=tuple(found))


def _sorted(fragments: list[FragmentDefinitionNode]) -> list[FragmentDefinitionNode]:
    return sorted(fragments, key=lambda node: node.name.value)
