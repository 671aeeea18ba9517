"""Writer: what one subscription's values look like as payloads, for everyone who shares it."""

from dataclasses import dataclass, field

from graph.execution import Answer, Executor, Prepared
from graph.live.member import Errors
from graph.live.payload import Payload
from graph.live.sources import CanNotBeginError
from graph.plan.parts import Kept
from resolvers.context import Operation
from trading_bot.domain.commands import Caller
from trading_bot.errors.fault import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One value, as it is sent."""

    payload: Payload
    codes: tuple[str, ...]
    """Of its errors."""


@dataclass(slots=True, kw_only=True)
class Writer:
    """Writes the values of one shared subscription."""

    executor: Executor
    prepared: Prepared
    caller: Caller
    """Nobody in particular: with the scope and the budget that all who share it have."""
    keeps_parts: bool = False
    """Whether a value is mostly like the one before, as a state is and an event is not."""
    _kept: Kept = field(default_factory=dict)
    _last_raw: bytes = b""
    """Before its budget was looked at."""
    _last: Written | None = None

    def operation(self) -> Operation:
        """An operation to write in."""
        return Operation(self.executor.parts, self.caller)

    async def write(self, value: object, operation: Operation) -> Written:
        """`value` as it is sent; a Fault is an answer that says so. Bytes that did not change are the same payload."""
        self.executor.parts.counters.written += 1
        kept = self._kept if self.keeps_parts else None
        answer: Answer = await self.executor.event_bytes(self.prepared, operation, value, kept)
        if self._last is None or self._last_raw != answer.raw:
            self._last_raw = answer.raw
            answer = self.executor.within_budget(self.prepared, self.caller, answer)
            self._last = Written(payload=Payload(answer.raw), codes=answer.codes)
        return self._last

    def errors(self, error: Exception) -> Errors:
        """What a subscription that can't go on ends with."""
        if isinstance(error, CanNotBeginError):
            return error.errors
        if isinstance(error, Fault):
            return [self.executor.shape.of_fault(error)]
        return [self.executor.shape.of_unexpected(error)]
