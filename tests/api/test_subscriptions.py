"""Subscriptions: the state at once and at its cadence, for as long as the key is good."""

from dataclasses import replace
from decimal import Decimal

from tests.api.client import Api, closed
from tests.fakes.seeded_trades import account
from tests.fakes.seeded_watch import running
from trading_bot.domain.account import Account
from trading_bot.domain.errors import Scope
from trading_bot.store import accounts, runtime


def test_the_state_comes_at_once_and_then_at_its_cadence(api: Api) -> None:
    with api.session() as socket:
        started = api.clock.monotonic()
        socket.subscribe("1", "subscription { botSummary(intervalSeconds: 1) { healthStatus seq } }")
        arrivals = []
        for _ in range(3):
            assert socket.receive() == {
                "type": "next",
                "id": "1",
                "payload": {"data": {"botSummary": {"healthStatus": "HEALTHY", "seq": 4}}},
            }
            arrivals.append(api.clock.monotonic() - started)

    assert arrivals[0] < 0.8
    assert 0.8 < arrivals[1] < 1.8
    assert 1.8 < arrivals[2] < 2.8


def test_a_tick_shows_what_happened_since(api: Api) -> None:
    with api.session() as socket:
        socket.subscribe(
            "1",
            "subscription { botState(intervalSeconds: 1) { timestamp account { buyingPower } positions { symbol } } }",
        )
        first = socket.receive()["payload"]["data"]["botState"]
        api.clock.advance(60)
        with api.store.writing("main") as w:
            runtime.save_runtime(w, running(api.clock.now()))
            accounts.save_account(w, account_with("1.00"))
        second = socket.receive()["payload"]["data"]["botState"]

    assert first == {
        "timestamp": "2026-03-02T12:00:00Z",
        "account": {"buyingPower": "98000.00"},
        "positions": [{"symbol": "SPY"}],
    }
    assert second == {
        "timestamp": "2026-03-02T12:01:00Z",
        "account": {"buyingPower": "1.00"},
        "positions": [{"symbol": "SPY"}],
    }


def test_a_completed_subscription_sends_nothing_more(api: Api) -> None:
    with api.session() as socket:
        socket.subscribe("1", "subscription { botSummary(intervalSeconds: 1) { seq } }")
        socket.receive()
        assert subscribers(api) == 1
        socket.send({"type": "complete", "id": "1"})
        socket.subscribe("2", "subscription { botSummary(intervalSeconds: 1) { seq } }")
        ids = [socket.receive()["id"] for _ in range(2)]

    assert ids == ["2", "2"]
    assert eventually_without_subscribers(api)


def test_a_revoked_key_sees_nothing_more(api: Api) -> None:
    token = api.key(Scope.READ)
    with api.session(token) as socket:
        socket.subscribe("1", "subscription { botSummary(intervalSeconds: 1) { seq } }")
        socket.receive()
        api.keys.revoke(token.split("_")[1])

        assert closed(socket) == (4403, "Forbidden: AUTH_001, the API key was revoked")


def test_a_subscription_goes_on_when_the_bot_dies_and_says_so(api: Api) -> None:
    with api.session() as socket:
        socket.subscribe("1", "subscription { botSummary(intervalSeconds: 1) { healthStatus } }")
        statuses = [socket.receive()["payload"]["data"]["botSummary"]["healthStatus"]]
        api.clock.advance(16)
        statuses.append(socket.receive()["payload"]["data"]["botSummary"]["healthStatus"])

    assert statuses == ["HEALTHY", "OFFLINE"]


def account_with(buying_power: str) -> Account:

    return replace(account(), buying_power=Decimal(buying_power))


def subscribers(api: Api) -> int:
    count: int = api.data("{ metrics { subscribers } }")["metrics"]["subscribers"]
    return count


def eventually_without_subscribers(api: Api) -> bool:
    """Whether the count falls to zero once the socket is gone."""
    give_up = api.clock.monotonic() + 3
    while api.clock.monotonic() < give_up:
        if subscribers(api) == 0:
            return True
    return False
