"""Conditions: what they say of data, and what they can't do."""

import time
from typing import Any

import pytest

from trading_bot.errors.fault import Fault
from workflows.conditions import holds

KNOWN: dict[str, Any] = {
    "parameters": {"policy": "keep", "n": 3},
    "steps": {"look-up": {"data": {"x": 1}}},
    "data": {"state": "RUNNING", "price": "101.50", "list": [{"n": 1}, {"n": 2}], "nothing": None},
}


@pytest.mark.parametrize(
    ("condition", "truth"),
    [
        ("data.state == 'RUNNING'", True),
        ("data.state in ['PAUSED', 'STOPPED']", False),
        ("double(data.price) > 101.0 && parameters.n == 3", True),
        ("data.list.all(one, one.n > 0) && data.list.exists(one, one.n == 2)", True),
        ("data.list.filter(one, one.n > 1).size() == 1", True),
        ("steps['look-up'].data.x == 1", True),
        ("'other' in steps", False),
        ("has(data.absent) && data.absent > 1", False),
        ("data.nothing == null", True),
        ("data.state.matches('^RUN')", True),
        ("data.state == 'it\\'s // no comment'", False),
    ],
)
def test_a_condition_says_whether_it_is_so(condition: str, *, truth: bool) -> None:
    assert holds(condition, KNOWN) is truth


@pytest.mark.parametrize(
    ("condition", "why"),
    [
        ("data.absent == 1", "The data has no such part"),
        ("data.state > 1", "different types"),
        ("data.state", "neither true nor false"),
        ("1 / (parameters.n - 3) == 1", "divided by zero"),
        ("parameters.nothing.here", "The data has no such part"),
        ("'a'.matches('(')", "can't be evaluated"),
    ],
)
def test_what_can_not_be_said_of_the_data_is_a_fault_of_the_data(condition: str, why: str) -> None:
    with pytest.raises(Fault, match="WF_007") as raised:
        holds(condition, KNOWN)

    assert why in raised.value.cause
    assert raised.value.context["isOfData"] is True


@pytest.mark.parametrize(
    ("condition", "why"),
    [
        ("", "1 to 1000 characters"),
        (" ", "1 to 1000 characters"),
        ("data.x == 1 || " * 70 + "true", "1 to 1000 characters"),
        ("data.x ==", "not a CEL expression"),
        ("__import__('os').system('true')", "can't be evaluated"),
        ("open('/etc/passwd')", "can't be evaluated"),
        ("env.HOME == ''", "there is no `env`"),
        ("data.x // 1", "comments"),
        ("true) || (true", "not a CEL expression"),
        ("data.list.all(a, data.list.all(b, data.list.all(c, true)))", "can't stand inside another"),
        ("data.list.all(a, a.n.matches('(x+x+)+y'))", "can't stand inside another"),
        (" || ".join(["data.list.all(a, true)"] * 9), "more than 8 macros"),
        ("(" * 400 + "1" + ")" * 400, "not a CEL expression"),
        ("data.x == '\0'", "control characters"),
    ],
)
def test_what_is_no_condition_is_refused(condition: str, why: str) -> None:
    with pytest.raises(Fault, match="WF_007") as raised:
        holds(condition, KNOWN)

    assert why in raised.value.cause


def test_data_without_end_is_refused_before_it_is_worked_through() -> None:
    begun = time.process_time()
    with pytest.raises(Fault, match=r"WF_007.*too large"):
        holds("data.all(x, x == 1)", {"data": [1] * 30_000})
    with pytest.raises(Fault, match=r"WF_007.*too large"):
        holds("data == ''", {"data": "x" * 2_000_000})

    assert time.process_time() - begun < 1


def test_the_costliest_condition_that_is_allowed_ends_soon() -> None:
    known = {"data": {"list": [{"s": "a" * 50}] * 6_000}}
    condition = " && ".join(["data.list.all(x, x.s.contains('aab') || x.s.size() == 50)"] * 8)
    begun = time.process_time()

    assert holds(condition, known) is True
    assert time.process_time() - begun < 5
