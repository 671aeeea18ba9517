import base64
import random
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from tests.domain.samples import sample_error, sample_fill, sample_plan
from tests.store.seeding import minutes, sample_command, sample_session, sample_trade
from trading_bot.errors.fault import Fault
from trading_bot.store import commands, errors, fills, plans, sessions, trades
from trading_bot.store.paging import Page
from trading_bot.store.store import Reading, Store, Writing

Lister = Callable[..., Page[Any]]
# Each list with how to save the row of a number; several rows share each time, so that the second part of the key decides.
LISTS: dict[str, tuple[Lister, Callable[[Writing, int], object]]] = {
    "fills": (fills.list_fills, lambda w, n: fills.save_fill(w, sample_fill(id=f"{n:03}", timestamp=minutes(n // 3)))),
    "plans": (plans.list_plans, lambda w, n: plans.save_plan(w, sample_plan(id=f"{n:03}", opened_at=minutes(n // 3)))),
    "trades": (
        trades.list_trades,
        lambda w, n: trades.save_trade(w, sample_trade(id=f"{n:03}", timestamp=minutes(n // 3))),
    ),
    "sessions": (
        sessions.list_sessions,
        lambda w, n: sessions.save_session(w, sample_session(id=f"{n:03}", created_at=minutes(n // 3))),
    ),
    "errors": (errors.list_errors, lambda w, n: errors.save_error(w, sample_error(id=f"{n:03}", cause=f"Cause {n}."))),
    "commands": (commands.list_commands, lambda w, n: commands.add_command(w, sample_command(id=f"{n:03}"))),
}


@pytest.mark.parametrize("name", LISTS)
def test_pages_neither_repeat_nor_hide_a_row_while_rows_arrive(store: Store, name: str) -> None:
    list_them, save = LISTS[name]
    with store.writing("main") as w:
        for n in range(40):
            save(w, n)
    with store.writing("other") as w:
        save(w, 999)
    seen, after, following, arriving = [], None, True, 40
    sizes = random.Random(7)

    while following:
        with store.reading("main") as r:
            page = list_them(r, sizes.randint(1, 9), after)
        assert page.has_previous is (after is not None)
        assert len(page.cursors) == len(page.items) > 0
        seen += [item.id for item in page.items]
        after, following = page.cursors[-1], page.has_next
        with store.writing("main") as w:
            save(w, arriving)
        arriving += 1

    assert seen == [f"{n:03}" for n in reversed(range(40))]


@pytest.mark.parametrize("name", LISTS)
def test_each_cursor_leads_to_what_follows_its_row(store: Store, name: str) -> None:
    list_them, save = LISTS[name]
    with store.writing("main") as w:
        for n in range(5):
            save(w, n)

    with store.reading("main") as r:
        whole = list_them(r, 100)
        behind = [[item.id for item in list_them(r, 100, cursor).items] for cursor in whole.cursors]
    assert behind == [["003", "002", "001", "000"], ["002", "001", "000"], ["001", "000"], ["000"], []]
    assert (whole.has_next, whole.has_previous) == (False, False)


def refusal(store: Store, first: int, after: str | None) -> Fault:
    with store.reading("main") as r, pytest.raises(Fault) as refused:
        fills.list_fills(r, first, after)
    return refused.value


@pytest.mark.parametrize("first", [0, -1, 101, 10**12])
def test_a_page_holds_1_to_100(store: Store, first: int) -> None:
    fault = refusal(store, first, None)

    assert (fault.code, fault.cause) == ("QRY_004", f"Expected `first` between 1 and 100, was {first}.")


def encoded(key: object) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(key)).decode()


@pytest.mark.parametrize(
    "after",
    [
        "",
        "?",
        "é",
        "bm90IGpzb24=",
        encoded([1]),
        encoded([1, 2, 3]),
        encoded({"a": 1}),
        encoded(None),
        encoded(["x", 1]),
        encoded([1, "x"]),
        encoded([True, 1]),
        encoded([2**63, 1]),
        encoded([10**18, 1]),
        encoded([-(10**18), 1]),
        encoded([1, 2**63]),
        encoded([1.5, 1]),
        "A" * 10_000,
    ],
    ids=range(17),
)
def test_a_cursor_that_is_none_is_refused(store: Store, after: str) -> None:
    fault = refusal(store, 10, after)

    assert (fault.code, fault.context) == ("QRY_004", {"argument": "after"})


def test_a_cursor_with_text_that_no_database_keeps_finds_nothing_wrong(store: Store) -> None:
    with store.writing("main") as w:
        plans.save_plan(w, sample_plan())

    with store.reading("main") as r:
        assert len(plans.list_plans(r, 10, encoded([10**16, "a\0b"])).items) == 1


def test_a_search_that_is_too_long_is_refused(store: Store) -> None:
    def find(r: Reading, length: int) -> Page[Any]:
        return trades.list_trades(r, 10, search="é" * length)

    with store.reading("main") as r:
        assert find(r, 200).items == ()
        with pytest.raises(Fault) as refused:
            find(r, 201)
    assert (refused.value.code, refused.value.context) == ("QRY_004", {"argument": "search", "max": 200})
