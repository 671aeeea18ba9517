"""Sessions, decisions, risk events, alerts and commands: what is read is what was stored, filtered and in pages."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.api.client import Api
from tests.api.conftest import NOW
from tests.fakes.seeded_trades import HELD, LOSS, SESSION, VENUE_NOW, WIN, decision, refusal
from tests.fakes.seeded_watch import COMMAND, done_command, metric, trip
from trading_bot.store import commands, decisions, performance_metrics, risk_events


def test_a_session_is_a_day_with_what_it_earned(shared_api: Api) -> None:
    found = shared_api.data(
        """{ botSessions { edges { node {
          id date startingBalance startOfDayEquity grossPnl totalFees totalLlmCost netPnl totalTrades createdAt closedAt
        } } pageInfo { hasNextPage } } }"""
    )["botSessions"]

    assert found == {
        "edges": [
            {
                "node": {
                    "id": SESSION,
                    "date": "2013-10-08",
                    "startingBalance": "100000.00",
                    "startOfDayEquity": "100000.00",
                    "grossPnl": "30.00",
                    "totalFees": "3.75",
                    "totalLlmCost": "0",
                    "netPnl": "26.25",
                    "totalTrades": 2,
                    "createdAt": "2013-10-08T13:30:00Z",
                    "closedAt": None,
                }
            }
        ],
        "pageInfo": {"hasNextPage": False},
    }


def test_a_decision_shows_what_was_seen_decided_and_why(shared_api: Api) -> None:
    newest = shared_api.data(
        """{ decisions(first: 1) { edges { node {
          id sessionId symbol strategyName planId verdict acted seen decided reasoning result prompt costUsd latencyMs createdAt
        } } } }"""
    )["decisions"]["edges"][0]["node"]

    assert newest == {
        "id": refusal().id,
        "sessionId": SESSION,
        "symbol": "IBM",
        "strategyName": "language-model",
        "planId": None,
        "verdict": "REFUSED",
        "acted": False,
        "seen": {"price": "14.00", "volume": "1200"},
        "decided": {"action": "enter", "code": "RISK_002"},
        "reasoning": "Broke out of a flag of 4 bars on rising volume.",
        "result": {},
        "prompt": "You may trade IBM.",
        "costUsd": "0.0021",
        "latencyMs": 812.5,
        "createdAt": "2013-10-08T14:31:00Z",
    }


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ('{symbol: "SPY"}', [HELD]),
        ('{strategyName: "language-model"}', [refusal().id]),
        ("{acted: true}", [HELD, WIN]),
        ("{acted: false}", [refusal().id]),
        ('{from: "2013-10-08T13:45:00Z", to: "2013-10-08T14:31:00Z"}', [HELD]),
        ('{symbol: "SPY", acted: false}', []),
    ],
)
def test_a_filter_leaves_the_decisions_that_it_names(shared_api: Api, given: str, expected: list[str]) -> None:
    found = shared_api.data("{ decisions(filter: " + given + ") { edges { node { id } } } }")["decisions"]["edges"]

    assert [edge["node"]["id"] for edge in found] == expected


def test_a_trade_links_the_decision_that_opened_it(shared_api: Api) -> None:
    found = shared_api.data("{ trades { edges { node { id decision { id reasoning } } } } }")["trades"]["edges"]
    why = "Broke out of a flag of 4 bars on rising volume."

    assert [edge["node"] for edge in found] == [
        {"id": HELD, "decision": {"id": HELD, "reasoning": why}},
        {"id": LOSS, "decision": None},
        {"id": WIN, "decision": {"id": WIN, "reasoning": why}},
    ]


def test_a_risk_event_holds_the_figures_that_it_was_done_on(shared_api: Api) -> None:
    (edge,) = shared_api.data(
        """{ riskEvents { edges { node {
          id timestamp eventType severity dailyPnl dailyPnlPct consecutiveLosses actionTaken configSnapshot detail code symbol
          count lastSeenAt
        } } } }"""
    )["riskEvents"]["edges"]

    assert edge["node"] == {
        "id": trip().id,
        "timestamp": "2013-10-08T14:12:00Z",
        "eventType": "circuit_breaker_trip",
        "severity": "HIGH",
        "dailyPnl": "-2010.00",
        "dailyPnlPct": "-2.01",
        "consecutiveLosses": 3,
        "actionTaken": "trading_halted",
        "configSnapshot": {"daily_loss_limit": "-2000"},
        "detail": "The session has lost 2010.00, the limit is 2000.",
        "code": "RISK_003",
        "symbol": None,
        "count": 1,
        "lastSeenAt": "2013-10-08T14:12:00Z",
    }


@pytest.mark.parametrize(
    ("given", "count"),
    [
        ('{eventType: "circuit_breaker_trip"}', 1),
        ('{eventType: "order_rate_exceeded"}', 0),
        ("{severity: HIGH}", 1),
        ("{severity: LOW}", 0),
        ('{from: "2013-10-08T14:12:00Z", to: "2013-10-08T14:12:01Z"}', 1),
        ('{to: "2013-10-08T14:12:00Z"}', 0),
    ],
)
def test_a_filter_leaves_the_risk_events_that_it_names(shared_api: Api, given: str, count: int) -> None:
    found = shared_api.data("{ riskEvents(filter: " + given + ") { edges { node { id } } } }")["riskEvents"]["edges"]

    assert len(found) == count


def test_figures_without_an_alert_are_no_performance_alerts(api: Api) -> None:
    with api.store.writing("main") as w:
        performance_metrics.save_metric(
            w, replace(metric(), id=HELD, timestamp=VENUE_NOW, alert_triggered=False, alert_message=None)
        )
    found = api.data("{ performanceAlerts { edges { node { id winRate profitFactor alertMessage } } } }")

    assert found["performanceAlerts"]["edges"] == [
        {
            "node": {
                "id": LOSS,
                "winRate": 0.5,
                "profitFactor": 2.285714,
                "alertMessage": "Win rate 0.5 is below 0.6.",
            }
        }
    ]


def test_commands_come_newest_first_with_what_they_were_given(api: Api) -> None:
    with api.store.writing("main") as w:
        commands.add_command(w, replace(done_command(NOW), id="newer", parameters={"symbols": ["SPY"]}))
    found = api.data("{ commands { edges { node { id kind status parameters } } } }")["commands"]["edges"]

    assert [edge["node"] for edge in found] == [
        {"id": "newer", "kind": "RESUME", "status": "FAILED", "parameters": {"symbols": ["SPY"]}},
        {"id": COMMAND, "kind": "RESUME", "status": "FAILED", "parameters": {}},
    ]


@pytest.mark.parametrize("root", ["botSessions", "decisions", "riskEvents", "performanceAlerts", "commands"])
def test_a_page_has_one_to_a_hundred(shared_api: Api, root: str) -> None:
    for first in (0, 101, -1):
        assert shared_api.codes("{ " + root + f"(first: {first}) {{ edges {{ cursor }} }} }}") == ["QRY_004"]
    assert shared_api.codes("{ " + root + '(after: "nonsense") { edges { cursor } } }') == ["QRY_004"]


@pytest.mark.parametrize("root", ["decisions", "riskEvents", "performanceAlerts", "commands"])
def test_pages_follow_one_another(api: Api, root: str) -> None:
    with api.store.writing("main") as w:
        for number in range(8):
            later = VENUE_NOW + timedelta(minutes=number)
            decisions.save_decision(w, replace(decision(WIN, "BAC"), id=f"d{number}", created_at=later))
            risk_events.save_risk_event(w, replace(trip(), id=f"r{number}", timestamp=later))
            performance_metrics.save_metric(w, replace(metric(), id=f"m{number}", timestamp=later))
            commands.add_command(w, replace(done_command(NOW), id=f"c{number}"))
    query = (
        "query($after: String) { page: "
        + root
        + "(first: 4, after: $after) { edges { node { id } } pageInfo { hasNextPage endCursor } } }"
    )
    seen, after = [], None
    while True:
        page = api.data(query, {"after": after})["page"]
        seen += [edge["node"]["id"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break

    assert seen[:8] == [f"{root[0] if root[0] != 'p' else 'm'}{number}" for number in range(7, -1, -1)]
    assert len(seen) == len(set(seen)) == 8 + {"decisions": 3}.get(root, 1)
