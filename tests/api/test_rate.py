"""Rate: a key has so many operations in any sixty seconds, over HTTP and sockets together, and always a botPause."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.composition import READERS
from graph.guard.rate import CELL_SECONDS, MOST_WINDOWS, Allowance, Rates
from tests.api.client import Api
from trading_bot.clock import SystemClock
from trading_bot.domain.commands import Caller
from trading_bot.domain.errors import Scope
from trading_bot.store import commands

VIEWER = "{ viewer { rateLimitPerMinute rateRemaining } }"
PAUSE = 'mutation { botPause(input: {reason: "r", idempotencyKey: "%s"}) { replayed errors { errorCode } } }'
RESUME = 'mutation { botResume(input: {reason: "botPause", idempotencyKey: "k"}) { replayed } }'


class Stopwatch(SystemClock):
    """A clock whose seconds a test sets."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds


def caller(key_id: str = "k", per_minute: int | None = None) -> Caller:
    return Caller(key_id=key_id, name="n", scope=Scope.READ, max_response_bytes=10_240, rate_per_minute=per_minute)


def test_what_is_over_the_limit_is_refused_until_the_first_is_a_minute_old() -> None:
    clock = Stopwatch()
    rates = Rates(clock=clock, per_minute=3)
    drawn = []
    for _ in range(4):
        drawn.append(rates.draw(caller()))
        clock.seconds += 10

    assert drawn[:3] == [
        Allowance(limit=3, remaining=2, reset_seconds=60.0),
        Allowance(limit=3, remaining=1, reset_seconds=50.0),
        Allowance(limit=3, remaining=0, reset_seconds=40.0),
    ]
    assert drawn[3] == Allowance(limit=3, remaining=0, reset_seconds=30.0, is_granted=False)
    clock.seconds += 19.9
    assert not rates.draw(caller()).is_granted
    clock.seconds += 0.2
    assert rates.draw(caller()) == Allowance(limit=3, remaining=0, reset_seconds=pytest.approx(9.9))  # type: ignore[arg-type]


@given(st.lists(st.floats(0.0, 40.0), min_size=1, max_size=80))
def test_no_sixty_seconds_see_more_than_the_limit(pauses: list[float]) -> None:
    clock = Stopwatch()
    rates = Rates(clock=clock, per_minute=5)
    granted = []
    for pause in pauses:
        clock.seconds += pause
        if rates.draw(caller()).is_granted:
            granted.append(clock.seconds)

    assert all(late - early >= 60 - 1e-9 for early, late in zip(granted, granted[5:], strict=False))


@given(st.lists(st.floats(0.0, 40.0), min_size=1, max_size=80))
def test_no_operation_is_refused_that_is_within_the_limit(pauses: list[float]) -> None:
    clock = Stopwatch()
    rates = Rates(clock=clock, per_minute=5)
    granted: list[float] = []
    for pause in pauses:
        clock.seconds += pause
        if rates.draw(caller()).is_granted:
            granted.append(clock.seconds)
        else:  # but for the tenth of a second in which operations count as one
            assert clock.seconds - granted[-5] <= 60 + CELL_SECONDS


def test_there_is_room_until_the_last_is_drawn_and_again_when_a_minute_is_over() -> None:
    clock = Stopwatch()
    rates = Rates(clock=clock, per_minute=2)
    seen = []
    for _ in range(3):
        seen.append(rates.has_room(caller()))
        rates.draw(caller())
    clock.seconds += 60.2

    assert seen == [True, True, False]
    assert rates.has_room(caller())
    assert Rates(clock=clock, per_minute=0).has_room(caller())


def test_each_key_has_its_own_and_what_is_left_is_told() -> None:
    rates = Rates(clock=Stopwatch(), per_minute=3)
    one, other = caller("a"), caller("b", per_minute=7)
    drawn = rates.draw(one)
    rates.draw(one)

    assert rates.told(one, drawn).rate_remaining == 2
    assert (rates.draw(other).limit, rates.draw(other).remaining) == (7, 5)
    assert rates.told(other, rates.draw_pause(other)).rate_remaining == 5


def test_without_a_limit_nothing_is_counted() -> None:
    rates = Rates(clock=Stopwatch(), per_minute=0)
    allowance = rates.draw(caller())

    assert allowance == Allowance(limit=None, remaining=None)
    assert allowance.headers == {}
    assert rates.told(caller(per_minute=None), allowance).rate_remaining is None
    assert rates._windows == {}


def test_a_key_takes_up_little_however_often_it_is_used() -> None:
    clock = Stopwatch()
    rates = Rates(clock=clock, per_minute=1_000_000)
    for _ in range(20_000):
        clock.seconds += 0.01
        rates.draw(caller())

    assert len(rates._windows[("k", False)].cells) <= 601
    assert 6_000 <= 1_000_000 - (rates.draw(caller()).remaining or 0) <= 6_020


def test_silent_keys_are_forgotten() -> None:
    clock = Stopwatch()
    rates = Rates(clock=clock, per_minute=5)
    for number in range(MOST_WINDOWS):
        rates.draw(caller(str(number)))
    clock.seconds += 61
    rates.draw(caller("new"))

    assert list(rates._windows) == [("new", False)]


def test_the_headers_say_what_is_left_and_the_refusal_when_to_come_back(start) -> None:
    api: Api = start(api_rate_per_minute=2)
    answers = [api.post(VIEWER) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["RateLimit-Limit"] for answer in answers] == ["2", "2", "2"]
    assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    assert [0 < int(answer.headers["RateLimit-Reset"]) <= 60 for answer in answers] == [True, True, True]
    assert [answer.json()["data"]["viewer"]["rateRemaining"] for answer in answers[:2]] == [1, 0]
    assert answers[2].headers["Retry-After"] == answers[2].headers["RateLimit-Reset"]
    assert "Retry-After" not in answers[0].headers
    assert answers[2].headers["Cache-Control"] == "no-store"
    error = answers[2].json()["errors"][0]["extensions"]
    assert (error["errorCode"], error["context"]) == ("API_429", {"limit": 2, "remaining": 0})
    assert error["retry"] == {"kind": "AFTER_DELAY", "afterSeconds": float(answers[2].headers["Retry-After"])}


def test_http_and_sockets_draw_from_one_bucket(start) -> None:
    api: Api = start(api_rate_per_minute=3)
    with api.session() as socket:
        socket.subscribe("1", VIEWER)
        first = socket.receive()["payload"]["data"]["viewer"]
        socket.receive()
        assert api.post(VIEWER).headers["RateLimit-Remaining"] == "1"
        socket.subscribe("2", "subscription { botSummary(intervalSeconds: 1) { seq } }")
        ticks = [socket.receive()["type"] for _ in range(2)]
        socket.subscribe("3", VIEWER)
        refused = next(message for message in iter(socket.receive, None) if message["id"] == "3")

        assert first == {"rateLimitPerMinute": 3, "rateRemaining": 2}
        assert ticks == ["next", "next"]
        assert (refused["type"], refused["payload"][0]["extensions"]["errorCode"]) == ("error", "API_429")
        assert api.post(VIEWER).status_code == 429
        assert socket.receive()["id"] == "2"  # what was begun goes on


def test_a_key_may_have_a_rate_of_its_own(start) -> None:
    api: Api = start(api_rate_per_minute=1)
    token = api.keys.create("quick", Scope.READ, rate_per_minute=4)[1]
    left = [api.data(VIEWER, token=token)["viewer"] for _ in range(2)]

    assert left == [{"rateLimitPerMinute": 4, "rateRemaining": 3}, {"rateLimitPerMinute": 4, "rateRemaining": 2}]


def test_without_a_limit_there_are_no_headers(shared_api: Api) -> None:
    answer = shared_api.post(VIEWER)

    assert answer.json()["data"]["viewer"] == {"rateLimitPerMinute": None, "rateRemaining": None}
    assert [name for name in answer.headers if name.lower().startswith("ratelimit")] == []


@pytest.mark.parametrize(
    "request_",
    [
        {"content": b"{", "headers": {"Content-Type": "application/json"}},
        {"content": b"{}", "headers": {"Content-Type": "text/plain"}},
        {"json": {"query": "{"}},
        {"json": {"query": "{ nonsense }"}},
        {"json": {"query": "{ a { " * 100}},
    ],
)
def test_a_request_that_is_wrong_counts_too(start, request_) -> None:
    api: Api = start(api_rate_per_minute=1)
    headers = {"X-API-Key": api.token, **request_.pop("headers", {})}
    statuses = [api.call("POST", "/graphql", headers=headers, **request_).status_code for _ in range(2)]

    assert (statuses[0] != 429, statuses[1]) == (True, 429)


def test_a_request_without_a_key_takes_nothing_from_anybody(start) -> None:
    api: Api = start(api_rate_per_minute=1)
    for _ in range(3):
        assert api.call("POST", "/graphql", json={"query": VIEWER}).status_code == 401

    assert api.post(VIEWER).status_code == 200


def test_a_bot_can_be_paused_when_everything_else_is_refused(start) -> None:
    api: Api = start(api_rate_per_minute=1)
    api.data(VIEWER)
    refused = [api.post(text).status_code for text in (VIEWER, RESUME, "# botPause\n" + VIEWER)]
    paused = api.post(PAUSE % "k1")
    with api.session() as socket:
        socket.subscribe("1", PAUSE % "k2")
        over_a_socket = socket.receive()

    assert refused == [429, 429, 429]
    assert paused.json()["data"] == {"botPause": {"replayed": False, "errors": []}}
    assert paused.headers["RateLimit-Limit"] == "10"
    assert over_a_socket["payload"]["data"] == {"botPause": {"replayed": False, "errors": []}}
    with api.store.reading("main") as r:
        assert [command.kind.name for command in commands.list_pending_commands(r)] == ["PAUSE", "PAUSE"]


def test_a_pause_takes_nothing_from_the_others_and_ends_where_both_are_used_up(start) -> None:
    api: Api = start(api_rate_per_minute=1)
    paused = [api.post(PAUSE % number).status_code for number in range(12)]

    assert paused == [200] * 11 + [429]


def test_a_pause_by_name_has_its_own_rate_too(start) -> None:
    api: Api = start(api_rate_per_minute=1)
    api.data(VIEWER)
    body = {"documentId": "botPause", "variables": {"reason": "r", "idempotencyKey": "k"}}

    assert api.call("POST", "/graphql", json=body, headers={"X-API-Key": api.token}).status_code == 200


def test_a_pause_waits_for_no_query(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, goes_on = threading.Semaphore(0), threading.Event()
    list_commands = commands.list_commands

    def slowly(*given: Any) -> Any:
        begun.release()
        assert goes_on.wait(30)
        return list_commands(*given)

    monkeypatch.setattr(commands, "list_commands", slowly)
    with ThreadPoolExecutor(READERS) as clients:
        try:
            slow = [
                clients.submit(api.data, f"{{ c{n}: commands {{ edges {{ node {{ kind }} }} }} }}")
                for n in range(READERS)
            ]
            for _ in slow:
                assert begun.acquire(timeout=30)

            paused = api.data(PAUSE % "k")
        finally:
            goes_on.set()

    assert paused["botPause"] == {"replayed": False, "errors": []}
    assert [list(one.result()) for one in slow] == [[f"c{n}"] for n in range(READERS)]
