"""Execution: one operation carried out, its failures in the one error shape. Doors know bytes, this knows GraphQL."""

from dataclasses import dataclass, replace
from typing import Any

import orjson
import strawberry
from graphql import ExecutionResult, GraphQLSchema, OperationDefinitionNode, OperationType, execute
from graphql.pyutils import AwaitableOrValue

from graph.answers import Answers, Form, Subject
from graph.documents import Document, Documents, require_guarded
from graph.guard import budget
from graph.guard.errors import ErrorShape
from graph.guard.json import as_json
from graph.plan.parts import Kept
from graph.plan.plan import Ready
from resolvers.context import Operation, Parts
from resolvers.memory import Memory
from resolvers.versions import Versions
from trading_bot.domain.commands import Caller
from trading_bot.errors.fault import Fault

BRAKE = "botPause"
"""The emergency brake: the one write that nothing holds up, neither rate nor budget."""
OF_FACTS = frozenset({"botState", "botSummary"})
"""Root fields that need no view of the store where the facts of its present state are remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a caller wants carried out."""

    query: str
    operation_name: str | None = None
    variables: dict[str, Any] | None = None
    wants_budget: bool = False
    """Whether the answer is to say how many of the key's bytes it takes."""
    wants_anew: bool = False
    """Whether the answer is to be made anew, though it was given before."""


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
    answers: Answers

    def read(self, request: Request) -> "Prepared | Answer":
        """The operation that is asked for, or why it can't be carried out."""
        try:
            document = self.documents.read(request.query, request.variables)
            return self._prepared(document, request) or _refused(self.shape.of_document(list(document.errors)))
        except Fault as fault:
            return _refused([self.shape.of_fault(fault)])

    def read_silently(self, request: Request) -> "Prepared | None":
        """The operation that is asked for; null, and no error is counted, where `read` must say why it can't be carried out."""
        try:
            return self._prepared(self.documents.read(request.query, request.variables), request)
        except Fault:
            return None

    def _prepared(self, document: Document, request: Request) -> "Prepared | None":
        if document.tree is None:
            return None
        chosen = document.chosen(request.operation_name)
        require_guarded(self.schema, document.tree, chosen.node)
        return Prepared(
            document=document, kind=chosen.node.operation, request=request, subject=_subject(chosen.form, request)
        )

    async def carry_out(self, prepared: "Prepared", caller: Caller) -> Answer:
        """The answer to a query or mutation; QRY_027 for one of too many bytes, and for a write that may get one before it is begun."""
        too_large = self._refused_write(prepared, caller)
        if too_large is not None:
            return self._too_large(prepared, caller, too_large)
        if prepared.subject is None:
            return self.within_budget(prepared, caller, await self._made(prepared, caller, None))
        versions = self._memory.versions.now() or await self._memory.versions.read()
        answer = self._found(prepared, prepared.subject, caller, versions)
        if answer is None:
            answer = await self._kept(prepared, prepared.subject, caller, versions)
        return self.within_budget(prepared, caller, answer)

    def at_once(self, prepared: "Prepared", caller: Caller, *, is_anew: bool) -> Answer | None:
        """The answer that was given before, or one made of remembered facts, where it is whole, fits, and takes no waiting."""
        subject, versions = prepared.subject, self._memory.versions.now()
        if subject is None or versions is None:
            return None
        answer = None if is_anew else self._found(prepared, subject, caller, versions)
        if answer is None:
            answer = self._made_at_once(prepared, subject, caller, versions)
        # What is too large is for `carry_out`: what would fit takes longer to find than the answer itself.
        if answer is None or len(answer.raw) > caller.max_response_bytes:
            return None
        answer = self.within_budget(prepared, caller, answer)
        return answer if answer.began else None

    def _made_at_once(
        self, prepared: "Prepared", subject: Subject, caller: Caller, versions: Versions
    ) -> Answer | None:
        plan = prepared.plan if prepared.root_fields <= OF_FACTS else None
        if plan is None:
            return None
        since, operation = self.parts.clock.now(), Operation(self.parts, caller)
        operation.snapshot.at = versions
        operation.snapshot.is_closed = True
        raw = plan.answer_at_once(operation)
        operation.end()
        if raw is None:
            return None
        self.answers.counters.cache_misses += 1
        self.answers.keep(versions, subject, caller.scope, raw, since=since)
        return Answer(raw=raw, kind=prepared.kind, began=True)

    @property
    def _memory(self) -> Memory:
        return self.parts.memory

    def _found(
        self, prepared: "Prepared", subject: Subject, caller: Caller, versions: Versions | None
    ) -> Answer | None:
        if versions is None or prepared.request.wants_anew:
            return None
        raw = self.answers.find(versions, subject, caller.scope)
        return None if raw is None else Answer(raw=raw, kind=prepared.kind, began=True)

    async def _kept(self, prepared: "Prepared", subject: Subject, caller: Caller, versions: Versions | None) -> Answer:
        """An answer that is made, and kept where it is whole and of the store as it is."""
        self.answers.counters.cache_misses += 1
        since, outages = self.parts.clock.now(), self._memory.outages
        answer = await self._made(prepared, caller, versions)
        if versions is not None and not answer.codes and outages == self._memory.outages:
            self.answers.keep(versions, subject, caller.scope, answer.raw, since=since)
        return answer

    async def _made(self, prepared: "Prepared", caller: Caller, versions: Versions | None) -> Answer:
        """An answer that is made."""
        operation = Operation(self.parts, caller)
        if prepared.root_fields <= OF_FACTS:
            operation.snapshot.at = versions
        if prepared.subject is not None and versions is None:
            operation.snapshot.failure = self._memory.versions.failure
        try:
            return await self._answered(prepared, operation)
        finally:
            await operation.close()
            operation.end()

    async def _answered(self, prepared: "Prepared", operation: Operation) -> Answer:
        """The answer by a plan, or else by graphql-core."""
        plan = None if prepared.kind is OperationType.MUTATION else prepared.plan
        raw = None if plan is None else await plan.answer(operation)
        if raw is not None:
            return Answer(raw=raw, kind=prepared.kind, began=True)
        result = self._execute(prepared, operation)
        return answer_of(self._body(result if isinstance(result, ExecutionResult) else await result), prepared.kind)

    async def event_bytes(
        self, prepared: "Prepared", operation: Operation, event: object, kept: Kept | None = None
    ) -> Answer:
        """The answer for one event of a subscription, errors in it included, the same for everyone: compare it with each one's budget.

        A Fault as the event is an answer that says so. `operation` gives the view of the store and the moment. What
        `kept` has of the event before, of the same operation and variables, is not written again.
        """
        plan = None if isinstance(event, Exception) else prepared.plan
        raw = None if plan is None else plan.event(event, operation, kept)
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
    subject: Subject | None = None
    """What its answer depends on beside the books; null where it is made anew each time."""

    def for_anyone(self) -> "Prepared":
        """The same, whether its answer was to be made anew this time or not."""
        if not self.request.wants_anew:
            return self
        return replace(self, request=replace(self.request, wants_anew=False))

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
    answers = Answers(clock=parts.clock, memory=parts.memory, counters=parts.counters)
    return Executor(schema=core, documents=Documents(schema=core), parts=parts, shape=shape, answers=answers)


def _subject(form: Form | None, request: Request) -> Subject | None:
    if form is None:
        return None
    try:
        variables = as_json(request.variables, option=orjson.OPT_SORT_KEYS) if request.variables else b""
    except TypeError:  # JSON is read to any depth, and written to 254 levels
        return None
    return Subject(form=form, operation_name=request.operation_name, variables=variables)


def _refused(errors: list[dict[str, Any]]) -> Answer:
    return answer_of({"errors": errors})
