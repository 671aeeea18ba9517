"""Byte budget: an answer that is larger than its key's is not sent; what is sent instead says which fields were heavy, and what would fit.

The narrower document is made from the answer itself: lists that take `first` are shortened, the heaviest first, and only when each has one
element left are fields dropped, again the heaviest first. Each step is tried on the answer at hand, so what is offered does fit, with a
tenth to spare for what changes meanwhile.
"""

from dataclasses import dataclass, field
from typing import Any

from graphql import DocumentNode, FragmentDefinitionNode, GraphQLSchema, OperationDefinitionNode

from graph.guard.json import as_json
from graph.guard.picks import Path, Picks, picks_of
from graph.sizes import largest_answer
from trading_bot.errors.fault import Fault

CODE = "QRY_027"
SHOWN_FIELDS = 5
SPARED = 0.1
MOST_STEPS = 40
"""Trials, each of which writes a smaller answer than the one before."""
SPINE = 0.8
"""A field that holds more than this share of the answer is not named itself, but what is in it."""
REFUSAL_BYTES = 4_096
"""A refusal may have as many bytes as the budget, but at least this many: it is no use cut short."""


def told(raw: bytes, limit: int) -> bytes:
    """The body `raw` with what it takes of the budget, these words included."""
    beside = len(_words(0, limit)) - 1
    rest = len(raw) + beside
    digits = len(str(rest))
    used = rest + digits + (len(str(rest + digits)) > digits)
    return raw[:-1] + _words(used, limit) + b"}"


def _words(used: int, limit: int) -> bytes:
    return b',"extensions":{"budget":{"used":%d,"max":%d}}' % (used, limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why an answer is not sent, and what would be."""

    fault: Fault
    heaviest: list[dict[str, Any]]
    """The heaviest fields, at most five: `field`, a path without places in lists, and `bytes`, over all elements."""
    narrower: str | None
    """A document that fits; null where none does."""

    def completed(self, entry: dict[str, Any], limit: int) -> dict[str, Any]:
        """`entry`, which shows the fault, with what would be sent; without the document where that would be too long itself."""
        extensions = entry["extensions"]
        for context in (
            {**extensions["context"], "heaviest": self.heaviest, "narrower": self.narrower},
            {**extensions["context"], "heaviest": self.heaviest},
        ):
            complete = {**entry, "extensions": {**extensions, "context": context}}
            if len(as_json({"errors": [complete]})) <= max(limit, REFUSAL_BYTES):
                return complete
        return entry


def of_answer(
    schema: GraphQLSchema, tree: DocumentNode, operation: OperationDefinitionNode, body: dict[str, Any], limit: int
) -> Refusal:
    """Why `body`, which has more than `limit` bytes, is not sent."""
    used = len(as_json(body))
    picks = picks_of(schema, tree, operation)
    data = body.get("data") or {}
    beside = used - len(as_json(data))
    cause = f"The answer has {used} bytes, the key may be sent {limit}."
    return Refusal(
        fault=Fault(CODE, cause, context={"limit": limit, "bytes": used}),
        heaviest=_heaviest(_weights(data, picks.leaves()), used),
        narrower=_narrowed(picks, data, round(limit * (1 - SPARED)) - beside),
    )


def of_write(
    schema: GraphQLSchema,
    tree: DocumentNode,
    operation: OperationDefinitionNode,
    variables: dict[str, Any] | None,
    limit: int,
) -> Refusal | None:
    """Why a write is not begun: its answer could have more than `limit` bytes. Null when it could not."""
    fragments = tuple(node for node in tree.definitions if isinstance(node, FragmentDefinitionNode))
    worst = largest_answer(schema, DocumentNode(definitions=(operation, *fragments)), variables)
    if worst <= limit:
        return None
    picks = picks_of(schema, tree, operation)
    weights = {path: worst - _largest(schema, picks.without({path}), variables) for path in _droppable(picks)}
    dropped: set[Path] = set()
    for path in sorted(weights, key=lambda path: -weights[path]):
        dropped.add(path)
        left = picks.without(dropped)
        if left.top and _largest(schema, left, variables) <= limit:
            break
    fits = picks.without(dropped)
    cause = f"The answer to this write could have {worst} bytes, the key may be sent {limit}."
    return Refusal(
        fault=Fault(CODE, cause, impact="Nothing was changed.", context={"limit": limit, "bytes": worst}),
        heaviest=_shown(weights),
        narrower=fits.document({}) if fits.top and _largest(schema, fits, variables) <= limit else None,
    )


def _droppable(picks: Picks) -> set[Path]:
    """What may be left out of a write's answer: anything but the write itself."""
    return {pick.path for pick in picks.all() if len(pick.path) > 1}


def _largest(schema: GraphQLSchema, picks: Picks, variables: dict[str, Any] | None) -> int:
    """The most bytes that what is left can be answered with."""
    return largest_answer(schema, DocumentNode(definitions=(picks.node({}),)), variables)


def _weights(value: Any, leaves: set[Path]) -> dict[Path, int]:
    """The bytes of every field that was answered, over all elements of lists."""
    weights: dict[Path, int] = {}
    _weigh(value, (), leaves, weights)
    return weights


def _weigh(value: Any, path: Path, leaves: set[Path], weights: dict[Path, int]) -> int:
    if path in leaves or not isinstance(value, dict | list):
        return len(as_json(value))
    if isinstance(value, list):
        return 2 + sum(1 + _weigh(element, path, leaves, weights) for element in value)
    total = 2
    for key, inner in value.items():
        here = (*path, key)
        size = len(key.encode()) + len('"":,') + _weigh(inner, here, leaves, weights)
        weights[here] = weights.get(here, 0) + size
        total += size
    return total


def _heaviest(weights: dict[Path, int], used: int) -> list[dict[str, Any]]:
    """The fields worth leaving out: not those that hold nearly all, but what is in them."""
    shown: dict[Path, int] = {path: size for path, size in weights.items() if len(path) == 1}
    while shown:
        path = max(shown, key=lambda one: shown[one])
        inner = {one: size for one, size in weights.items() if len(one) == len(path) + 1 and one[: len(path)] == path}
        if shown[path] <= SPINE * used or not inner:
            break
        del shown[path]
        shown |= inner
    return _shown(shown)


def _shown(weights: dict[Path, int]) -> list[dict[str, Any]]:
    heaviest = sorted(weights, key=lambda path: (-weights[path], path))[:SHOWN_FIELDS]
    return [{"field": ".".join(path), "bytes": weights[path]} for path in heaviest]


def _narrowed(picks: Picks, data: Any, room: int) -> str | None:
    """A document whose answer has at most `room` bytes, tried on `data`; null where nothing of it would be left."""
    trial = _Trial(picks=picks, data=data)
    for _ in range(MOST_STEPS):
        used = len(as_json(trial.data))
        if used <= room:
            return trial.picks.document(trial.lengths)
        if not (trial.shorten(used, room) or trial.drop(used, room)):
            return None
    return None


@dataclass(slots=True, kw_only=True)
class _Trial:
    """What is left of a selection and of its answer."""

    picks: Picks
    data: Any
    lengths: dict[Path, int] = field(default_factory=dict)

    def shorten(self, used: int, room: int) -> bool:
        """Shorten the heaviest list that takes `first`, to what fits by its share; false where each has one element only.

        Lists beside it that come to one element as surely go with it: to weigh everything anew for each of them takes too long.
        """
        sized = self.picks.sized()
        counts: dict[Path, int] = {}
        _count(self.data, (), sized, counts)
        weights = _weights(self.data, self.picks.leaves())
        longer = {path: weights.get(path, 0) for path, count in counts.items() if count > 1}
        if not longer:
            return False
        cut: dict[Path, int] = {}
        excess = used - room
        for path in sorted(longer, key=lambda one: -longer[one]):
            if cut and (longer[path] > excess or any(_are_nested(path, other) for other in cut)):
                break
            share = max(0.0, (longer[path] - excess) / longer[path])
            cut[path] = max(1, min(counts[path] - 1, int(counts[path] * share)))
            excess -= longer[path]
        self.lengths |= cut
        self.data = _shortened(self.data, (), cut)
        return True

    def drop(self, used: int, room: int) -> bool:
        """Drop the heaviest leaves until what is left fits by their weight; false where only one is left."""
        leaves = self.picks.leaves()
        weights = _weights(self.data, leaves)
        heaviest = sorted(leaves, key=lambda path: (-weights.get(path, 0), path))[: len(leaves) - 1]
        dropped: set[Path] = set()
        for path in heaviest:
            if used <= room:
                break
            dropped.add(path)
            used -= weights.get(path, 0)
        self.picks = self.picks.without(dropped)
        self.data = _kept(self.data, (), {pick.path for pick in self.picks.all()}, self.picks.leaves())
        return bool(dropped)


def _count(value: Any, path: Path, sized: set[Path], counts: dict[Path, int]) -> None:
    """The longest of the lists of each field that takes `first`."""
    if isinstance(value, list):
        for element in value:
            _count(element, path, sized, counts)
    elif isinstance(value, dict):
        for key, inner in value.items():
            here = (*path, key)
            if here in sized:
                lists = inner.values() if isinstance(inner, dict) else [inner]
                counts[here] = max(counts.get(here, 0), *(len(one) if isinstance(one, list) else 0 for one in lists), 0)
            _count(inner, here, sized, counts)


def _are_nested(one: Path, other: Path) -> bool:
    """Whether one of the two stands in the other."""
    return all(mine == theirs for mine, theirs in zip(one, other, strict=False))


def _shortened(value: Any, path: Path, lengths: dict[Path, int]) -> Any:
    """`value` with the lists of these fields cut, none of which stands in another."""
    length = lengths.get(path)
    if length is not None:
        if isinstance(value, list):
            return value[:length]
        if isinstance(value, dict):
            return {key: one[:length] if isinstance(one, list) else one for key, one in value.items()}
        return value
    if isinstance(value, list):
        return [_shortened(element, path, lengths) for element in value]
    if isinstance(value, dict):
        return {key: _shortened(inner, (*path, key), lengths) for key, inner in value.items()}
    return value


def _kept(value: Any, path: Path, paths: set[Path], leaves: set[Path]) -> Any:
    """`value` without the fields that are not selected any more."""
    if isinstance(value, list) and path not in leaves:
        return [_kept(element, path, paths, leaves) for element in value]
    if isinstance(value, dict) and path not in leaves:
        return {key: _kept(inner, (*path, key), paths, leaves) for key, inner in value.items() if (*path, key) in paths}
    return value
