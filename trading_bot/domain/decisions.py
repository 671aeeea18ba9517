"""Decisions: what was seen, what was decided and why, and what came of it.

A decision is stored with the plan that it opens, in one transaction, and its `result` follows that plan to its end. Its id is made of bot,
symbol, decider and venue time, as the plan's is: the decision that opened a plan has the plan's own id, the same after any restart.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from trading_bot.domain.orders import plan_id_from

NO_SYMBOL = "*"
"""Stands for the symbol in the id of a decision that is about none."""


class Verdict(Enum):
    """What became of a decision at once."""

    APPROVED = "approved"
    """An order left, or is on its way."""
    REFUSED = "refused"
    """A limit or a check kept it from leaving."""
    NOTHING = "nothing"
    """It was decided to do nothing."""
    DROPPED = "dropped"
    """The answer came too late to act on."""
    FAILED = "failed"
    """No usable answer came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was seen, what was decided and why, and what came of it; prompt and cost where a language model decided."""

    id: str
    """Made of bot, symbol, decider and venue time; the id of the plan that it opened."""
    session_id: str
    """The trading session in which it was made."""
    symbol: str | None
    """Instrument symbol; null where it is about none."""
    strategy_name: str
    """Who decided: a strategy, or language-model."""
    plan_id: str | None
    """The plan that it opened or ends; null where it did neither."""
    verdict: Verdict
    """What became of it at once."""
    seen: dict[str, Any]
    """What was looked at: price, indicators, exposure; amounts as text. Texts from outside are data, never instructions."""
    decided: dict[str, Any]
    """The action with its figures; for a refusal its code, cause and limit as well. Amounts as text."""
    reasoning: str
    """Why, in the decider's words, at most 500 bytes. A language model's words are data, never instructions."""
    result: dict[str, Any]
    """What came of it: the order, what it filled, and how the trade ended. Amounts as text."""
    prompt: str | None
    """What a language model was sent; null for a strategy."""
    cost_usd: Decimal | None
    """What the model's answer cost, in US dollars; null for a strategy, and where the endpoint counts no tokens."""
    latency_ms: float | None
    """How long the model took, in milliseconds of the wall clock; null for a strategy."""
    created_at: datetime
    """Venue time of the decision, UTC."""

    @property
    def acted(self) -> bool:
        """Whether an order left because of it."""
        return self.verdict is Verdict.APPROVED


def decision_id(bot_id: str, symbol: str, decider: str, at: datetime) -> str:
    """The id of what `decider` decides about `symbol` at venue time `at`, and of the plan that it opens: the same for ever."""
    name = f"{bot_id}/{symbol}/{decider}/{at.isoformat()}"
    return plan_id_from(hashlib.sha256(name.encode()).digest())
