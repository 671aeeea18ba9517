"""Language model: asked for advice in one situation, at a cost and in a time that are measured. It never raises for what it answers."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import structlog

from trading_bot.clock import Clock
from trading_bot.deciders.answer import parse_answer
from trading_bot.deciders.endpoint import Completion, Endpoint
from trading_bot.deciders.prompt import build_prompt
from trading_bot.domain.advice import Advice, Situation
from trading_bot.domain.decider import Decider
from trading_bot.domain.errors import capped
from trading_bot.errors.fault import Fault

_ANSWER_BYTES = 2000
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counsel:
    """What came of one question."""

    asked_at: datetime
    """Venue time of the question, UTC."""
    situation: Situation
    """What was shown."""
    prompt: str
    """What was sent."""
    outcome: Advice | Fault
    """The advice; or why there is none."""
    answer: str | None
    """The model's words as they came, at most 2,000 bytes: untrusted. Null where none came."""
    cost_usd: Decimal | None
    """What it cost, in US dollars; null where no answer came or the endpoint counts no tokens."""
    latency_ms: float
    """How long it took, in milliseconds of the wall clock."""


class LanguageModel:
    """One model at one endpoint."""

    def __init__(self, *, config: Decider, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._endpoint = Endpoint(config=config, clock=clock)

    async def ask(self, situation: Situation) -> Counsel:
        """What the model advises in `situation`."""
        begun = self._clock.monotonic()
        system, user = build_prompt(situation)
        completion: Completion | None = None
        outcome: Advice | Fault
        try:
            completion = await self._endpoint.complete(system, user)
            outcome = parse_answer(completion.text, situation)
        except Fault as fault:
            outcome = fault
        except Exception as error:  # noqa: BLE001 - whatever comes back, it is a failed call and no failed bot
            # Without its words: they may hold what was sent.
            _log.error("model_call_failed", error=type(error).__name__)
            outcome = Fault("LLM_001", f"The call failed unexpectedly ({type(error).__name__}).")
        return Counsel(
            asked_at=situation.at,
            situation=situation,
            prompt=f"{system}\n\n{user}",
            outcome=outcome,
            answer=capped(completion.text, _ANSWER_BYTES) if completion else None,
            cost_usd=self._cost(completion) if completion else None,
            latency_ms=round((self._clock.monotonic() - begun) * 1000, 1),
        )

    async def close(self) -> None:
        """Let go of the connections."""
        await self._endpoint.close()

    def _cost(self, completion: Completion) -> Decimal | None:
        if completion.input_tokens is None or completion.output_tokens is None:
            return None
        sent = completion.input_tokens * self._config.cost_per_1k_input
        return (sent + completion.output_tokens * self._config.cost_per_1k_output) / 1000
