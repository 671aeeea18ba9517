"""Changes and events: what happened behind a point, asked for and followed, without a gap and without a repeat."""

import random
import threading
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from tests.api.client import Api, Socket
from tests.api.conftest import NOW
from trading_bot.domain.errors import Scope
from trading_bot.domain.events import EventKind
from trading_bot.store.changes import CHANGES_KEPT, prune_changes
from trading_bot.store.tables import changes, counters

CHANGES = "query($after: BigInt!, $first: Int! = 50, $kinds: [EventKind!]) { changes(afterSeq: $after, first: $first, kinds: $kinds) { seq kind subject summary data at } }"  # noqa: E501
EVENTS = "subscription($after: BigInt, $kinds: [EventKind!]) { events(afterSeq: $after, kinds: $kinds) { seq kind subject } }"
KINDS = tuple(EventKind)


def test_what_happened_comes_oldest_first(shared_api: Api) -> None:
    found = shared_api.data(CHANGES, {"after": 0})["changes"]

    assert [(event["seq"], event["kind"]) for event in found] == [
        (1, "RISK"),
        (2, "RISK"),
        (3, "ERROR"),
        (4, "ERROR"),
    ]
    assert found[0] == {
        "seq": 1,
        "kind": "RISK",
        "subject": "0b8a4c1e-1f35-5a53-9a71-5a1f0f7f8f11",
        "summary": "The session has lost 2010.00, the limit is 2000.",
        "data": {
            "eventType": "circuit_breaker_trip",
            "severity": "HIGH",
            "action": "trading_halted",
            "code": "RISK_003",
        },
        "at": "2026-03-02T12:00:00Z",
    }


def test_nothing_comes_when_nothing_happened(shared_api: Api) -> None:
    state = shared_api.data("{ botState { seq } }")["botState"]

    assert shared_api.data(CHANGES, {"after": state["seq"]}) == {"changes": []}


def test_changes_are_cut_at_first_and_gone_on_with(api: Api) -> None:
    happen(api, 10)
    seen: list[int] = []
    while page := api.data(CHANGES, {"after": seen[-1] if seen else 0, "first": 3})["changes"]:
        assert len(page) <= 3
        seen += [event["seq"] for event in page]

    assert seen == list(range(1, 15))


def test_kinds_leave_the_changes_that_they_name(shared_api: Api) -> None:
    for kinds, expected in ((["ERROR"], [3, 4]), (["RISK", "FILL"], [1, 2]), (["FILL"], [])):
        found = shared_api.data(CHANGES, {"after": 0, "kinds": kinds})["changes"]
        assert [event["seq"] for event in found] == expected


def test_a_place_that_is_pruned_names_the_oldest_that_is_kept(api: Api) -> None:
    forget(api, 3)
    answer = api.post(CHANGES, {"after": 1}).json()
    (error,) = answer["errors"]

    assert answer["data"] == {"changes": None}
    assert error["extensions"]["errorCode"] == "DATA_006"
    assert error["extensions"]["cause"] == "The oldest event that is kept is 4; those from 2 are gone."
    assert error["extensions"]["context"] == {"afterSeq": 1, "oldestSeq": 4, "latestSeq": 4}
    assert [event["seq"] for event in api.data(CHANGES, {"after": 3})["changes"]] == [4]


def test_with_every_event_pruned_the_last_number_is_still_a_place(api: Api) -> None:
    forget(api, 4)

    assert api.data(CHANGES, {"after": 4}) == {"changes": []}
    assert api.codes(CHANGES, {"after": 3}) == ["DATA_006"]


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"after": 5}, "DATA_006"),
        ({"after": -1}, "QRY_004"),
        ({"after": 0, "first": 0}, "QRY_004"),
        ({"after": 0, "first": 101}, "QRY_004"),
        ({"after": 0, "kinds": []}, "QRY_004"),
        ({"after": 2**63}, "QRY_004"),
    ],
)
def test_a_place_that_can_not_be_is_refused(shared_api: Api, variables: dict[str, Any], code: str) -> None:
    assert shared_api.codes(CHANGES, variables) == [code]


def test_pruning_forgets_what_is_older_than_thirty_days_and_nothing_else(api: Api) -> None:
    with api.store.writing("main") as w:
        w.connection.execute(changes.update().where(changes.c.seq <= 3).values(at=NOW - CHANGES_KEPT))
        assert prune_changes(w) == 3
        assert prune_changes(w) == 0

    assert [event["seq"] for event in api.data(CHANGES, {"after": 3})["changes"]] == [4]


def test_a_clock_that_was_set_back_makes_no_gap(api: Api) -> None:
    with api.store.writing("main") as w:
        for seq in (1, 2, 4):
            moved = changes.update().where(changes.c.seq == seq)
            w.connection.execute(moved.values(at=NOW - CHANGES_KEPT - timedelta(days=1)))
        assert prune_changes(w) == 2

    assert [event["seq"] for event in api.data(CHANGES, {"after": 2})["changes"]] == [3, 4]


def test_events_begin_behind_the_number_that_was_seen_last_and_go_on(api: Api) -> None:
    with api.session() as socket:
        socket.subscribe("1", EVENTS, {"after": 2})
        old = [received(socket)["seq"] for _ in range(2)]
        happen(api, 2)
        new = [received(socket) for _ in range(2)]

    assert old == [3, 4]
    assert new == [
        {"seq": 5, "kind": "TRADE", "subject": "s5"},
        {"seq": 6, "kind": "ORDER", "subject": "s6"},
    ]


def test_without_a_number_only_new_events_come(api: Api) -> None:
    with api.session() as socket:
        socket.subscribe("1", EVENTS)
        wait_for_subscribers(api, 1)
        happen(api, 1)

        assert received(socket)["seq"] == 5


def test_events_of_some_kinds_leave_the_others_out(api: Api) -> None:
    with api.session() as socket:
        socket.subscribe("1", EVENTS, {"after": 0, "kinds": ["TRADE", "ERROR"]})
        old = [received(socket)["seq"] for _ in range(2)]
        happen(api, 30)
        new = [received(socket) for _ in range(3)]

    assert old == [3, 4]
    assert [(event["seq"], event["kind"]) for event in new] == [(5, "TRADE"), (10, "ERROR"), (18, "TRADE")]


def test_events_of_one_bot_are_no_others(api: Api) -> None:
    with api.session() as socket:
        socket.subscribe("1", EVENTS, {"after": 4})
        with api.store.writing("other") as w:
            w.changed(EventKind.FILL, "foreign", "Not ours.", {})
        happen(api, 1)

        assert received(socket) == {"seq": 5, "kind": "TRADE", "subject": "s5"}


@pytest.mark.parametrize(("after", "code"), [(99, "DATA_006"), (-1, "QRY_004"), (0, "DATA_006")])
def test_a_subscription_that_can_not_begin_says_why_and_the_socket_stays(api: Api, after: int, code: str) -> None:
    forget(api, 2)
    with api.session() as socket:
        socket.subscribe("1", EVENTS, {"after": after})
        refused = socket.receive()
        socket.subscribe("2", "{ viewer { name } }")

        assert (refused["type"], refused["payload"][0]["extensions"]["errorCode"]) == ("error", code)
        assert socket.receive()["type"] == "next"


def test_two_thousand_events_arrive_once_each_over_sockets_that_are_cut(api: Api) -> None:
    chance = random.Random(20131008)
    total = 2_000
    writing = threading.Thread(target=happen_in_bursts, args=(api, total, chance.randrange(2**32)))
    seen = [4]
    cuts = 0
    writing.start()
    while seen[-1] < 4 + total:
        until_cut = chance.randrange(1, 200)
        with api.socket() as socket:
            socket.send({"type": "connection_init", "payload": {"X-API-Key": api.token}})
            socket.receive()
            socket.subscribe("1", EVENTS, {"after": seen[-1]})
            while until_cut and seen[-1] < 4 + total:
                seen.append(received(socket)["seq"])
                until_cut -= 1
            if chance.random() < 0.5:  # gone without a word, as when the line breaks
                socket.connection.socket.close()
            cuts += 1
    writing.join()

    assert seen == list(range(4, 4 + total + 1))
    assert cuts > 10


def test_a_follower_from_far_back_reads_the_store_until_it_has_caught_up(api: Api) -> None:
    happen(api, 1_500)
    with api.session() as socket:
        socket.subscribe("now", EVENTS, {"after": 1_504})
        wait_for_subscribers(api, 1)
        happen(api, 1_300)  # more than stays in memory
        socket.subscribe("old", EVENTS, {"after": 0})
        seen: dict[str, list[int]] = {"now": [1_504], "old": [0]}
        while seen["now"][-1] < 2_804 or seen["old"][-1] < 2_804:
            message = socket.receive()
            seen[message["id"]].append(message["payload"]["data"]["events"]["seq"])

    assert seen == {"now": list(range(1_504, 2_805)), "old": list(range(2_805))}


def test_a_completed_or_broken_subscription_is_let_go_of(api: Api) -> None:
    with api.session() as socket, api.session() as broken:
        socket.subscribe("1", EVENTS, {"after": 4})
        broken.subscribe("1", EVENTS, {"after": 4})
        wait_for_subscribers(api, 2)
        socket.send({"type": "complete", "id": "1"})
        wait_for_subscribers(api, 1)
        broken.connection.socket.close()
        wait_for_subscribers(api, 0)
        happen(api, 1)
        socket.subscribe("1", EVENTS, {"after": 4})

        assert received(socket)["seq"] == 5


def test_events_need_a_key_that_may_read_and_no_more(api: Api) -> None:
    with api.session(api.key(Scope.READ)) as socket:
        socket.subscribe("1", EVENTS, {"after": 3})

        assert received(socket)["seq"] == 4


def happen(api: Api, count: int) -> None:
    """So many events in one commit, of all kinds in turn."""
    with api.store.writing("main") as w:
        for _ in range(count):
            seq = w.seq() + 1
            w.changed(KINDS[(seq - 5) % len(KINDS)], f"s{seq}", "Something happened.", {"n": seq})


def happen_in_bursts(api: Api, total: int, seed: int) -> None:
    chance = random.Random(seed)
    while total:
        burst = min(total, chance.choice((1, 1, 2, 10, 40, 90)))
        happen(api, burst)
        total -= burst


def forget(api: Api, up_to: int) -> None:
    """Prune by hand what has those numbers."""
    with api.store.engine.begin() as connection:
        connection.execute(changes.delete().where(changes.c.seq <= up_to))
        assert connection.execute(sa.select(counters.c.seq)).scalar_one() == 4


def received(socket: Socket) -> Any:
    message = socket.receive()
    assert message["type"] == "next", message
    return message["payload"]["data"]["events"]


def wait_for_subscribers(api: Api, count: int) -> None:
    give_up = api.clock.monotonic() + 5
    while api.data("{ metrics { subscribers } }")["metrics"]["subscribers"] != count:
        assert api.clock.monotonic() < give_up
