"""Every entry that a strategy proposes leaves a trace, let through or refused, and the trace follows what came of it."""

from decimal import Decimal
from pathlib import Path

import pytest

from tests.fakes.playing import first_days, left_behind, play, replay_settings
from trading_bot.clock import SystemClock
from trading_bot.domain.config import BotConfig
from trading_bot.domain.decisions import Decision, Verdict
from trading_bot.domain.events import EventKind
from trading_bot.domain.limits import RiskLimits
from trading_bot.domain.records import value_of
from trading_bot.domain.trades import Outcome
from trading_bot.logs.audit import AuditLog
from trading_bot.services.config_file import write_config
from trading_bot.store.engine import open_engine
from trading_bot.store.tables import changes


@pytest.mark.timeout(300)
def test_a_real_day_leaves_a_trace_of_each_proposal_that_follows_it_to_its_end(
    tmp_path: Path, home: Path, candles_us: Path
) -> None:
    """With one plan at a time, many proposals are refused: both kinds leave a trace."""
    store_url = f"sqlite:///{home / 'botgraph.db'}"
    settings = replay_settings(home, first_days(candles_us, 1, tmp_path / "day.csv"), store_url)
    settings.make_folders()
    write_config(settings.config_file, BotConfig(risk=RiskLimits(max_open_positions=1)))

    play(settings)
    left = left_behind(store_url)

    made = {decision.id: decision for decision in left["decisions"]}
    trades = {trade.id: trade for trade in left["trades"]}
    plans = {plan.id: plan for plan in left["plans"]}
    assert len(trades) >= 3
    approved = {key: decision for key, decision in made.items() if decision.verdict is Verdict.APPROVED}
    assert approved.keys() == plans.keys()  # the decision behind a plan has the plan's own id
    for key, plan in plans.items():
        decision = approved[key]
        assert (decision.plan_id, decision.symbol, decision.strategy_name) == (key, plan.symbol, plan.strategy_name)
        assert (decision.created_at, decision.session_id, decision.reasoning) == (
            plan.opened_at,
            plan.session_id,
            plan.reason,
        )
        assert decision.decided["quantity"] == str(plan.planned_size)
        assert tuple(decision.seen["indicators"]) == plan.indicators_used
        assert (decision.prompt, decision.cost_usd, decision.latency_ms) == (None, None, None)
        if key not in trades:
            assert decision.result["status"] == "unfilled"
        elif trades[key].outcome is not Outcome.OPEN:
            assert decision.result["status"] == "closed"
            assert decision.result["outcome"] == trades[key].outcome.name
            assert Decimal(decision.result["netProfitLoss"]) == trades[key].net_profit_loss
            assert decision.result["exitReason"] == trades[key].exit_reasoning
    refused = [decision for decision in made.values() if decision.verdict is Verdict.REFUSED]
    assert len(refused) >= 3
    for decision in refused:
        assert (decision.plan_id, decision.result, decision.acted) == (None, {"status": "refused"}, False)
        assert decision.decided["code"] == "RISK_002"
        assert (decision.decided["limit"], decision.decided["value"]) == ("1", "1")
        assert decision.seen["openPlans"] == 1
    _log_and_events_hold_them(settings.logs_dir, store_url, made)


def _log_and_events_hold_them(logs: Path, store_url: str, made: dict[str, Decision]) -> None:
    """The log's last line of each decision is the decision; each has its events."""
    log = AuditLog(logs, SystemClock())
    assert log.verify("decisions").ok
    last = {line["id"]: line for line in log.read("decisions")}
    assert {key: value_of(Decision, line) for key, line in last.items()} == made
    engine = open_engine(store_url)
    try:
        with engine.connect() as connection:
            rows = connection.execute(changes.select().where(changes.c.kind == EventKind.DECISION)).all()
    finally:
        engine.dispose()
    assert {row.subject for row in rows} == made.keys()
    told = {row.subject: row for row in rows}  # the last of each
    for key, decision in made.items():
        assert told[key].data["result"] == decision.result
        assert told[key].data["verdict"] == decision.verdict.value
        assert "prompt" not in told[key].data
