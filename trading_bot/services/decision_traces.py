"""Decision traces: how a decision is put down, and how what came of it is followed in the books."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from trading_bot.domain.books import Books
from trading_bot.domain.decisions import Decision, Verdict, decision_id
from trading_bot.domain.errors import REASON_BYTES, capped
from trading_bot.domain.market import Bar
from trading_bot.domain.money import plain
from trading_bot.domain.orders import Leg
from trading_bot.domain.plans import TradePlan
from trading_bot.domain.proposals import EntryProposal
from trading_bot.domain.risk import Exposure, Refused
from trading_bot.domain.trades import Outcome, Trade

# A refusal's texts are short, but some name what an operator wrote.
_CAUSE_BYTES = 300


def drafted(proposal: EntryProposal, *, bot_id: str, session_id: str, at: datetime) -> Decision:
    """The decision to enter as proposed, before anybody has looked at it."""
    return Decision(
        id=decision_id(bot_id, proposal.symbol, proposal.strategy_name, at),
        session_id=session_id,
        symbol=proposal.symbol,
        strategy_name=proposal.strategy_name,
        plan_id=None,
        verdict=Verdict.NOTHING,
        seen={"indicators": dict(proposal.indicators)},
        decided={
            "action": "enter",
            "orderType": proposal.order_type.name,
            "entryPrice": plain(proposal.entry_price),
            "stopPrice": plain(proposal.stop_price),
            "targetPrice": _text(proposal.target_price),
            "goodForBars": proposal.good_for_bars,
        },
        reasoning=capped(proposal.reasoning, REASON_BYTES),
        result={},
        prompt=None,
        cost_usd=None,
        latency_ms=None,
        created_at=at,
    )


def exposed(decision: Decision, bar: Bar, exposure: Exposure) -> Decision:
    """The decision with what the limits were held against."""
    figures = {
        "price": plain(bar.close),
        "barTime": _time(bar.timestamp),
        "equity": plain(exposure.equity),
        "buyingPower": plain(exposure.buying_power),
        "committed": plain(exposure.committed),
        "openPlans": exposure.open_plans,
        "dailyPnl": plain(exposure.daily_pnl),
    }
    return replace(decision, seen={**decision.seen, **figures})


def approved(decision: Decision, quantity: Decimal) -> Decision:
    """The decision as it leaves, with its quantity; its plan has its id."""
    decided = {**decision.decided, "quantity": plain(quantity)}
    return replace(decision, verdict=Verdict.APPROVED, plan_id=decision.id, decided=decided)


def refused(decision: Decision, refusal: Refused) -> Decision:
    """The decision as it was kept from leaving."""
    why = {"code": refusal.code, "cause": capped(refusal.cause, _CAUSE_BYTES), **_short(refusal.figures)}
    decided = {**decision.decided, **why}
    return replace(decision, verdict=Verdict.REFUSED, decided=decided, result={"status": Verdict.REFUSED.value})


def with_results(books: Books) -> Books:
    """The books with each decision's result as its plan now stands."""
    changed = {
        decision.id: replace(decision, result=result)
        for decision in books.decisions.values()
        if decision.plan_id is not None and (plan := books.plans.get(decision.plan_id)) is not None
        if (result := _result(books, plan)) != decision.result
    }
    return replace(books, decisions={**books.decisions, **changed}) if changed else books


def decision_event(decision: Decision) -> tuple[str, dict[str, Any]]:
    """A decision as an event: one sentence, and the figures without what was seen and sent."""
    action = decision.decided.get("action", "nothing")
    about = f" {decision.symbol}" if decision.symbol else ""
    status = decision.result.get("status", decision.verdict.value)
    data = {
        "symbol": decision.symbol,
        "strategyName": decision.strategy_name,
        "planId": decision.plan_id,
        "verdict": decision.verdict.value,
        "decided": decision.decided,
        "result": decision.result,
        "costUsd": _text(decision.cost_usd),
    }
    return f"{decision.strategy_name}, {action}{about}: {status}.", data


def _result(books: Books, plan: TradePlan) -> dict[str, Any]:
    """What came of a plan so far."""
    entries = books.orders_of(plan.id, Leg.ENTRY)
    trade = books.trades.get(plan.id)
    result: dict[str, Any] = {"status": _status(plan, trade)}
    if entries:
        result |= {"orderId": entries[-1].order_id, "clientOrderId": entries[-1].client_order_id}
        if trade is None and not plan.is_open:
            result |= {"orderStatus": entries[-1].status.name, "reason": entries[-1].reason}
    if trade is not None:
        result |= {"filled": plain(trade.quantity), "averagePrice": plain(trade.price)}
        if trade.outcome is not Outcome.OPEN:
            result |= {
                "outcome": trade.outcome.name,
                "netProfitLoss": _text(trade.net_profit_loss),
                "exitReason": trade.exit_reasoning,
            }
    return result


def _status(plan: TradePlan, trade: Trade | None) -> str:
    """Working (nothing filled yet), unfilled (and never will be), open, exiting, or closed."""
    if not plan.is_open:
        return "unfilled" if trade is None else "closed"
    if plan.exit_reason is not None:
        return "exiting"
    return "working" if trade is None else "open"


def _short(figures: Mapping[str, str]) -> dict[str, str]:
    return {name: capped(value, _CAUSE_BYTES) for name, value in figures.items()}


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else plain(amount)


def _time(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
