"""Sources: what feeds a subscription, made by the resolver of its field."""

from collections.abc import AsyncIterable
from inspect import isawaitable
from typing import Any

from graphql import ExecutionResult, create_source_event_stream
from graphql import Executor as Core

from graph.execution import Executor, Prepared
from graph.live.member import Errors
from resolvers.context import Operation


class CanNotBeginError(Exception):
    """The subscription can't begin, for these errors."""

    def __init__(self, errors: Errors) -> None:
        super().__init__("the subscription can't begin")
        self.errors = errors


async def source_of(executor: Executor, prepared: Prepared, operation: Operation) -> AsyncIterable[Any]:
    """What the resolver of the root field returns; CanNotBeginError where it refuses, or the variables are wrong."""
    core = Core.build(
        executor.schema,
        prepared.tree,
        context_value=operation,
        raw_variable_values=prepared.request.variables,
        operation_name=prepared.request.operation_name,
    )
    if isinstance(core, list):
        raise CanNotBeginError(executor.shape.of_values(core))
    found = create_source_event_stream(core)
    if isawaitable(found):
        found = await found
    if isinstance(found, ExecutionResult):
        raise CanNotBeginError(executor.shape.of_execution(found.errors or []))
    return found
