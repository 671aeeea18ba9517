"""Kind: what every kind of step can be asked. One module of this folder each."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from trading_bot.domain.commands import RiskLevel
from trading_bot.domain.errors import Scope
from workflows.documents import Place
from workflows.model import Rehearsal, Scene, Step, Wake

SHOWN = 300
"""Characters of the sentence that says what a step would do."""


class Problem(NamedTuple):
    """What keeps a step from being carried out here."""

    place: Place
    """Where it stands within the step."""
    text: str
    """What is wrong, without a full stop."""
    remedy: str
    """What to do."""


class StepKind(Protocol):
    """One kind of step. `given` is what the step's parameters say with references replaced, as far as they are known."""

    def problems(self, step: Step) -> tuple[Problem, ...]:
        """What is wrong with the step here, as far as its definition says."""
        ...

    def risk(self, given: Mapping[str, Any]) -> RiskLevel:
        """How much harm it could do; where a reference still stands, with any value of it."""
        ...

    def writes(self, given: Mapping[str, Any]) -> bool:
        """Whether it could change anything."""
        ...

    async def run(self, given: Mapping[str, Any], scene: Scene) -> dict[str, Any] | Wake:
        """Do it. Raises Fault."""
        ...

    async def rehearse(self, given: Mapping[str, Any], scene: Scene) -> Rehearsal:
        """What `run` would do now."""
        ...


def scope_for(risk: RiskLevel, *, writes: bool) -> Scope:
    """What a key must be allowed for something of this risk."""
    if not writes:
        return Scope.READ
    return Scope.ADMIN if risk is RiskLevel.HIGH else Scope.OPERATE
