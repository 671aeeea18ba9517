"""Advice traces: how what a language model answered, or did not, is put down as a decision."""

from dataclasses import replace
from datetime import datetime
from typing import Any, assert_never

from trading_bot.deciders.language_model import Counsel
from trading_bot.domain.advice import MODEL_NAME, Advice, Enter, Leave, Stay, Tighten
from trading_bot.domain.decisions import NO_SYMBOL, Decision, Verdict, decision_id
from trading_bot.domain.errors import REASON_BYTES, capped
from trading_bot.domain.money import plain
from trading_bot.domain.plans import TradePlan
from trading_bot.errors.fault import Fault


def traced(counsel: Counsel, *, bot_id: str, session_id: str, at: datetime) -> Decision:
    """The decision that the counsel is, before anything was done about it. `at` is the venue time at which it is taken."""
    outcome = counsel.outcome
    symbol = outcome.symbol if isinstance(outcome, Enter | Leave | Tighten) else None
    return Decision(
        id=decision_id(bot_id, symbol or NO_SYMBOL, MODEL_NAME, at),
        session_id=session_id,
        symbol=symbol,
        strategy_name=MODEL_NAME,
        plan_id=None,
        verdict=Verdict.NOTHING,
        seen=_seen(counsel),
        decided=_failure(outcome, counsel) if isinstance(outcome, Fault) else _decided(outcome),
        reasoning=capped(outcome.cause if isinstance(outcome, Fault) else outcome.reasoning, REASON_BYTES),
        result={"status": Verdict.NOTHING.value},
        prompt=counsel.prompt,
        cost_usd=counsel.cost_usd,
        latency_ms=counsel.latency_ms,
        created_at=at,
    )


def failed(decision: Decision) -> Decision:
    """The decision that was none: no usable answer came."""
    return replace(decision, verdict=Verdict.FAILED, result={"status": Verdict.FAILED.value})


def dropped(decision: Decision, age_seconds: float) -> Decision:
    """The decision that came too late to act on."""
    result = {"status": Verdict.DROPPED.value, "ageSeconds": age_seconds}
    return replace(decision, verdict=Verdict.DROPPED, result=result)


def of_plan(decision: Decision, plan: TradePlan) -> Decision:
    """The decision that ends a plan or moves its stop; what comes of the plan follows in its result."""
    return replace(decision, verdict=Verdict.APPROVED, plan_id=plan.id)


def _seen(counsel: Counsel) -> dict[str, Any]:
    """In short; the prompt has all of it."""
    situation = counsel.situation
    return {
        "askedAt": counsel.asked_at.isoformat().replace("+00:00", "Z"),
        "prices": {symbol: plain(bars[-1].close) for symbol, bars in situation.bars.items()},
        "mayEnter": list(situation.may_enter),
        "mayExit": list(situation.may_exit),
    }


def _decided(advice: Advice) -> dict[str, Any]:
    match advice:
        case Stay():
            return {"action": "none"}
        case Leave():
            return {"action": "exit"}
        case Tighten():
            return {"action": "tighten", "stopPrice": plain(advice.stop_price)}
        case Enter():
            return {
                "action": "enter",
                "orderType": advice.order_type.name,
                "entryPrice": plain(advice.entry_price),
                "stopPrice": plain(advice.stop_price),
                "targetPrice": None if advice.target_price is None else plain(advice.target_price),
                "goodForBars": advice.good_for_bars,
            }
        case _:
            assert_never(advice)


def _failure(fault: Fault, counsel: Counsel) -> dict[str, Any]:
    """Why there is no advice; the words that came instead are data."""
    failure = {"action": "none", "code": fault.code, "cause": capped(fault.cause, REASON_BYTES)}
    return failure if counsel.answer is None else {**failure, "untrustedText": counsel.answer}
