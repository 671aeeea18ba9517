from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.samples import NOON, sample_order
from trading_bot.domain.orders import (
    LIVE,
    TRANSITIONS,
    UNSETTLED,
    WORKING,
    ClientOrderId,
    Leg,
    OrderRequest,
    OrderStatus,
    OrderType,
    Side,
    is_due,
    may_become,
    parse_client_order_id,
    plan_id_from,
)

S = OrderStatus
# Rows: before; columns: after, in the order of the enum. "x" may follow, "=" is the status itself.
TABLE = """
INTENDED          = x . . . . . x . .
SUBMITTED         . = x x x x x x x x
ACCEPTED          . . = x x x x x x x
PARTIALLY_FILLED  . . . = x x x x . x
FILLED            . . . . = . . . . .
PENDING_CANCEL    . . x x x = x x x x
CANCELLED         . . . . x . = . . .
EXPIRED           . . . . x . x = . .
REJECTED          . . . . x . . . = .
UNKNOWN           . x x x x x x x x =
"""


@pytest.mark.parametrize("row", TABLE.strip().splitlines())
def test_each_status_may_become_exactly_what_the_table_says(row: str) -> None:
    name, *marks = row.split()

    found = ["=" if OrderStatus[name] is after else "x" if may_become(OrderStatus[name], after) else "." for after in S]

    assert found == marks


def test_every_status_may_stay_as_it_is_and_the_table_does_not_repeat_that() -> None:
    assert all(may_become(status, status) for status in S)
    assert all(status not in TRANSITIONS[status] for status in S)
    assert set(TRANSITIONS) == set(S)


def test_every_status_can_still_end_and_a_late_fill_can_reach_all_but_the_unsent() -> None:
    reach = {status: reachable(status) for status in S}

    assert all(S.FILLED in reach[status] for status in S)
    assert {status for status in S if not may_become(status, S.FILLED)} == {S.INTENDED}


def test_nothing_returns_to_the_intent_and_nothing_leaves_filled() -> None:
    assert [before for before in S if S.INTENDED in TRANSITIONS[before]] == []
    assert reachable(S.FILLED) == {S.FILLED}


def test_an_order_that_ended_never_lives_again() -> None:
    for ended in set(S) - LIVE:
        assert reachable(ended) & LIVE == set()


def reachable(status: OrderStatus) -> set[OrderStatus]:
    seen, waiting = {status}, [status]
    while waiting:
        for after in TRANSITIONS[waiting.pop()] - seen:
            seen.add(after)
            waiting.append(after)
    return seen


def test_statuses_are_grouped_by_what_must_be_done_about_them() -> None:
    assert {S.INTENDED, S.SUBMITTED, S.ACCEPTED, S.PARTIALLY_FILLED, S.PENDING_CANCEL, S.UNKNOWN} == LIVE
    assert {S.ACCEPTED, S.PARTIALLY_FILLED} == WORKING
    assert LIVE - WORKING == UNSETTLED


@pytest.mark.parametrize("status", S)
def test_only_a_live_order_has_something_remaining(status: OrderStatus) -> None:
    order = sample_order(status=status, quantity=Decimal(100), filled=Decimal(30))

    assert order.is_live is (status in LIVE)
    assert order.remaining == (70 if status in LIVE else 0)


def test_an_order_filled_beyond_its_quantity_has_nothing_remaining() -> None:
    assert sample_order(quantity=Decimal(100), filled=Decimal(130)).remaining == 0


def test_an_order_goes_by_our_id_until_the_venue_has_named_it() -> None:
    assert sample_order(venue_order_id=None, client_order_id="bg-main-x").order_id == "bg-main-x"
    assert sample_order(venue_order_id="v-9").order_id == "v-9"


# ---- requests ----

NEEDS = {
    OrderType.MARKET: (False, False),
    OrderType.LIMIT: (True, False),
    OrderType.STOP: (False, True),
    OrderType.STOP_LIMIT: (True, True),
}


@pytest.mark.parametrize("order_type", OrderType)
@pytest.mark.parametrize("price", [None, "-1", "0", "99.5"])
@pytest.mark.parametrize("stop_price", [None, "-1", "0", "99.5"])
def test_a_request_has_exactly_the_prices_that_its_type_needs(
    order_type: OrderType, price: str | None, stop_price: str | None
) -> None:
    def make() -> OrderRequest:
        return OrderRequest(
            client_order_id="bg-main-x",
            symbol="ACME",
            side=Side.BUY,
            order_type=order_type,
            quantity=Decimal(1),
            price=None if price is None else Decimal(price),
            stop_price=None if stop_price is None else Decimal(stop_price),
        )

    needs_price, needs_stop = NEEDS[order_type]
    if (price, stop_price) == ("99.5" if needs_price else None, "99.5" if needs_stop else None):
        assert make().order_type is order_type
    else:
        with pytest.raises(
            ValueError, match=rf"Expected (a positive|no) `(stop_)?price` for a {order_type.value} order"
        ):
            make()


@pytest.mark.parametrize("quantity", ["0", "-1"])
def test_a_request_without_a_quantity_is_refused(quantity: str) -> None:
    with pytest.raises(ValueError, match=f"Expected a positive quantity, was {quantity}"):
        OrderRequest(
            client_order_id="bg-main-x",
            symbol="ACME",
            side=Side.BUY,
            order_type=OrderType.MARKET,
            quantity=Decimal(quantity),
        )


# ---- ids ----

PARTS = st.builds(
    ClientOrderId,
    prefix=st.from_regex(r"[a-z0-9]{1,6}", fullmatch=True),
    bot=st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True),
    plan_id=st.binary(min_size=8, max_size=8).map(plan_id_from),
    leg=st.sampled_from(Leg),
    attempt=st.integers(0, 32_767),
)


def test_a_client_order_id_is_written_like_this() -> None:
    parts = ClientOrderId(prefix="bg", bot="main", plan_id=plan_id_from(bytes(range(8))), leg=Leg.EXIT, attempt=3)

    assert parts.plan_id == "aaaqeayeaudao"
    assert str(parts) == "bg-main-aaaqeayeaudapaad"


@given(PARTS)
def test_a_client_order_id_tells_its_parts_again(parts: ClientOrderId) -> None:
    assert parse_client_order_id(str(parts)) == parts
    assert len(str(parts)) <= 36


@given(PARTS, PARTS)
def test_different_orders_have_different_ids(one: ClientOrderId, other: ClientOrderId) -> None:
    assert (str(one) == str(other)) is (one == other)


def test_the_orders_of_one_plan_all_have_ids_of_their_own() -> None:
    first = ClientOrderId(prefix="bg", bot="main", plan_id=plan_id_from(b"12345678"), leg=Leg.ENTRY, attempt=0)

    ids = {str(replace(first, leg=leg, attempt=attempt)) for leg in Leg for attempt in range(0, 32_768, 7)}

    assert len(ids) == 2 * 4682


@pytest.mark.parametrize("attempt", [-1, 32_768])
def test_an_attempt_that_the_id_can_not_hold_is_refused(attempt: int) -> None:
    with pytest.raises(ValueError, match="Expected an attempt from 0 to 32767"):
        ClientOrderId(prefix="bg", bot="main", plan_id=plan_id_from(b"12345678"), leg=Leg.ENTRY, attempt=attempt)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bg-main",
        "bg-main-aaaqeayeaudaoaid-x",
        "BG-main-aaaqeayeaudaoaid",
        "bg-main-AAAQEAYEAUDAOAID",
        "toolong1-main-aaaqeayeaudaoaid",
        "bg-main-aaaqeayeaudaoai1",  # 1 is no base32
        "web-4c1f7b2e",
        "bg-main-aaaqeayeaudaoaid\n",
    ],
)
def test_an_id_that_was_not_made_here_has_no_parts(text: str) -> None:
    assert parse_client_order_id(text) is None


@given(st.text(max_size=40))
def test_any_text_is_an_id_of_ours_or_none(text: str) -> None:
    parts = parse_client_order_id(text)

    assert parts is None or str(parts) == text


@given(st.binary(min_size=8, max_size=32))
def test_a_plan_id_is_13_characters_of_the_first_8_bytes(digest: bytes) -> None:
    assert len(plan_id_from(digest)) == 13
    assert plan_id_from(digest) == plan_id_from(digest[:8])


def test_pauses_between_refused_attempts_double_up_to_sixteen_minutes() -> None:
    refused = sample_order(status=OrderStatus.REJECTED, created_at=NOON)

    def pause(count: int) -> int:
        return next(minutes for minutes in range(40) if is_due([refused] * count, NOON + timedelta(minutes=minutes)))

    assert [pause(count) for count in range(1, 11)] == [0, 0, 0, 2, 4, 8, 16, 16, 16, 16]
    assert is_due([*[refused] * 9, sample_order(status=OrderStatus.EXPIRED)], NOON)
    assert is_due([], NOON)
