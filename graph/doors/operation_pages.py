"""The named operations as pages: one of them at the terminal, all of them in docs/operations.md."""

import json
from collections.abc import Iterable

from graph.doors.operations import NamedOperation, Variable

HEAD = """# Named operations

Documents that are kept by the API, each under a name: POST `{"documentId": NAME, "variables": {…}}` to `/graphql`, or for a query
`GET /graphql?documentId=NAME&variables={…}`. Each was checked against the schema when the API started. A variable that an operation does
not have is refused, with the closest that it has. This page is written by `botgraph operations --markdown`.

*Largest answer* is the most bytes that it is answered with, its lists as long as the defaults of its variables say; most answers are a
tenth of that. A write of risk HIGH needs the scope ADMIN, and a dry run no more than READ.
"""


def page(operations: Iterable[NamedOperation]) -> str:
    """All operations as one Markdown page, what reads before what writes."""
    known = list(operations)
    parts = [HEAD]
    for title, writes in (("Read", False), ("Write", True)):
        parts.append(f"\n## {title}\n")
        parts.extend(_entry(operation) for operation in known if operation.writes is writes)
    return "".join(parts)


def lines(operation: NamedOperation) -> list[str]:
    """One operation as lines of text."""
    facts = f"Scope {operation.scope.value}; largest answer {operation.max_bytes:,} bytes."
    return [operation.description, facts, *(f"  ${one.name}: {_told(one)}" for one in operation.variables)]


def _entry(operation: NamedOperation) -> str:
    facts = f"Scope {operation.scope.value}. Largest answer: {operation.max_bytes:,} bytes."
    head = f"\n### {operation.name}\n\n{operation.description} {facts}\n"
    if not operation.variables:
        return head
    rows = "".join(f"| `{one.name}` | {_type(one)} | {one.description} |\n" for one in operation.variables)
    return f"{head}\n| variable | type | what it means |\n| --- | --- | --- |\n{rows}"


def _told(variable: Variable) -> str:
    return f"{variable.type}{_default(variable)}. {variable.description}"


def _type(variable: Variable) -> str:
    return f"`{variable.type}{_default(variable)}`"


def _default(variable: Variable) -> str:
    return "" if variable.default is None else f" = {json.dumps(variable.default)}"
