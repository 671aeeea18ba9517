"""Error shape: what leaves the process when something fails: always a SemanticError, never the text of an exception."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from graphql import GraphQLError, GraphQLSyntaxError
from structlog.typing import FilteringBoundLogger

from trading_bot.domain.errors import SemanticError
from trading_bot.errors.fault import Fault
from trading_bot.errors.shape import shown

SHOWN_ERRORS = 10
"""Most errors that one answer lists: a document of ten thousand mistakes gets a short answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorShape:
    """Turns failures into what a caller is shown."""

    now: Callable[[], datetime]
    log: FilteringBoundLogger
    """Where the record of a masked fault goes."""
    count: Callable[[str], None] = lambda code: None
    """Told the code of each error that is shown."""

    def of_fault(self, fault: Fault) -> dict[str, Any]:
        """One entry of `errors` for a failure that has no place in a document."""
        return self._entry(fault)

    def of_unexpected(self, error: BaseException) -> dict[str, Any]:
        """One entry for a fault of our own; its record is in the log under the same id."""
        return self.of_fault(self._masked(error))

    def of_document(self, errors: list[GraphQLError]) -> list[dict[str, Any]]:
        """Entries for a document that can't be executed."""
        return [self._located(error, _document_fault(error)) for error in errors[:SHOWN_ERRORS]]

    def of_values(self, errors: list[GraphQLError]) -> list[dict[str, Any]]:
        """Entries for variables that don't have the values that they must."""
        return [
            self._located(error, Fault("QRY_004", error.message, message=error.message))
            for error in errors[:SHOWN_ERRORS]
        ]

    def of_execution(self, errors: list[GraphQLError]) -> list[dict[str, Any]]:
        """Entries for fields that failed. Faults of our own in one answer share one record, that of the first."""
        masked: Fault | None = None
        entries = []
        for error in errors[:SHOWN_ERRORS]:
            fault = _field_fault(error) or masked
            if fault is None:
                fault = masked = self._masked(error.original_error or error)
            entries.append(self._located(error, fault))
        return entries

    def _masked(self, error: BaseException) -> Fault:
        fault_id = uuid4().hex
        self.log.error("fault", fault_id=fault_id, exc_info=error)
        return Fault("SYS_001", "An unexpected fault of the API.", context={"fault_id": fault_id})

    def _located(self, error: GraphQLError, fault: Fault) -> dict[str, Any]:
        entry = self._entry(fault)
        if error.locations:
            entry["locations"] = [location.formatted for location in error.locations[:SHOWN_ERRORS]]
        if error.path is not None:
            entry["path"] = error.path
        return entry

    def _entry(self, fault: Fault) -> dict[str, Any]:
        self.count(fault.code)
        return _entry(fault.semantic(now=self.now()))


def _field_fault(error: GraphQLError) -> Fault | None:
    """What the field failed for; null where that is a fault of our own."""
    match error.original_error:
        case Fault() as fault:
            return fault
        case None if error.message.startswith("Argument "):
            return Fault("QRY_004", error.message, message=error.message)
        case _:
            return None


def _document_fault(error: GraphQLError) -> Fault:
    code = "QRY_002" if isinstance(error, GraphQLSyntaxError) else "QRY_003"
    return Fault(code, error.message, message=error.message)


def _entry(error: SemanticError) -> dict[str, Any]:
    extensions = shown(error)
    return {"message": extensions.pop("message"), "extensions": extensions}
