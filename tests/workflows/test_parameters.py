"""Parameters: typed values out of what a caller sends, and references that become values whole."""

from typing import Any

import pytest

from tests.fakes.set_clock import SetClock
from tests.workflows.definitions import scene_at
from trading_bot.errors.fault import Fault
from workflows.model import Parameter, ParameterType
from workflows.parameters import checked, seconds
from workflows.references import known_parts, names, substituted


def rule(kind: str, **more: Any) -> Parameter:
    usual: dict[str, Any] = {"default": None, "is_required": True, "min": None, "max": None, "values": ()}
    return Parameter(name="x", description="X.", type=ParameterType(kind), **{**usual, **more})


@pytest.mark.parametrize(
    ("declared", "sent", "held"),
    [
        (rule("string"), "BTC/USD", "BTC/USD"),
        (rule("string"), "$(rm -rf /); `x` | ${{ parameters.y }}", "$(rm -rf /); `x` | ${{ parameters.y }}"),
        (rule("string"), "Übung 日本", "Übung 日本"),
        (rule("integer", min=1, max=3), 3, 3),
        (rule("decimal"), "1.50", "1.50"),
        (rule("decimal", min="0.01", max="2"), "2", "2"),
        (rule("decimal"), 7, "7"),
        (rule("boolean"), False, False),
        (rule("enum", values=("keep", "flatten")), "flatten", "flatten"),
        (rule("duration"), "90s", 90),
        (rule("duration"), "5m", 300),
        (rule("duration"), "2h", 7200),
        (rule("duration"), 0, 0),
    ],
)
def test_a_value_is_held_as_its_type(declared: Parameter, sent: Any, held: Any) -> None:
    assert checked((declared,), {"x": sent}) == {"x": held}


@pytest.mark.parametrize(
    ("declared", "sent", "expected"),
    [
        (rule("string", min=2, max=4), "a", "expected text of 2 to 4 characters"),
        (rule("string", max=4), "abcde", "expected text of 0 to 4 characters"),
        (rule("string"), "x" * 501, "expected text of 0 to 500 characters"),
        (rule("string"), "a\nb", "without control characters"),
        (rule("string"), "a\0b", "without control characters"),
        (rule("string"), "\ud800", "without control characters"),
        (rule("string"), 5, "expected text"),
        (rule("string"), ["a"], "expected text"),
        (rule("integer"), True, "expected a whole number"),
        (rule("integer"), 1.0, "expected a whole number"),
        (rule("integer"), "1", "expected a whole number"),
        (rule("integer", max=3), 4, "to 3"),
        (rule("integer"), 2**60, "expected a whole number"),
        (rule("decimal"), 1.5, "as text"),
        (rule("decimal"), "NaN", "as text"),
        (rule("decimal"), "1e9", "as text"),
        (rule("decimal"), "9" * 100, "as text"),
        (rule("decimal"), "١", "as text"),
        (rule("decimal", min="0.01"), "0.001", "expected a number from 0.01"),
        (rule("boolean"), 1, "expected true or false"),
        (rule("boolean"), "true", "expected true or false"),
        (rule("enum", values=("keep",)), "burn", "expected one of keep"),
        (rule("enum", values=("keep",)), ["keep"], "expected one of keep"),
        (rule("duration"), "5 minutes", "expected 0 to 86400 seconds"),
        (rule("duration"), -1, "expected 0 to 86400 seconds"),
        (rule("duration", max=60), "2m", "expected 0 to 60 seconds"),
        (rule("duration"), True, "expected 0 to 86400 seconds"),
        (rule("integer"), None, "it must be sent"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_what_would(declared: Parameter, sent: Any, expected: str) -> None:
    with pytest.raises(Fault, match="WF_002") as raised:
        checked((declared,), {"x": sent})

    assert expected in raised.value.cause
    assert raised.value.context["parameter"] == "x"


def test_what_is_not_sent_has_its_default() -> None:
    declared = (rule("duration", default=30, is_required=False),)

    assert checked(declared, {}) == checked(declared, {"x": None}) == {"x": 30}


def test_an_unknown_parameter_is_told_the_closest() -> None:
    with pytest.raises(Fault, match="WF_002") as raised:
        checked((rule("integer"),), {"y": 1, "x": 1})

    assert raised.value.cause == "The workflow has no such parameter; it has: `x`."


@pytest.mark.parametrize("sent", ["x=1", ["x"], None, 5])
def test_parameters_that_are_no_object_are_refused(sent: object) -> None:
    with pytest.raises(Fault, match="WF_002"):
        checked((rule("integer"),), sent)


@pytest.mark.parametrize(
    ("text", "found"), [("0s", 0), ("9999999h", 35999996400), ("", None), ("s", None), ("1d", None), ("1.5m", None)]
)
def test_durations(text: str, found: int | None) -> None:
    assert seconds(text) == found


def test_a_reference_is_replaced_whole_and_its_value_is_not_read_again() -> None:
    scene = scene_at(
        SetClock(),
        parameters={"x": "${{ run.id }}", "n": 3},
        outputs={"look": {"data": {"list": [{"id": "a"}, {"id": "b"}]}}},
    )
    given = {
        "a": "${{ parameters.x }}",
        "b": ["${{parameters.n}}", "plain"],
        "c": {"deep": "${{ steps.look.data.list.1.id }}"},
        "d": "${{ run.bot_id }}",
        "${{ parameters.n }}": 1,
    }

    assert substituted(given, names(scene)) == {
        "a": "${{ run.id }}",
        "b": [3, "plain"],
        "c": {"deep": "b"},
        "d": "main",
        "${{ parameters.n }}": 1,
    }


def test_a_reference_to_what_is_not_there_fails_and_is_left_while_rehearsing() -> None:
    scene = scene_at(SetClock(), parameters={"n": 3})
    given = {"a": "${{ steps.skipped.id }}", "b": "${{ parameters.n }}"}

    with pytest.raises(Fault, match=r"WF_004.*steps\.skipped\.id"):
        substituted(given, names(scene))
    assert known_parts(given, names(scene)) == {"a": "${{ steps.skipped.id }}", "b": 3}
