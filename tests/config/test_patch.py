"""Merge patches: RFC 7396, but that a null on a key that may be null is a null, for every key has a value without being named."""

from typing import Any

import pytest
from hypothesis import given, settings

from tests.config.made import FAST, configs
from trading_bot.domain.config import BotConfig
from trading_bot.services.config_check import check
from trading_bot.services.config_patch import is_deep, is_large, merged, patch_between
from trading_bot.services.configuration import config_values

# The test cases of RFC 7396, appendix A, whose target is an object: no key of theirs is one of ours, so none may be null.
APPENDIX_A: list[tuple[Any, Any, Any]] = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


@pytest.mark.parametrize(("target", "patch", "result"), APPENDIX_A)
def test_a_patch_merges_as_the_standard_says(target: Any, patch: Any, result: Any) -> None:
    before = repr(target)

    assert merged(target, patch) == result
    assert repr(target) == before


def test_a_null_takes_a_key_back_to_its_default_or_to_null_where_that_means_something() -> None:
    values = {"risk": {"max_open_positions": 3, "max_rejections": 5}, "alerts": {"min_win_rate": 0.5}}
    after = merged(
        values, {"risk": {"max_open_positions": None, "max_rejections": None}, "alerts": {"min_win_rate": None}}
    )

    assert after == {"risk": {"max_rejections": None}, "alerts": {"min_win_rate": None}}
    config = check(after).config
    assert config is not None
    assert (config.risk.max_open_positions, config.risk.max_rejections, config.alerts.min_win_rate) == (10, None, None)


def test_a_patch_names_only_what_differs() -> None:
    before = config_values(BotConfig())
    after = merged(before, {"name": "Other", "venue": {"speed": None}, "symbols": ["AAPL"]})

    assert patch_between(before, after) == {"name": "Other", "venue": {"speed": None}, "symbols": ["AAPL"]}
    assert patch_between(before, before) == {}


@settings(max_examples=30, deadline=None, phases=FAST)
@given(configs(), configs())
def test_a_patch_leads_from_any_configuration_to_any_other(before: BotConfig, after: BotConfig) -> None:
    old, new = config_values(before), config_values(after)

    assert check(merged(old, patch_between(old, new))).config == after


def test_depth_is_counted_without_going_deep() -> None:
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]

    assert is_deep(deep)
    assert not is_deep({"a": {"b": [{"c": 1}]}})


@pytest.mark.parametrize(
    ("data", "is_too_large"),
    [
        (config_values(BotConfig()), False),
        ({"symbols": ["A"] * 999}, False),
        ({"symbols": ["A"] * 1_000}, True),
        ({"a": [{"b": 1}] * 500}, True),
        ([[[]] * 30_000], True),
        (dict.fromkeys(range(30_000)), True),
        ("x" * 65_000, False),
    ],
    ids=lambda value: str(value)[:20],
)
def test_values_are_counted_at_all_levels(data: Any, is_too_large: bool) -> None:  # noqa: FBT001
    assert is_large(data) is is_too_large
