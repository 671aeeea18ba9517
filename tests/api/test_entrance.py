"""Whatever breaks inside, the caller gets a masked answer and the log one line."""

import asyncio
from typing import Any

import httpx
import pytest
import structlog
from structlog.testing import capture_logs

from graph.doors.entrance import Entrance
from graph.guard.errors import ErrorShape
from graph.observability.metrics import Metrics
from resolvers.counters import Counters
from tests.api.conftest import NOW
from tests.fakes.standing_clock import StandingClock

CLOCK = StandingClock(NOW)


async def broken(scope: Any, receive: Any, send: Any) -> None:
    raise RuntimeError("the password is hunter2")


async def broken_half_way(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise RuntimeError("the password is hunter2")


def test_an_unexpected_fault_is_a_masked_500() -> None:
    with capture_logs() as log:
        answer = asyncio.run(call(broken))
    fault, request = log

    assert answer.status_code == 500
    assert answer.json()["errors"][0]["extensions"]["context"] == {"fault_id": fault["fault_id"]}
    assert "hunter2" not in answer.text
    assert str(fault["exc_info"]) == "the password is hunter2"
    assert (request["event"], request["status"], request["path"]) == ("request", 500, "/" + "x" * 99)


def test_an_answer_that_broke_half_way_is_cut_off() -> None:
    with capture_logs() as log, pytest.raises(RuntimeError):
        asyncio.run(call(broken_half_way))

    assert [line["event"] for line in log] == ["request"]


@pytest.mark.parametrize("host", ["[::1]:8000", "LOCALHOST", "localhost:1"])
def test_a_host_is_known_whatever_its_port_and_capitals(host: str) -> None:
    assert asyncio.run(call(broken, host=host)).status_code == 500


@pytest.mark.parametrize("host", ["::2", "localhost.evil.example", "evil.example:80"])
def test_another_host_is_refused_before_anything_runs(host: str) -> None:
    assert asyncio.run(call(broken, host=host)).status_code == 400


async def call(app: Any, host: str = "localhost") -> httpx.Response:
    shape = ErrorShape(now=CLOCK.now, log=structlog.get_logger("graph"))
    counters = Counters(started=0.0)
    metrics = Metrics(operations=(), counters=counters, clock=CLOCK)
    hosts = ("localhost", "::1")
    entrance = Entrance(app, hosts=hosts, shape=shape, counters=counters, metrics=metrics, clock=CLOCK)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(entrance), base_url="http://localhost") as client:
        return await client.get("/" + "x" * 500, headers={"Host": host})
