"""A revoked key's sockets close within a second, however silent they are, and nobody else's."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

import pytest

from graph.guard.authentication import Gate
from graph.guard.revocation import Revocations
from tests.api.client import Api, closed
from trading_bot.clock import SystemClock
from trading_bot.domain.errors import Scope
from trading_bot.services.keys import Keys
from trading_bot.store.engine import open_engine

REVOKED = (4403, "Forbidden: AUTH_001, the API key was revoked")


@pytest.mark.parametrize("subscription", [None, "subscription { botSummary(intervalSeconds: 60) { seq } }"])
def test_a_silent_socket_closes_within_a_second_of_the_revocation(api: Api, subscription: str | None) -> None:
    token = api.key(Scope.READ)
    with api.session(token) as socket:
        if subscription is not None:
            socket.subscribe("1", subscription)
            socket.receive()
        elsewhere = Keys(
            open_engine(f"sqlite:///{api.home / 'botgraph.db'}"), api.clock
        )  # as `botgraph key revoke` does
        elsewhere.revoke(token.split("_")[1])
        started = api.clock.monotonic()

        assert closed(socket) == REVOKED
        assert api.clock.monotonic() - started < 1.0


def test_all_sockets_of_the_key_close_and_no_others(api: Api) -> None:
    token = api.key(Scope.READ)
    with api.session(token) as one, api.session(token) as two, api.session() as other:
        api.keys.revoke(token.split("_")[1])

        assert (closed(one), closed(two)) == (REVOKED, REVOKED)
        other.subscribe("1", "{ viewer { name } }")
        assert other.receive()["payload"] == {"data": {"viewer": {"name": "admin"}}}


def test_a_revoked_key_lets_no_socket_in(api: Api) -> None:
    token = api.key(Scope.READ)
    api.keys.revoke(token.split("_")[1])
    with api.socket() as socket:
        socket.send({"type": "connection_init", "payload": {"X-API-Key": token}})

        assert closed(socket)[0] == 4403


def test_a_key_that_nobody_uses_any_more_is_not_watched(tmp_path, seeded_store) -> None:
    (tmp_path / "botgraph.db").write_bytes(seeded_store.read_bytes())
    clock = SystemClock()
    keys = Keys(open_engine(f"sqlite:///{tmp_path / 'botgraph.db'}"), clock)
    token = keys.create("k", Scope.READ)[1]

    async def watch_twice() -> tuple[int, int, int]:
        revocations = Revocations(gate=Gate(keys=keys, workers=ThreadPoolExecutor(1)), clock=clock)
        ends = [revocations.watch(token, lambda: None) for _ in range(2)]
        counts = [len(revocations._watched)]
        for end in ends:
            end()
            end()  # twice does no harm
            counts.append(len(revocations._watched))
        return counts[0], counts[1], counts[2]

    assert asyncio.run(watch_twice()) == (1, 1, 0)


def test_a_look_that_fails_is_not_the_last(tmp_path: Path, seeded_store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "botgraph.db").write_bytes(seeded_store.read_bytes())
    monkeypatch.setattr("graph.guard.revocation.LOOK_SECONDS", 0.01)
    keys = Keys(open_engine(f"sqlite:///{tmp_path / 'botgraph.db'}"), SystemClock())

    async def watch() -> None:
        revocations = Revocations(gate=Gate(keys=keys, workers=ThreadPoolExecutor(1)), clock=SystemClock())
        is_revoked = asyncio.Event()
        end = revocations.watch("a key", is_revoked.set)
        async with asyncio.timeout(10):
            await is_revoked.wait()
        end()

    with mock.patch.object(keys, "verify", side_effect=[RuntimeError("a fault of ours"), None]) as looks:
        asyncio.run(watch())

    assert looks.call_count == 2
