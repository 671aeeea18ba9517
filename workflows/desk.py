"""The desk: what callers use of workflows: the library, runs, and what a run's definition means. Made when it is first needed.

Most processes and most requests never touch a workflow, and what runs steps takes a while to import.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workflows.engine import Engine
from workflows.model import Workflow
from workflows.runs import Runs

if TYPE_CHECKING:
    from workflows.library import Library


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """The parts that workflows need."""

    library: "Library"
    """What can be run."""
    runs: Runs
    """Asks for runs and cancels them."""
    engine: Engine
    """Carries runs on."""
    parse: Callable[[dict[str, Any]], Workflow]
    """The workflow that a run's definition means."""


class Desk:
    """Everything about workflows, for any thread."""

    def __init__(self, make: Callable[[], Equipment]) -> None:
        self._make = make
        self._made: Equipment | None = None
        self._making = threading.Lock()

    @property
    def equipment(self) -> Equipment:
        """The parts, made now where nobody needed them before."""
        with self._making:
            if self._made is None:
                self._made = self._make()
            return self._made

    @property
    def runs(self) -> Runs:
        """Asks for runs and cancels them."""
        return self.equipment.runs

    def list(self) -> tuple[Workflow, ...]:
        """All workflows that can be run, by id; one whose file is wrong is not among them."""
        return tuple(self.equipment.library.read().workflows.values())

    def find(self, id: str) -> Workflow | None:
        """The workflow of that id; null where there is none that can be run."""
        return self.equipment.library.read().workflows.get(id)

    def require(self, id: str) -> Workflow:
        """The workflow of that id. QRY_005 with the closest ones where there is none, WF_001 where its file is wrong."""
        return self.equipment.library.find(id)

    def meaning(self, definition: dict[str, Any]) -> Workflow:
        """The workflow that a run's definition means. WF_001 where this release can't read it."""
        return self.equipment.parse(definition)
