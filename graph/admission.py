"""Admission: what every operation passes on its way to the executor, whatever door it came through: its key's rate, then its document.

The rate comes first, so that a key that is over it can't have documents parsed. Only what may be a botPause, which has a rate of its own,
is looked at before.
"""

from dataclasses import dataclass

from graph.execution import BRAKE, Answer, Executor, Prepared, Request
from graph.guard.rate import Allowance, Rates
from trading_bot.domain.commands import Caller

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

    def admit(self, request: Request, caller: Caller) -> Admitted:
        """The operation, counted and ready to be carried out, or why not."""
        if BRAKE not in request.query or len(request.query) > LONGEST_PAUSE:
            allowance = self.rates.draw(caller)
            read = self.executor.read(request) if allowance.is_granted else self._refused(allowance)
        else:
            read = self.executor.read(request)
            allowance = self.rates.draw_pause(caller) if _is_pause(read) else self.rates.draw(caller)
            read = read if allowance.is_granted else self._refused(allowance)
        return Admitted(caller=self.rates.told(caller, allowance), allowance=allowance, outcome=read)

    def _refused(self, allowance: Allowance) -> Answer:
        return Answer(body={"errors": [self.executor.shape.of_fault(allowance.refusal())]}, kind=None)


def _is_pause(read: Prepared | Answer) -> bool:
    """Whether it does nothing but pause."""
    return isinstance(read, Prepared) and read.root_fields == {BRAKE}
