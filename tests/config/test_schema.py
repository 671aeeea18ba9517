"""The JSON Schema: what the types say, in its file, whole, and of one mind with them."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.config.made import FAST, configs
from trading_bot.domain.config import BotConfig
from trading_bot.domain.hours import SessionHours
from trading_bot.domain.limits import RiskLimits
from trading_bot.domain.ranges import Limit, notes
from trading_bot.services.config_check import check
from trading_bot.services.config_fields import allowed, explained, field_at, schema, schema_bytes
from trading_bot.services.config_schema import schema_text
from trading_bot.services.config_validator import mistakes
from trading_bot.services.configuration import config_values, parse_config


def leaves(shape: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, part in shape["properties"].items():
        if "$ref" not in part:
            yield f"{path}{name}", part


LEAVES = [*leaves(schema()), *(leaf for name, part in schema()["$defs"].items() for leaf in leaves(part, f"{name}."))]


def test_the_file_is_what_the_types_make() -> None:
    assert schema_bytes().decode() == schema_text()


def test_it_is_a_schema_of_its_draft() -> None:
    Draft202012Validator.check_schema(schema())
    assert schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize(("path", "leaf"), LEAVES, ids=[path for path, _ in LEAVES])
def test_every_key_has_its_meaning_its_bounds_and_an_example(path: str, leaf: dict[str, Any]) -> None:
    assert leaf["description"].endswith(".")
    assert len((explained(leaf) or "").encode()) <= 400
    assert "const" in leaf or leaf["examples"]
    assert "default" in leaf
    kinds = leaf.get("type", ())
    if "integer" in kinds or "number" in kinds:
        assert leaf["minimum"] < leaf["maximum"]
    if "array" in kinds:
        assert leaf["minItems"] == 0
        assert leaf["maxItems"] <= 50
    if kinds in ("string", ["string", "null"]):
        assert "pattern" in leaf


def test_a_field_says_type_bounds_and_unit() -> None:
    leaf = schema()["$defs"]["RiskLimits"]["properties"]["daily_loss_limit"]

    assert leaf == {
        "description": "The breaker trips once the session's P&L is at or below this; negative, in the quote currency.",
        "type": "string",
        "pattern": r"^-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,6})?$",
        "x-minimum": "-1000000000",
        "x-maximum": "-0.01",
        "x-unit": "quote currency",
        "x-limit": "lower",
        "default": "-2000",
        "examples": ["-2000"],
    }
    assert allowed(field_at(("strategies", 0, "stop_pct"), {"strategies": [{"kind": "vwap-pullback"}]})) == (
        "a decimal in quotes from 0.01 to 20 (percent of the VWAP)"
    )


def test_every_limit_says_which_way_it_gets_looser() -> None:
    for limits in (RiskLimits, SessionHours):
        assert [name for name, _, said in notes(limits) if not any(isinstance(one, Limit) for one in said)] == []
    assert len(dataclasses.fields(RiskLimits)) == 12


def test_the_defaults_are_valid_and_those_of_the_types() -> None:
    defaults = {name: part["default"] for name, part in schema()["properties"].items()}

    assert defaults == config_values(BotConfig())
    assert list(mistakes(defaults)) == []


@settings(max_examples=30, deadline=None, phases=FAST)
@given(configs())
def test_what_the_types_hold_the_schema_takes_and_gives_back(config: BotConfig) -> None:
    values = config_values(config)

    assert list(mistakes(values)) == []
    assert parse_config(values) == config


@settings(max_examples=150, deadline=None, phases=FAST)
@given(
    st.sampled_from(["risk", "hours", "alerts", "retention", "backup", "venue"]),
    st.data(),
    st.integers(-5, 200_000)
    | st.floats(allow_nan=False)
    | st.decimals(-5, 200_000, places=2).map(str)
    | st.none()
    | st.text(max_size=8),
)
def test_what_the_schema_takes_the_types_take_too(part: str, data: st.DataObject, value: object) -> None:
    """One value is changed: the types may take more (a number in quotes), never less."""
    values = config_values(BotConfig())
    free = [key for key in values[part] if key not in {"faults", "feed", "candles"}]
    values[part][data.draw(st.sampled_from(free))] = value
    if not list(mistakes(values)):
        assert check(values).config == parse_config(values)
