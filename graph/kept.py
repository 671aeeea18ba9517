"""Kept: a bounded memory that a stream of new things can't wash out.

Two queues, as in a segmented LRU: what is new goes through the first, and what is asked for again moves to the second, which has four
fifths of the room. What is asked for once, however often that happens, pushes out other such things only. What falls out of the second
queue gets one more turn in the first.
"""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

PROTECTED = 0.8
"""Share of the room for what was asked for again."""
LARGEST = 0.125
"""Share of the room that one thing may take; what is larger is not kept at all."""


@dataclass(slots=True, kw_only=True)
class Kept(Generic[K, V]):
    """Things by key, at most `room` of them by weight. Used from one thread."""

    room: int
    """How much all of it may weigh, in the unit in which `put` is told weights."""
    weight: int = 0
    """What it weighs now."""
    _new: OrderedDict[K, tuple[V, int]] = field(default_factory=OrderedDict)
    _again: OrderedDict[K, tuple[V, int]] = field(default_factory=OrderedDict)
    _again_weight: int = 0

    def __len__(self) -> int:
        return len(self._new) + len(self._again)

    def get(self, key: K) -> V | None:
        """What is kept under that key; null where nothing is."""
        found = self._again.get(key)
        if found is not None:
            self._again.move_to_end(key)
            return found[0]
        found = self._new.pop(key, None)
        if found is None:
            return None
        self._again[key] = found
        self._again_weight += found[1]
        while self._again_weight > self.room * PROTECTED:
            self._demote()
        return found[0]

    def put(self, key: K, value: V, weight: int = 1) -> None:
        """Keep `value`, which weighs that much, in the place of what was under the key."""
        if weight > self.room * LARGEST:
            self.drop(key)
            return
        before = self._again.get(key)
        if before is not None and before[1] == weight:  # in its place, which is what follows too, only slower
            self._again[key] = (value, weight)
            self._again.move_to_end(key)
            return
        was_asked_again = before is not None
        self.drop(key)
        self._new[key] = (value, weight)
        self.weight += weight
        if was_asked_again:
            self.get(key)
        while self.weight > self.room:
            queue = self._new or self._again
            self.drop(next(iter(queue)))

    def drop(self, key: K) -> None:
        """Let go of what is under that key."""
        found = self._new.pop(key, None)
        if found is None:
            found = self._again.pop(key, None)
            if found is None:
                return
            self._again_weight -= found[1]
        self.weight -= found[1]

    def clear(self) -> None:
        """Let go of everything."""
        self._new.clear()
        self._again.clear()
        self.weight = self._again_weight = 0

    def _demote(self) -> None:
        key, found = self._again.popitem(last=False)
        self._again_weight -= found[1]
        self._new[key] = found
