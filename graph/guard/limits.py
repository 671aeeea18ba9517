"""Limits: how large a document may be, each limit with a code that says which one, how far over, and how to get under it."""

from dataclasses import dataclass

from graph.guard.measure import Measure, Measured
from trading_bot.errors.fault import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How large a document may be; fragments count wherever they are spread."""

    tokens: int = 5_000
    """Words and signs; counted while they are read, so that nothing after the last one is looked at."""
    definitions: int = 50
    """Operations and fragments."""
    depth: int = 12
    """Fields inside each other."""
    introspection_depth: int = 15
    """Fields inside each other below `__schema` and `__type`, beside other fields; an operation of introspection alone may be as deep as a
    document can be at all."""
    root_fields: int = 20
    """Fields at the top."""
    aliases: int = 30
    """Fields under another name."""
    directives: int = 30
    """Uses of directives."""
    selections: int = 400
    """Fields and spreads; what validation compares grows with their square."""
    cost: int = 20_000
    """Fields that the answer may hold, lists counted at their length."""

    def require(self, measured: Measured) -> None:
        """Refuse a document that is over a limit: Fault QRY_020 to QRY_026, the first that it is over."""
        _require("QRY_020", "operations and fragments", measured.definitions, self.definitions)
        for operation in measured.operations.values():
            _require("QRY_023", "root fields", operation.fields, self.root_fields)
        for part in (*measured.operations.values(), *measured.unused):
            self._require_part(part)

    def _require_part(self, part: Measure) -> None:
        if not part.asks_schema_only:
            _require("QRY_021", "levels", part.depth, self.depth)
            _require("QRY_021", "levels of introspection", part.meta_depth, self.introspection_depth)
        _require("QRY_022", "aliases", part.aliases, self.aliases)
        _require("QRY_024", "directives", part.directives, self.directives)
        _require("QRY_025", "selections", part.selections, self.selections)
        _require("QRY_026", "fields in the answer", part.cost, self.cost)


def too_many_tokens(limit: int) -> Fault:
    """A document that was not read to its end."""
    return Fault("QRY_020", f"At most {limit} tokens are read, this has more.", context={"limit": limit})


def too_deep(limit: int) -> Fault:
    """A document that is nested so deeply that it can't even be parsed."""
    return Fault("QRY_021", f"At most {limit} levels are allowed, this has hundreds.", context={"limit": limit})


def _require(code: str, what: str, value: int, limit: int) -> None:
    if value > limit:
        cause = f"At most {limit} {what} are allowed, this has {value}."
        raise Fault(code, cause, context={"limit": limit, "value": value})
