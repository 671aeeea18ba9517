"""Named operations: the documents that can be asked for by name, each once checked at the start, with what it needs and how large it gets.

A file `graph/operations/<name>.graphql` holds one query or mutation of that name. The comment above it is its description, its last line
`# bytes: N` the most bytes that it is answered with, lists as long as the defaults of its variables say. Whoever asks by name sends
variables only; one that the operation does not know is refused, for a misspelt one that is passed over asks for something else.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from graphql import (
    FieldNode,
    GraphQLSchema,
    NonNullTypeNode,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    get_named_type,
    print_ast,
    value_from_ast_untyped,
)

from graph.documents import Document, Documents, scope_of
from graph.execution import Answer, Executor, Request
from trading_bot.domain.commands import Caller
from trading_bot.domain.errors import Scope
from trading_bot.errors.fault import Fault
from workflows.model import OperationFacts

FOLDER = Path(__file__).parents[1] / "operations"
CLOSEST = 3
"""Names that are suggested for one that is not known."""
_NAME = re.compile(r"[a-z][A-Za-z0-9]{0,63}")
_BYTES = re.compile(r"bytes: ([1-9]\d*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One variable of an operation."""

    name: str
    """As it is sent."""
    type: str
    """Its GraphQL type, such as `Int!`."""
    is_required: bool
    """Whether it must be sent."""
    default: Any
    """What stands for it where it is not sent; null where nothing does."""
    description: str
    """What it means, with unit and range: what the schema says of the argument that it is sent as."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedOperation:
    """One document that can be asked for by name."""

    name: str
    """Of the file, of the operation, and what is sent as `documentId`."""
    description: str
    """What it answers, for people and language models."""
    text: str
    """The document."""
    writes: bool
    """Whether it is a mutation."""
    scope: Scope
    """What a key must be allowed for it; a write needs more where its risk is HIGH, and a dry run no more than READ."""
    max_bytes: int
    """Most bytes of its answer, its lists as long as the defaults of its variables say."""
    variables: tuple[Variable, ...]
    """What may be sent with it."""
    root_fields: tuple[str, ...]
    """The root fields that it asks for."""

    @property
    def facts(self) -> OperationFacts:
        """What a workflow must know of it."""
        return OperationFacts(
            name=self.name,
            description=self.description,
            writes=self.writes,
            scope=self.scope,
            variables=tuple(variable.name for variable in self.variables),
            required=tuple(variable.name for variable in self.variables if variable.is_required),
        )


class Operations:
    """All named operations, and the way to carry one out."""

    def __init__(self, known: Mapping[str, NamedOperation], executor: Executor) -> None:
        self.known = known
        self._executor = executor

    def facts(self, name: str) -> OperationFacts | None:
        """What a workflow must know of an operation; null where there is none of that name."""
        known = self.known.get(name)
        return None if known is None else known.facts

    async def run(self, name: str, variables: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        """The answer to an operation as JSON data, with `data` or `errors` or both, as the caller would get it over HTTP.

        Raises QRY_005 for an unknown name, QRY_004 for a variable that the operation does not have.
        """
        prepared = self._executor.read(self.request(name, variables))
        answer = prepared if isinstance(prepared, Answer) else await self._executor.carry_out(prepared, caller)
        return answer.body

    def request(self, name: str, variables: Mapping[str, Any] | None) -> Request:
        """What to carry out for a name and its variables. Raises QRY_005 and QRY_004, as `run`."""
        operation = self.known.get(name)
        if operation is None:
            raise _unknown(name, self.known)
        sent = dict(variables or {})
        names = [variable.name for variable in operation.variables]
        for other in sent:
            if other not in names:
                raise _unknown_variable(other, operation.name, names)
        return Request(query=operation.text, operation_name=operation.name, variables=sent)


def load_operations(documents: Documents, folder: Path = FOLDER) -> dict[str, NamedOperation]:
    """All operations of the folder, by name. Raises SYS_008 with file and line for one that is broken."""
    return {path.stem: _load(documents, path) for path in sorted(folder.glob("*.graphql"))}


def _load(documents: Documents, path: Path) -> NamedOperation:
    text = path.read_text(encoding="utf-8")
    document = _read(documents, path, text)
    operation = _only_operation(document, path)
    root_fields = tuple(node.name.value for node in operation.selection_set.selections if isinstance(node, FieldNode))
    description, max_bytes = _header(path, text)
    writes = operation.operation is OperationType.MUTATION
    return NamedOperation(
        name=path.stem,
        description=description,
        text=text,
        writes=writes,
        scope=_scope(documents.schema, root_fields, path) if writes else Scope.READ,
        max_bytes=max_bytes,
        variables=_variables(documents.schema, operation),
        root_fields=root_fields,
    )


def _read(documents: Documents, path: Path, text: str) -> Document:
    try:
        document = documents.read(text)
    except Fault as fault:
        raise _broken(path, 1, fault.cause) from None
    for error in document.errors:
        line = error.locations[0].line if error.locations else 1
        raise _broken(path, line, error.message)
    return document


def _only_operation(document: Document, path: Path) -> OperationDefinitionNode:
    """The one operation of the document, which must have the file's name."""
    assert document.tree is not None, "a document without errors has a tree"  # noqa: S101
    found = [node for node in document.tree.definitions if isinstance(node, OperationDefinitionNode)]
    if len(found) != 1:
        raise _broken(path, 1, f"Expected one operation, found {len(found)}.")
    (operation,) = found
    line = operation.loc.start_token.line if operation.loc else 1
    name = operation.name.value if operation.name else ""
    if name != path.stem or not _NAME.fullmatch(name):
        raise _broken(path, line, f"Expected the operation to be named `{path.stem}`, in camelCase, was `{name}`.")
    if operation.operation is OperationType.SUBSCRIPTION:
        raise _broken(path, line, "Expected a query or a mutation, was a subscription.")
    return operation


def _header(path: Path, text: str) -> tuple[str, int]:
    """Description and most bytes, from the comment at the top."""
    lines = text.splitlines()
    height = next((n for n, line in enumerate(lines) if not line.startswith("#")), len(lines))
    comment = [line.lstrip("#").strip() for line in lines[:height]]
    size = _BYTES.fullmatch(comment[-1]) if comment else None
    if size is None:
        raise _broken(path, max(height, 1), "Expected `# bytes: N` as the last line of the comment at the top.")
    description = " ".join(comment[:-1])
    if not description:
        raise _broken(path, 1, "Expected a description in the comment at the top.")
    return description, int(size[1])


def _scope(schema: GraphQLSchema, root_fields: tuple[str, ...], path: Path) -> Scope:
    found = scope_of(schema, root_fields[0]) if len(root_fields) == 1 else None
    if not isinstance(found, Scope):
        raise _broken(path, 1, "Expected a mutation of one root field that names the scope that it needs.")
    return found


def _variables(schema: GraphQLSchema, operation: OperationDefinitionNode) -> tuple[Variable, ...]:
    meanings: dict[str, str] = {}
    _note_meanings(operation.selection_set, schema.get_root_type(operation.operation), meanings)
    return tuple(_variable(node, meanings) for node in operation.variable_definitions or ())


def _variable(node: VariableDefinitionNode, meanings: Mapping[str, str]) -> Variable:
    name = node.variable.name.value
    return Variable(
        name=name,
        type=print_ast(node.type),
        is_required=isinstance(node.type, NonNullTypeNode) and node.default_value is None,
        default=None if node.default_value is None else value_from_ast_untyped(node.default_value),
        description=meanings.get(name, ""),
    )


def _note_meanings(selections: SelectionSetNode | None, parent: Any, meanings: dict[str, str]) -> None:
    """Note what the schema says of each argument or input field that is a variable."""
    for node in () if selections is None else selections.selections:
        if isinstance(node, FieldNode) and node.name.value in parent.fields:
            field = parent.fields[node.name.value]
            for argument in node.arguments or ():
                _note_meaning(argument.value, field.args[argument.name.value], meanings)
            _note_meanings(node.selection_set, get_named_type(field.type), meanings)


def _note_meaning(value: ValueNode, place: Any, meanings: dict[str, str]) -> None:
    if isinstance(value, VariableNode):
        meanings.setdefault(value.name.value, place.description or "")
    elif isinstance(value, ObjectValueNode):
        fields = get_named_type(place.type).fields
        for one in value.fields:
            _note_meaning(one.value, fields[one.name.value], meanings)


def _broken(path: Path, line: int, cause: str) -> Fault:
    return Fault("SYS_008", f"{path.name}, line {line}: {cause}", context={"file": path.name, "line": line})


def _unknown(name: str, known: Mapping[str, NamedOperation]) -> Fault:
    lowered = {other.lower(): other for other in known}
    closest = [lowered[found] for found in get_close_matches(name[:100].lower(), lowered, n=CLOSEST, cutoff=0.4)]
    return Fault(
        "QRY_005",
        f"No operation has the name `{name:.40}`.",
        remediation="Send one of the names in context.closest as documentId, or your own document as `query`.",
        context={"field": "documentId", "closest": closest},
    )


def _unknown_variable(name: str, operation: str, names: list[str]) -> Fault:
    closest = get_close_matches(name[:100], names, n=CLOSEST, cutoff=0.4)
    return Fault(
        "QRY_004",
        f"The operation `{operation}` has no variable `{name:.40}`.",
        remediation="Send one of the variables in context.variables; it may be a matter of capitals.",
        context={"field": "variables", "closest": closest, "variables": names},
    )
