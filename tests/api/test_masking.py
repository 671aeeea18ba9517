"""A fault of our own is masked for the caller and whole in the log."""

import asyncio
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import strawberry
import structlog
from structlog.testing import capture_logs

from graph.describes import answered_by, streamed_by
from graph.execution import Executor, Prepared, Request, executor
from graph.guard.errors import ErrorShape
from graph.live.hub import Live
from graph.live.member import Errors
from graph.schema import build_schema
from resolvers.watches import answers
from tests.api.conftest import NOW
from tests.fakes.collecting_wire import CollectingWire
from tests.fakes.parts import parts_over
from tests.fakes.standing_clock import StandingClock
from trading_bot.domain.commands import Caller
from trading_bot.domain.errors import Scope
from trading_bot.errors.fault import Fault
from trading_bot.store.engine import open_engine
from trading_bot.store.store import Store

SECRET = "the password is hunter2, see /etc/secret"
CALLER = Caller(key_id="k", name="k", scope=Scope.READ, max_response_bytes=10_240, rate_per_minute=None)


async def break_down(context: Any) -> int:
    raise RuntimeError(SECRET)


async def answer_wrongly(context: Any) -> Any:
    return {"not": SECRET}


async def forget_to_answer(context: Any) -> None:
    return None


async def refuse(context: Any) -> int:
    raise Fault("DATA_004", "The venue did not answer.", after_seconds=5.0, context={"symbol": "SPY"})


@dataclass(slots=True, kw_only=True)
class Scripted:
    """Is watched, and shows one after the other; what is an error is raised."""

    context: Any
    shown: list[Any]

    async def look(self) -> Any:
        return self.shown.pop(0)

    async def look_again(self) -> Any:
        seen = self.shown.pop(0)
        if isinstance(seen, RuntimeError):
            raise seen
        return seen

    async def moves(self) -> AsyncGenerator[None, None]:
        while True:
            yield

    def is_last(self, seen: Any) -> bool:
        return not self.shown

    def __aiter__(self) -> AsyncGenerator[Any, None]:  # noqa: PYI058 - to be closed
        return answers(self)


def break_down_later(context: Any) -> Scripted:
    return Scripted(context=context, shown=[1, RuntimeError(SECRET)])


def fail_once(context: Any) -> Scripted:
    return Scripted(context=context, shown=[1, Fault("SYS_002", "The database is locked by another program."), 3])


@strawberry.type
class BrokenQuery:
    broken: int | None = answered_by(break_down, "Raises.")
    wrong: int | None = answered_by(answer_wrongly, "Has the wrong type.")
    forgotten: int = answered_by(forget_to_answer, "Is null and must not be.")
    refused: int | None = answered_by(refuse, "Refuses.")


@strawberry.type
class BrokenSubscription:
    broken: int = streamed_by(break_down_later, "Raises at the second event.")
    failing: int = streamed_by(fail_once, "Fails once.")


@pytest.fixture
def run(tmp_path: Path) -> Executor:
    clock = StandingClock(NOW)
    store = Store(open_engine(f"sqlite:///{tmp_path / 'botgraph.db'}"), clock)
    parts = parts_over(store, clock, ThreadPoolExecutor(1))
    schema = build_schema(BrokenQuery, None, BrokenSubscription)
    return executor(schema, parts, ErrorShape(now=clock.now, log=structlog.get_logger("graph")))


@pytest.mark.parametrize("field", ["broken", "wrong", "forgotten"])
def test_an_unexpected_fault_shows_an_id_that_finds_it_in_the_log(run: Executor, field: str) -> None:
    with capture_logs() as log:
        body = asyncio.run(carry_out(run, "{ " + field + " }"))
    (error,) = body["errors"]

    assert error["message"] == "An unexpected fault"
    assert error["path"] == [field]
    assert error["extensions"]["errorCode"] == "SYS_001"
    assert [line["fault_id"] for line in log if line["event"] == "fault"] == [
        error["extensions"]["context"]["fault_id"]
    ]
    assert "hunter2" not in str(body)


def test_the_log_holds_what_was_masked(run: Executor) -> None:
    with capture_logs() as log:
        asyncio.run(carry_out(run, "{ broken }"))

    assert [str(line["exc_info"]) for line in log if line["event"] == "fault"] == [SECRET]


def test_a_fault_of_the_catalogue_is_shown_whole(run: Executor) -> None:
    body = asyncio.run(carry_out(run, "{ refused }"))

    assert body["data"] == {"refused": None}
    assert body["errors"][0]["message"] == "The venue could not be read"
    assert body["errors"][0]["extensions"] == {
        "errorCode": "DATA_004",
        "errorType": "DataError",
        "cause": "The venue did not answer.",
        "impact": "New entries wait for a successful read; nothing was sent on the old figures.",
        "remediation": body["errors"][0]["extensions"]["remediation"],
        "retry": {"kind": body["errors"][0]["extensions"]["retry"]["kind"], "afterSeconds": 5.0},
        "context": {"symbol": "SPY"},
        "severity": body["errors"][0]["extensions"]["severity"],
        "timestamp": "2026-03-02T12:00:00Z",
        "actions": [
            {
                "title": "See whether reads succeed again",
                "operation": "botHealth",
                "variables": {},
                "scope": "READ",
                "writes": False,
            }
        ],
    }


def test_a_subscription_that_breaks_ends_masked(run: Executor) -> None:
    with capture_logs() as log:
        bodies = asyncio.run(stream(run, "subscription { broken }"))

    assert bodies[0] == {"data": {"broken": 1}}
    assert bodies[1]["errors"][0]["extensions"]["errorCode"] == "SYS_001"
    assert len(bodies) == 2
    assert "hunter2" not in str(bodies)
    assert [line["event"] for line in log] == ["fault"]


def test_a_tick_that_fails_does_not_end_the_subscription(run: Executor) -> None:
    bodies = asyncio.run(stream(run, "subscription { failing }"))

    assert [body["data"] for body in bodies] == [{"failing": 1}, None, {"failing": 3}]
    assert bodies[1]["errors"][0]["extensions"]["errorCode"] == "SYS_002"


async def carry_out(run: Executor, query: str) -> dict[str, Any]:
    prepared = run.read(Request(query=query))
    assert isinstance(prepared, Prepared)
    return (await run.carry_out(prepared, CALLER)).body


async def stream(run: Executor, query: str) -> list[dict[str, Any]]:
    """What comes until the subscription ends."""
    prepared = run.read(Request(query=query))
    assert isinstance(prepared, Prepared)
    wire = CollectingWire()
    over: asyncio.Future[Errors | None] = asyncio.get_running_loop().create_future()
    await Live(executor=run).subscribe(
        prepared, CALLER, id="1", wire=wire, began=lambda codes: None, ended=over.set_result
    )
    errors = await over
    bodies = [message["payload"] for message in wire.messages]
    return bodies if errors is None else [*bodies, {"errors": errors}]
