"""Execution: one operation carried out, its failures in the one error shape. Doors know bytes, this knows GraphQL."""

from dataclasses import dataclass, replace
from typing import Any

import orjson
import strawberry
from graphql import ExecutionResult, GraphQLSchema, OperationDefinitionNode, OperationType, execute
from graphql.pyutils import AwaitableOrValue

from graph.documents import Document, Documents, require_guarded
from graph.guard import budget
from graph.guard.errors import ErrorShape
from graph.guard.json import as_json
from graph.plan.plan import Ready
from resolvers.context import Operation, Parts
from trading_bot.domain.commands import Caller
from trading_bot.errors.fault import Fault

BRAKE = "botPause"
"""The emergency brake: the one write that nothing holds up, neither rate nor budget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a caller wants carried out."""

    query: str
    operation_name: str | None = None
    variables: dict[str, Any] | None = None
    wants_budget: bool = False
    """Whether the answer is to say how many of the key's bytes it takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of it: `data` where execution began, `errors` where something failed."""

    raw: bytes
    """The body as it is sent, compact JSON."""
    kind: OperationType | None
    """Null where no operation was found."""
    began: bool
    """Whether execution began; else the request as a whole was refused."""
    codes: tuple[str, ...] = ()
    """The codes of its errors; empty for an answer that is whole."""

    @property
    def body(self) -> dict[str, Any]:
        """The body, read again."""
        found: dict[str, Any] = orjson.loads(self.raw)
        return found


def answer_of(body: dict[str, Any], kind: OperationType | None = None) -> Answer:
    """The answer with that body."""
    codes = tuple(str(error["extensions"]["errorCode"]) for error in body.get("errors", ()))
    return Answer(raw=as_json(body), kind=kind, began="data" in body, codes=codes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Executor:
    """Carries operations out."""

    schema: GraphQLSchema
    documents: Documents
    parts: Parts
    shape: ErrorShape

    def read(self, request: Request) -> "Prepared | Answer":
        """The operation that is asked for, or why it can't be carried out."""
        try:
            document = self.documents.read(request.query, request.variables)
            if document.tree is None:
                return _refused(self.shape.of_document(list(document.errors)))
            operation = document.chosen(request.operation_name).node
            require_guarded(self.schema, document.tree, operation)
        except Fault as fault:
            return _refused([self.shape.of_fault(fault)])
        return Prepared(document=document, kind=operation.operation, request=request)

    async def carry_out(self, prepared: "Prepared", caller: Caller) -> Answer:
        """The answer to a query or mutation; QRY_027 for one of too many bytes, and for a write that may get one before it is begun."""
        too_large = self._refused_write(prepared, caller)
        if too_large is not None:
            return self._too_large(prepared, caller, too_large)
        operation = Operation(self.parts, caller)
        try:
            answer = await self._answered(prepared, operation)
        finally:
            await operation.close()
        return self.within_budget(prepared, caller, answer)

    async def _answered(self, prepared: "Prepared", operation: Operation) -> Answer:
        """The answer by a plan, or else by graphql-core."""
        plan = None if prepared.kind is OperationType.MUTATION else prepared.plan
        raw = None if plan is None else await plan.answer(operation)
        if raw is not None:
            return Answer(raw=raw, kind=prepared.kind, began=True)
        result = self._execute(prepared, operation)
        return answer_of(self._body(result if isinstance(result, ExecutionResult) else await result), prepared.kind)

    async def event_bytes(self, prepared: "Prepared", operation: Operation, event: object) -> Answer:
        """The answer for one event of a subscription, errors in it included, the same for everyone: compare it with each one's budget.

        A Fault as the event is an answer that says so. `operation` gives the view of the store and the moment.
        """
        plan = None if isinstance(event, Exception) else prepared.plan
        raw = None if plan is None else plan.event(event, operation)
        if raw is not None:
            return Answer(raw=raw, kind=prepared.kind, began=True)
        result = self._execute(prepared, operation, event)
        return answer_of(self._body(result if isinstance(result, ExecutionResult) else await result), prepared.kind)

    def _execute(
        self, prepared: "Prepared", operation: Operation, event: object = None
    ) -> AwaitableOrValue[ExecutionResult]:
        return execute(
            self.schema,
            prepared.tree,
            root_value=event,
            context_value=operation,
            variable_values=prepared.request.variables,
            operation_name=prepared.request.operation_name,
        )

    def _body(self, result: ExecutionResult) -> dict[str, Any]:
        errors = result.errors or []
        if not errors:
            return {"data": result.data}
        if result.data is None and all(error.path is None for error in errors):
            return {"errors": self.shape.of_values(errors)}
        return {"errors": self.shape.of_execution(errors), "data": result.data}

    def within_budget(self, prepared: "Prepared", caller: Caller, answer: Answer) -> Answer:
        """The answer, or in its place what was heavy in it and what would fit. A write that ran is always answered."""
        limit = caller.max_response_bytes
        if prepared.request.wants_budget:
            answer = replace(answer, raw=budget.told(answer.raw, limit))
        if len(answer.raw) <= limit or prepared.kind is OperationType.MUTATION or prepared.asks_schema_only:
            return answer
        body = answer.body
        if not body.get("data"):
            return answer
        refusal = budget.of_answer(self.schema, prepared.tree, prepared.operation, body, limit)
        return self._too_large(prepared, caller, refusal)

    def _refused_write(self, prepared: "Prepared", caller: Caller) -> budget.Refusal | None:
        """Why a write is not begun: its answer might be too large. The emergency brake always is."""
        if prepared.kind is not OperationType.MUTATION or prepared.root_fields == {BRAKE}:
            return None
        variables, limit = prepared.request.variables, caller.max_response_bytes
        return budget.of_write(self.schema, prepared.tree, prepared.operation, variables, limit)

    def _too_large(self, prepared: "Prepared", caller: Caller, refusal: budget.Refusal) -> Answer:
        entry = refusal.completed(self.shape.of_fault(refusal.fault), caller.max_response_bytes)
        if prepared.kind is OperationType.SUBSCRIPTION:  # the next event may fit
            return answer_of({"errors": [entry], "data": None}, prepared.kind)
        return answer_of({"errors": [entry]}, prepared.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An operation that may be carried out."""

    document: Document
    kind: OperationType
    request: Request

    @property
    def tree(self) -> Any:
        """The parsed document."""
        return self.document.tree

    @property
    def operation(self) -> OperationDefinitionNode:
        """What is carried out of it."""
        return self.document.chosen(self.request.operation_name).node

    @property
    def plan(self) -> Ready | None:
        """The operation compiled, with the variables of this request; null for what graphql-core must answer."""
        return self.document.chosen(self.request.operation_name).plans.of(self.request.variables)

    @property
    def name(self) -> str | None:
        """What the operation is called in the document."""
        return self.operation.name.value if self.operation.name else None

    @property
    def root_fields(self) -> frozenset[str]:
        """The names of the root fields that it asks for."""
        return self.document.chosen(self.request.operation_name).root_fields

    @property
    def asks_schema_only(self) -> bool:
        """Whether it is of introspection alone."""
        measured = self.document.measured
        return measured is not None and measured.asks_schema_only(self.request.operation_name)


def executor(schema: strawberry.Schema, parts: Parts, shape: ErrorShape) -> Executor:
    """An executor of `schema`."""
    core: GraphQLSchema = schema._schema  # noqa: SLF001 (Strawberry builds it, and has no other name for it)
    return Executor(schema=core, documents=Documents(schema=core), parts=parts, shape=shape)


def _refused(errors: list[dict[str, Any]]) -> Answer:
    return answer_of({"errors": errors})
