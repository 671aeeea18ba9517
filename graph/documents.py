"""Documents: texts parsed, measured and validated once, and remembered; what of a document may be executed, and how."""

from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_operation_ast,
    parse,
    validate,
)

from graph.answers import Form, form_of, is_kept
from graph.guard.limits import Limits, too_deep, too_many_tokens
from graph.guard.measure import Measured, measure
from graph.kept import Kept
from graph.plan.plan import Plans
from graph.plan.proof import is_proven
from trading_bot.errors.fault import Fault

REMEMBERED_CHARACTERS = 131_072
"""Of all documents that are remembered; with its plan, one takes some hundred bytes of memory a character."""
DOCUMENT_CHARACTERS = 512
"""What a document takes however short it is."""
MOST_VALIDATION_ERRORS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A text, parsed and validated."""

    tree: DocumentNode | None
    """Null when there are errors."""
    errors: tuple[GraphQLError, ...]
    """Why it can't be executed; empty when it can."""
    measured: Measured | None = None
    """How large it is; null for one that could not be parsed."""
    schema: GraphQLSchema
    _chosen: "dict[str | None, Chosen]" = field(default_factory=dict, compare=False)

    def chosen(self, name: str | None) -> "Chosen":
        """The operation to execute and what is known of it; Fault QRY_005 when there is none of that name."""
        known = self._chosen.get(name)
        if known is None:
            node = self.operation(name)
            assert self.tree is not None, "a document with an operation has a tree"  # noqa: S101
            asked = frozenset(root_fields(self.tree, node.selection_set).values())
            known = self._chosen[name] = Chosen(
                node=node,
                root_fields=asked,
                plans=Plans(schema=self.schema, tree=self.tree, node=node),
                form=form_of(self.tree) if is_kept(node.operation, asked) else None,
            )
        return known

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation to execute; Fault QRY_005 when there is none of that name, or none is named among several."""
        found = None if self.tree is None else get_operation_ast(self.tree, name)
        if found is None:
            cause = (
                f"The document has no operation `{name:.40}`."
                if name
                else "The document must have one operation, or operationName must say which."
            )
            raise Fault("QRY_005", cause, context={"field": "operationName"})
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """One operation of a document, and what follows from it."""

    node: OperationDefinitionNode
    root_fields: frozenset[str]
    """Names of the root fields that it asks for."""
    plans: Plans
    form: Form | None
    """What of the document its answer depends on; null for what is answered anew each time."""


@dataclass(slots=True, kw_only=True)
class Documents:
    """The documents that were asked for lately, bounded."""

    schema: GraphQLSchema
    limits: Limits = field(default_factory=Limits)
    _known: Kept[str, Document] = field(default_factory=lambda: Kept(room=REMEMBERED_CHARACTERS))

    def read(self, text: str, variables: dict[str, Any] | None = None) -> Document:
        """`text` parsed, measured and validated, now or before. Fault QRY_020 to QRY_026 when it is over a limit."""
        known = self._known.get(text)
        if known is not None:
            self._require_affordable(known, variables)
            return known
        document = self._read(text, variables)
        if not document.errors:
            self._known.put(text, document, len(text) + DOCUMENT_CHARACTERS)
        return document

    def _require_affordable(self, known: Document, variables: dict[str, Any] | None) -> None:
        """Measure a document again whose cost is another with other variables."""
        if known.tree is not None and known.measured is not None and known.measured.depends_on_variables:
            self.limits.require(measure(self.schema, known.tree, variables))

    def _read(self, text: str, variables: dict[str, Any] | None) -> Document:
        try:
            tree = parse(text, max_tokens=self.limits.tokens)
        except GraphQLError as error:
            self._require_readable(error)
            return Document(schema=self.schema, tree=None, errors=(error,))
        _unlink(tree)
        # Before validation, whose time grows with the square of what is measured here.
        measured = measure(self.schema, tree, variables)
        self.limits.require(measured)
        errors: tuple[GraphQLError, ...] = ()
        if not is_proven(self.schema, tree):
            errors = tuple(validate(self.schema, tree, max_errors=MOST_VALIDATION_ERRORS))
        return Document(schema=self.schema, tree=None if errors else tree, errors=errors, measured=measured)

    def _require_readable(self, error: GraphQLError) -> None:
        """Tell a document that the parser gave up on from one that has a mistake."""
        if "contains more than" in error.message:
            raise too_many_tokens(self.limits.tokens) from None
        if "nested too deeply" in error.message:
            raise too_deep(self.limits.depth) from None


def _unlink(tree: DocumentNode) -> None:
    """Let no word know the one before it, so that a document that is forgotten goes at once, and not when somebody looks for garbage."""
    token = None if tree.loc is None else tree.loc.start_token
    while token is not None:
        token.prev, token = None, token.next


def require_guarded(schema: GraphQLSchema, tree: DocumentNode, operation: OperationDefinitionNode) -> None:
    """Refuse a mutation of several root fields (QRY_003), or of one that names no scope (AUTH_002): it fails closed."""
    if operation.operation is not OperationType.MUTATION or schema.mutation_type is None:
        return
    names = root_fields(tree, operation.selection_set)
    if len(names) > 1:
        cause = f"A mutation document may have one root field, this has {len(names)}."
        raise Fault("QRY_003", cause, context={"rootFields": sorted(names)[:10]})
    for name in names.values():
        if scope_of(schema, name) is None:
            raise Fault("AUTH_002", f"The field `{name}` names no scope that it needs, so nobody may use it.")


def scope_of(schema: GraphQLSchema, mutation: str) -> object:
    """The scope that a mutation names; null when it forgot."""
    if schema.mutation_type is None:
        return None
    definition = schema.mutation_type.fields[mutation].extensions["strawberry-definition"]
    return getattr(definition.base_resolver.wrapped_func, "needs", None)


def root_fields(tree: DocumentNode, selections: SelectionSetNode) -> dict[str, str]:
    """Names of the root fields by response key, each fragment looked at once; `__typename` asks for nothing."""
    fragments = {node.name.value: node for node in tree.definitions if isinstance(node, FragmentDefinitionNode)}
    seen: set[str] = set()
    names: dict[str, str] = {}
    waiting = list(selections.selections)
    while waiting:
        node = waiting.pop()
        if isinstance(node, FieldNode):
            key = (node.alias or node.name).value
            if node.name.value != "__typename":
                names[key] = node.name.value
        elif isinstance(node, FragmentSpreadNode):
            if node.name.value not in seen:
                seen.add(node.name.value)
                waiting.extend(fragments[node.name.value].selection_set.selections)
        elif isinstance(node, InlineFragmentNode):
            waiting.extend(node.selection_set.selections)
    return names
