"""What is kept is bounded by weight, and what is asked for again outlives what is asked for once."""

from hypothesis import given
from hypothesis import strategies as st

from graph.kept import Kept


def test_what_was_put_is_found() -> None:
    kept: Kept[str, int] = Kept(room=10)
    kept.put("a", 1)

    assert (kept.get("a"), kept.get("b"), len(kept), kept.weight) == (1, None, 1, 1)


def test_the_oldest_of_what_was_asked_for_once_goes_first() -> None:
    kept: Kept[int, int] = Kept(room=10)
    for number in range(12):
        kept.put(number, number)

    assert [number for number in range(12) if kept.get(number) is not None] == list(range(2, 12))


def test_what_was_asked_for_again_outlives_any_number_of_new_things() -> None:
    kept: Kept[int, int] = Kept(room=10)
    for number in range(8):
        kept.put(number, number)
        kept.get(number)
    for number in range(100, 1_000):
        kept.put(number, number)

    assert [kept.get(number) for number in range(8)] == list(range(8))


def test_what_is_put_anew_keeps_its_place() -> None:
    kept: Kept[int, int] = Kept(room=10)
    for number in range(8):
        kept.put(number, number)
        kept.get(number)
        kept.put(number, -number)
    for number in range(100, 1_000):
        kept.put(number, number)

    assert [kept.get(number) for number in range(8)] == [-number for number in range(8)]
    assert kept.weight == len(kept) == 10


def test_of_what_is_asked_for_again_the_least_lately_used_goes_first() -> None:
    kept: Kept[int, int] = Kept(room=10)
    for number in (*range(8), 8, 9):
        kept.put(number, number)
        kept.get(number)
    for number in range(100, 110):
        kept.put(number, number)

    assert [number for number in range(10) if kept.get(number) is not None] == list(range(2, 10))


def test_what_is_too_large_is_not_kept_and_takes_the_place_of_what_was() -> None:
    kept: Kept[str, int] = Kept(room=80)
    kept.put("a", 1, 10)
    kept.put("a", 2, 11)

    assert (kept.get("a"), len(kept), kept.weight) == (None, 0, 0)


def test_what_was_dropped_weighs_nothing() -> None:
    kept: Kept[str, int] = Kept(room=80)
    for key in "abc":
        kept.put(key, 1, 5)
    kept.get("a")
    kept.drop("a")
    kept.drop("b")
    kept.drop("nothing")

    assert (len(kept), kept.weight) == (1, 5)
    kept.clear()
    assert (len(kept), kept.weight, kept.get("c")) == (0, 0, None)


@given(
    st.lists(st.tuples(st.sampled_from(("get", "put", "drop")), st.integers(0, 20), st.integers(1, 12)), max_size=200)
)
def test_it_never_weighs_more_than_its_room_and_always_what_it_holds(steps: list[tuple[str, int, int]]) -> None:
    kept: Kept[int, int] = Kept(room=64)
    last: dict[int, int] = {}
    for what, key, weight in steps:
        if what == "put":
            kept.put(key, weight, weight)
            last[key] = weight
        elif what == "drop":
            kept.drop(key)
            last.pop(key, None)
        elif (found := kept.get(key)) is not None:
            assert found == last[key]
        held = [*kept._new.values(), *kept._again.values()]
        assert kept.weight == sum(weight for _, weight in held) <= 64


def test_what_is_put_again_in_the_same_weight_takes_the_place_of_what_was_there() -> None:
    kept: Kept[str, str] = Kept(room=64)
    for key in ("old", "new"):
        kept.put(key, "first", 4)
        assert kept.get(key) == "first"

    kept.put("old", "second", 4)
    assert (kept.get("old"), kept.weight, len(kept)) == ("second", 8, 2)
    kept.put("old", "too much", 9)
    assert (kept.get("old"), kept.weight) == (None, 4)
