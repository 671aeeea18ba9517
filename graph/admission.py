"""Admission: what every operation passes on its way to the executor, whatever door it came through: its key's rate, then its document.

The rate comes first, so that a key that is over it can't have documents parsed. Only what may be a botPause, which has a rate of its own,
is looked at before. What is carried out is counted and traced here, for all doors alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from graph.execution import BRAKE, Answer, Executor, Prepared, Request, answer_of
from graph.guard.rate import Allowance, Rates
from graph.observability.metrics import Metrics
from graph.observability.tracing import Tracing
from trading_bot.domain.commands import Caller

REFUSED = "none"
"""The kind of an operation that was refused before it was known."""

LONGEST_PAUSE = 2_048
"""Characters of a document that is looked at before its key's rate is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """What came of it."""

    caller: Caller
    """Who asks, knowing what is left to it."""
    allowance: Allowance
    outcome: Prepared | Answer
    """What is to be carried out, or why nothing is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Lets operations in."""

    executor: Executor
    rates: Rates
    metrics: Metrics
    tracing: Tracing
    door: str
    """Through which door: http or websocket."""

    def admit(self, request: Request, caller: Caller) -> Admitted:
        """The operation, counted and ready to be carried out, or why not."""
        if BRAKE not in request.query or len(request.query) > LONGEST_PAUSE:
            allowance = self.rates.draw(caller)
            read = self.executor.read(request) if allowance.is_granted else self._refused(allowance)
        else:
            read = self.executor.read(request)
            allowance = self.rates.draw_pause(caller) if _is_pause(read) else self.rates.draw(caller)
            read = read if allowance.is_granted else self._refused(allowance)
        if isinstance(read, Answer):
            self.metrics.operation(None, REFUSED, self.door, is_good=False)
        return Admitted(caller=self.rates.told(caller, allowance), allowance=allowance, outcome=read)

    def read(self, request: Request, caller: Caller) -> Prepared | None:
        """The operation, not counted yet; null where its key has no room, and for what `admit` must look at: refused or perhaps a pause."""
        if BRAKE in request.query or not self.rates.has_room(caller):
            return None
        return self.executor.read_silently(request)

    def at_once(self, prepared: Prepared, caller: Caller, *, is_anew: bool) -> tuple[Answer, Allowance] | None:
        """The answer where it takes no waiting, counted as any operation; null where `admit` and `carry_out` must be called."""
        clock = self.executor.parts.clock
        started = clock.monotonic()
        answer = self.executor.at_once(prepared, caller, is_anew=is_anew) if self.rates.has_room(caller) else None
        if answer is None:
            return None
        allowance = self.rates.draw(caller)
        seconds = clock.monotonic() - started
        self.metrics.operation(prepared.name, prepared.kind.value, self.door, is_good=True, seconds=seconds)
        return answer, allowance

    async def carry_out(self, prepared: Prepared, caller: Caller, headers: Mapping[str, str]) -> Answer:
        """The answer to a query or mutation; the headers may name the trace that it is part of."""
        clock = self.executor.parts.clock
        started = clock.monotonic()
        with self.tracing.operation(prepared.kind.value, prepared.name, headers) as seen:
            answer = await self.executor.carry_out(prepared, caller)
            seen.codes = list(answer.codes)
        seconds = clock.monotonic() - started
        self.metrics.operation(prepared.name, prepared.kind.value, self.door, is_good=not answer.codes, seconds=seconds)
        return answer

    def began(self, prepared: Prepared, headers: Mapping[str, str], codes: tuple[str, ...]) -> None:
        """Count and trace a subscription that was answered for the first time; its span ends here, for it may be open for days."""
        with self.tracing.operation(prepared.kind.value, prepared.name, headers) as seen:
            seen.codes = list(codes)
        self.metrics.operation(prepared.name, prepared.kind.value, self.door, is_good=not codes)

    def _refused(self, allowance: Allowance) -> Answer:
        return answer_of({"errors": [self.executor.shape.of_fault(allowance.refusal())]})


def _is_pause(read: Prepared | Answer) -> bool:
    """Whether it does nothing but pause."""
    return isinstance(read, Prepared) and read.root_fields == {BRAKE}
