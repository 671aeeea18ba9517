"""Injected faults: misbehaviour on purpose, drawn by hash, so that a run can be repeated to the letter."""

import hashlib
from dataclasses import dataclass
from typing import Literal

from trading_bot.domain.config import FaultRates

FaultKind = Literal["rate_limit", "timeout", "rejection", "stale_feed", "partial_fill", "disconnect"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """How often each kind strikes, and the seed by which it does."""

    seed: int
    """Another seed strikes elsewhere."""
    rates: FaultRates
    """Share of attempts, by kind."""

    def strikes(self, kind: FaultKind, what: str, attempt: int | str) -> bool:
        """Whether this attempt at `what` (an order's client id, or a call with its venue time) goes wrong in this way."""
        rate: float = getattr(self.rates, kind)
        return rate > 0 and self.share(kind, what, attempt) < rate

    def share(self, kind: str, what: str, attempt: int | str) -> float:
        """A number from 0 up to 1 that belongs to this attempt."""
        digest = hashlib.sha256(f"{self.seed}/{kind}/{what}/{attempt}".encode()).digest()
        return int.from_bytes(digest[:6]) / 2**48
