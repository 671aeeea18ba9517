"""Every field of every root field answers, with the demo bot's figures."""

from dataclasses import replace
from typing import Any

import pytest
from graphql import build_client_schema, get_introspection_query

from graph.schema import build_schema
from tests.api.client import Api, Serving
from tests.api.conftest import NOW
from tests.api.selection import everything, root_selections
from tests.fakes.seeded_trades import HELD, LOSS, SESSION, WIN, closed_trade
from tests.fakes.seeded_watch import COMMAND, RUN
from tests.fakes.seeding import seed_bot
from tests.fakes.standing_clock import StandingClock
from trading_bot.store import plans, trades
from trading_bot.store.engine import open_engine
from trading_bot.store.store import Store

SCHEMA = build_schema()._schema
ROOTS = root_selections(
    SCHEMA,
    {
        "command": f'(id: "{COMMAND}")',
        "marketSnapshot": '(symbol: "SPY")',
        "candles": '(symbol: "SPY", timeframe: ONE_HOUR)',
        "changes": "(afterSeq: 0)",
        "configDiff": "(fromVersion: 1, toVersion: 1)",
        "configPlan": "(input: {patch: {risk: {max_open_positions: 4}}})",
        "workflow": '(id: "check-health")',
        "workflowRun": f'(id: "{RUN}")',
    },
)
PAGES = (
    "trades",
    "tradePlans",
    "fills",
    "botSessions",
    "decisions",
    "riskEvents",
    "performanceAlerts",
    "candles",
    "commands",
    "errors",
    "configHistory",
    "workflowRuns",
)


@pytest.mark.parametrize("root", sorted(ROOTS))
def test_every_field_of_a_root_field_answers(shared_api: Api, root: str) -> None:
    data = shared_api.data("{ " + ROOTS[root] + " }")

    assert data[root] or root == "configDiff"  # there is one version, which differs from nothing
    assert root not in PAGES or data[root]["edges"]


def test_every_connection_is_among_the_pages_that_must_not_be_empty() -> None:
    assert SCHEMA.query_type is not None
    assert sorted(PAGES) == sorted(
        name for name, field in SCHEMA.query_type.fields.items() if str(field.type).endswith("Connection")
    )


def test_everything_in_few_documents_answers_on_either_database(
    tables_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    engine = open_engine(tables_url)
    seed_bot(Store(engine, StandingClock(NOW)), NOW)
    engine.dispose()
    serving = Serving(tmp_path_factory.mktemp("home"), StandingClock(NOW), store_url=tables_url)
    try:
        parts = list(ROOTS.values())
        data: dict[str, Any] = {}
        for start in range(0, len(parts), 5):  # all of it in one document is over the limit of selections
            data |= serving.api.data("{ " + " ".join(parts[start : start + 5]) + " }")
    finally:
        serving.stop()

    assert sorted(data) == sorted(ROOTS)
    assert (data["botState"]["seq"], data["botState"]["performance"]["totalPl"]) == (4, "37.00")


def test_a_state_is_what_the_bot_did(shared_api: Api) -> None:
    state = shared_api.data(
        """{ botState {
          botId timestamp dataAgeSeconds warnings seq
          account { buyingPower accountBalance cashBalance dayTradeCount lastUpdated }
          positions { symbol quantity entryPrice currentPrice unrealizedPl unrealizedPlPct lastUpdated plan { id stopPrice targetPrice } }
          orders { symbol side orderType status quantity remaining price stopPrice averagePrice reason }
          performance { winRate avgRiskReward totalRealizedPl totalUnrealizedPl totalPl currentStreak streakType tradesToday sessionCount
            maxDrawdown }
          health { status reason circuitBreakerActive lastHeartbeat runState runStateReason checks { name ok } }
          configSummary { mode maxPositionSizePct dailyLossLimit version strategies symbols }
        } }"""
    )["botState"]
    resting = state["orders"].pop(0)

    assert resting == {
        "symbol": "SPY",
        "side": "SELL",
        "orderType": "LIMIT",
        "status": "ACCEPTED",
        "quantity": "10",
        "remaining": "10",
        "price": "172.00",
        "stopPrice": None,
        "averagePrice": None,
        "reason": None,
    }
    assert [(order["symbol"], order["status"], order["remaining"]) for order in state.pop("orders")] == [
        ("SPY", "FILLED", "0"),
        ("IBM", "FILLED", "0"),
        ("IBM", "FILLED", "0"),
        ("BAC", "FILLED", "0"),
        ("BAC", "FILLED", "0"),
    ]
    assert state == {
        "botId": "main",
        "timestamp": "2026-03-02T12:00:00Z",
        "dataAgeSeconds": 1.0,
        "warnings": ["Replay of demo.csv, venue time is 2013-10-08T14:32Z", "Paper mode: no real money moves"],
        "seq": 4,
        "account": {
            "buyingPower": "98000.00",
            "accountBalance": "100036.25",
            "cashBalance": "98326.25",
            "dayTradeCount": 2,
            "lastUpdated": "2013-10-08T14:32:00Z",
        },
        "positions": [
            {
                "symbol": "SPY",
                "quantity": "10",
                "entryPrice": "170",
                "currentPrice": "171.00",
                "unrealizedPl": "10.00",
                "unrealizedPlPct": "0.59",
                "lastUpdated": "2013-10-08T14:32:00Z",
                "plan": {"id": HELD, "stopPrice": "169.00", "targetPrice": "172.00"},
            }
        ],
        "performance": {
            "winRate": 0.5,
            "avgRiskReward": 2.0,
            "totalRealizedPl": "27.00",
            "totalUnrealizedPl": "10.00",
            "totalPl": "37.00",
            "currentStreak": 1,
            "streakType": "LOSS",
            "tradesToday": 2,
            "sessionCount": 1,
            "maxDrawdown": "-21.00",
        },
        "health": {
            "status": "HEALTHY",
            "reason": None,
            "circuitBreakerActive": False,
            "lastHeartbeat": "2026-03-02T11:59:59Z",
            "runState": "RUNNING",
            "runStateReason": "reconciled",
            "checks": [
                {"name": name, "ok": True}
                for name in ("market_data", "account", "fills", "orders", "store", "audit_log", "venue")
            ],
        },
        "configSummary": {
            "mode": "PAPER",
            "maxPositionSizePct": 5.0,
            "dailyLossLimit": "-2000",
            "version": 1,
            "strategies": ["bull-flag-breakout", "vwap-pullback"],
            "symbols": ["BAC", "IBM", "SPY"],
        },
    }


def test_a_summary_is_the_state_compressed(shared_api: Api) -> None:
    summary = shared_api.data("{ botSummary " + everything(SCHEMA.type_map["BotSummary"]) + " }")["botSummary"]
    newest = summary["recentErrors"][0]

    assert {name: value for name, value in summary.items() if name not in ("recentErrors", "warnings")} == {
        "healthStatus": "HEALTHY",
        "healthReason": None,
        "positionCount": 1,
        "openOrderCount": 1,
        "dailyPnl": "36.25",
        "circuitBreakerActive": False,
        "circuitBreakerReason": None,
        "lastTradeTime": "2013-10-08T14:02:00Z",
        "generatedAt": "2026-03-02T12:00:00Z",
        "mode": "PAPER",
        "runState": "RUNNING",
        "dataAgeSeconds": 1.0,
        "seq": 4,
    }
    assert len(summary["recentErrors"]) == 2
    assert (newest["errorCode"], newest["severity"], newest["timestamp"]) == (
        "ORD_001",
        "MEDIUM",
        "2026-03-02T11:59:00Z",
    )


def test_a_trade_links_its_fills_and_its_plan(shared_api: Api) -> None:
    trades = shared_api.data(
        """{ trades { edges { node {
          id symbol outcome netProfitLoss commission holdDurationSeconds exitTimestamp sessionId slippage
          fills { id action price fee realizedPnl liquidity } plan { id status exitReason }
        } } } }"""
    )["trades"]["edges"]

    assert [edge["node"]["outcome"] for edge in trades] == ["OPEN", "LOSS", "WIN"]
    assert trades[2]["node"] == {
        "id": WIN,
        "symbol": "BAC",
        "outcome": "WIN",
        "netProfitLoss": "48.00",
        "commission": "1.50",
        "holdDurationSeconds": 660,
        "exitTimestamp": "2013-10-08T13:52:00Z",
        "sessionId": SESSION,
        "slippage": "0.00",
        "fills": [
            {
                "id": f"X-{WIN}-E",
                "action": "BUY",
                "price": "14.00",
                "fee": "0.75",
                "realizedPnl": "0",
                "liquidity": None,
            },
            {
                "id": f"X-{WIN}-X",
                "action": "SELL",
                "price": "14.495",
                "fee": "0.75",
                "realizedPnl": "49.50",
                "liquidity": "TAKER",
            },
        ],
        "plan": {"id": WIN, "status": "CLOSED", "exitReason": "target: traded"},
    }


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ('{symbol: "IBM"}', [LOSS]),
        ("{outcome: WIN}", [WIN]),
        ("{outcome: OPEN}", [HELD]),
        ('{minProfitLoss: "0"}', [WIN]),
        ("{maxProfitLoss: 0}", [LOSS]),
        ('{from: "2013-10-08T13:45:00Z", to: "2013-10-08T14:00:00Z"}', [LOSS]),
        ('{from: "2013-10-08T09:45:00-04:00", to: "2013-10-08T10:00:00-04:00"}', [LOSS]),
        ('{search: "FLAG OF 4"}', [HELD, LOSS, WIN]),
        ('{search: "flag_of"}', []),
        ('{strategyName: "vwap-pullback"}', []),
    ],
)
def test_a_filter_leaves_the_trades_that_it_names(shared_api: Api, given: str, expected: list[str]) -> None:
    found = shared_api.data("{ trades(filter: " + given + ") { edges { node { id } } } }")["trades"]["edges"]

    assert [edge["node"]["id"] for edge in found] == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ('{errorCode: "DATA_004"}', ["DATA_004"]),
        ("{severity: HIGH}", []),
        ("{acknowledged: false}", ["ORD_001", "DATA_004"]),
        ("{acknowledged: true}", []),
        ('{symbol: "SPY"}', ["ORD_001", "DATA_004"]),
        ('{symbol: "IBM"}', []),
        ('{from: "2026-03-02T11:58:30Z"}', ["ORD_001"]),
    ],
)
def test_a_filter_leaves_the_errors_that_it_names(shared_api: Api, given: str, expected: list[str]) -> None:
    found = shared_api.data("{ errors(filter: " + given + ") { edges { node { errorCode } } } }")["errors"]["edges"]

    assert [edge["node"]["errorCode"] for edge in found] == expected


def test_plans_and_fills_are_filtered_by_status_and_symbol(shared_api: Api) -> None:
    data = shared_api.data(
        """{ tradePlans(status: OPEN) { edges { node { id } } }
          fills(symbol: "IBM") { edges { node { symbol action realizedPnl } } } }"""
    )

    assert data == {
        "tradePlans": {"edges": [{"node": {"id": HELD}}]},
        "fills": {
            "edges": [
                {"node": {"symbol": "IBM", "action": "SELL", "realizedPnl": "-19.50"}},
                {"node": {"symbol": "IBM", "action": "BUY", "realizedPnl": "0"}},
            ]
        },
    }


def test_pages_follow_one_another_while_trades_arrive(api: Api) -> None:
    add_trades(api, range(100, 107))
    seen: list[str] = []
    query = """query($after: String) { trades(first: 3, after: $after) {
      edges { node { id } } pageInfo { hasNextPage hasPreviousPage endCursor }
    } }"""
    after, previous = None, []
    for number in range(10):
        page = api.data(query, {"after": after})["trades"]
        seen += [edge["node"]["id"] for edge in page["edges"]]
        previous.append(page["pageInfo"]["hasPreviousPage"])
        after = page["pageInfo"]["endCursor"]
        add_trades(api, [200 + number])
        if not page["pageInfo"]["hasNextPage"]:
            break

    assert len(seen) == len(set(seen)) == 10
    assert previous == [False, True, True, True]


def test_one_page_has_at_most_a_hundred(api: Api) -> None:
    add_trades(api, range(100, 210))
    page = api.data("{ trades(first: 100) { edges { cursor } pageInfo { hasNextPage } } }")["trades"]

    assert (len(page["edges"]), page["pageInfo"]["hasNextPage"]) == (100, True)


def test_positions_and_orders_are_cut_at_first(shared_api: Api) -> None:
    state = shared_api.data("{ botState { orders(first: 2) { symbol } positions(first: 1) { symbol } } }")["botState"]

    assert state == {"orders": [{"symbol": "SPY"}, {"symbol": "SPY"}], "positions": [{"symbol": "SPY"}]}


def test_a_bot_links_its_own_summary(api: Api) -> None:
    seed_bot(api.store, NOW, bot_id="other")

    assert api.data("{ bots { id name runState venue mode summary { positionCount dailyPnl } } }")["bots"] == [
        {
            "id": bot_id,
            "name": "Demo",
            "runState": "RUNNING",
            "venue": "paper",
            "mode": "PAPER",
            "summary": {"positionCount": 1, "dailyPnl": "36.25"},
        }
        for bot_id in ("main", "other")
    ]


def test_one_of_several_bots_must_be_named(api: Api) -> None:
    seed_bot(api.store, NOW, bot_id="other")

    assert api.data('{ a: botSummary(botId: "main") { seq } b: botState(botId: "other") { botId } }') == {
        "a": {"seq": 4},
        "b": {"botId": "other"},
    }
    assert api.codes("{ botSummary { seq } }") == ["BOT_001"]


def test_links_stay_with_the_bot_of_their_root_field(api: Api) -> None:
    seed_bot(api.store, NOW, bot_id="other")
    with api.store.writing("other") as w:
        plan = plans.find_plan(w, WIN)
        assert plan is not None
        plans.save_plan(w, replace(plan, reason="another reason"))
    found = api.data(
        """{ a: trades(botId: "main", filter: {outcome: WIN}) { edges { node { plan { reason } } } }
          b: trades(botId: "other", filter: {outcome: WIN}) { edges { node { plan { reason } } } } }"""
    )

    assert found["a"]["edges"][0]["node"]["plan"]["reason"] == "Broke out of a flag of 4 bars on rising volume."
    assert found["b"]["edges"][0]["node"]["plan"]["reason"] == "another reason"


def test_a_command_that_is_not_there_is_null(shared_api: Api) -> None:
    assert shared_api.data('{ command(id: "nothing") { id } }') == {"command": None}


def test_the_schema_can_be_asked_for_by_introspection(shared_api: Api) -> None:
    data = shared_api.data(get_introspection_query(input_value_deprecation=True))

    assert build_client_schema(data).query_type is not None
    assert len(data["__schema"]["types"]) > 40


def test_a_failing_root_field_leaves_its_neighbours_alone(shared_api: Api) -> None:
    answer = shared_api.post('{ viewer { name } botState(botId: "nobody") { botId } }').json()

    assert answer["data"] == {"viewer": {"name": "admin"}, "botState": None}
    assert answer["errors"][0]["path"] == ["botState"]
    assert answer["errors"][0]["extensions"]["errorCode"] == "BOT_001"


def add_trades(api: Api, numbers: range | list[int]) -> None:
    with api.store.writing("main") as w:
        for number in numbers:
            plan, trade = closed_trade(number, NOW)
            plans.save_plan(w, plan)
            trades.save_trade(w, trade)
