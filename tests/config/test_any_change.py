"""Any change at all, over a real store: a valid one is undone byte for byte by a rollback, an invalid one changes nothing."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.config.changing import Operator, begun, intent
from tests.config.made import FAST, sound
from tests.fakes.set_clock import SetClock
from trading_bot.domain.config import BotConfig
from trading_bot.services.config_apply import InvalidChange
from trading_bot.services.config_fields import schema
from trading_bot.services.config_patch import merged
from trading_bot.services.config_plans import plan_values
from trading_bot.services.config_versions import latest_config
from trading_bot.services.config_views import view_of
from trading_bot.services.configuration import config_values
from trading_bot.store.engine import open_engine
from trading_bot.store.store import Store
from trading_bot.store.tables import metadata

FEW = settings(max_examples=25, deadline=None, phases=FAST, suppress_health_check=list(HealthCheck))
THOUSANDS = settings(FEW, max_examples=2_000)
HOME_BOUND = {"bot_id", "venue.kind", "venue.feed", "venue.candles", "venue.seed", "venue.starting_cash"}
"""What no change may touch: a patch that is to be valid leaves it out."""


@pytest.fixture
def operator(sqlite_url: str, clock: SetClock) -> Iterator[Operator]:
    """On SQLite: what is tried thousands of times."""
    opened = Store(open_engine(sqlite_url), clock)
    begun(opened)
    yield Operator(opened, clock)
    opened.close()


@st.composite
def patches(draw: st.DrawFn) -> dict[str, Any]:
    """Merge patches with some of the values of a sound configuration, whole parts and single keys; and nulls among them."""
    values = config_values(draw(sound()))
    patch: dict[str, Any] = {}
    for part in draw(st.lists(st.sampled_from(sorted(values)), min_size=1, max_size=5, unique=True)):
        if isinstance(values[part], dict):
            free = [key for key in sorted(values[part]) if f"{part}.{key}" not in HOME_BOUND]
            keys = draw(st.lists(st.sampled_from(free), min_size=1, unique=True))
            patch[part] = {key: draw(st.none() | st.just(values[part][key])) for key in keys}
        elif part not in HOME_BOUND:
            patch[part] = values[part]
    return patch


def broken() -> SearchStrategy[dict[str, Any]]:
    """Merge patches with one mistake: a number past its range, a value of another type, or a key that there is not."""
    return st.one_of(
        st.sampled_from([*_past_their_range()]),
        st.sampled_from([*_paths()]).flatmap(lambda path: st.builds(_patch, st.just(path), _strange())),
        st.text(st.characters(codec="ascii", categories=["Ll"]), min_size=12, max_size=20).map(
            lambda key: {"risk": {f"{key}x": 1}}
        ),
    )


def _strange() -> SearchStrategy[Any]:
    return st.sampled_from([[1.5], {"no": {"such": "thing"}}, float("nan"), True, 10**30, "\ud800", "two\nlines"])


def _paths() -> Iterator[tuple[str, ...]]:
    for part, shape in schema()["properties"].items():
        if "$ref" in shape:
            yield from ((part, key) for key in _properties(shape["$ref"]))
        else:
            yield (part,)


def _past_their_range() -> Iterator[dict[str, Any]]:
    for part, shape in schema()["properties"].items():
        for key, leaf in _properties(shape["$ref"]).items() if "$ref" in shape else ():
            for bound, past in (("minimum", -1), ("maximum", 1)):
                if bound in leaf:
                    yield _patch((part, key), leaf[bound] + past)
                elif f"x-{bound}" in leaf:
                    yield _patch((part, key), str(int(float(leaf[f"x-{bound}"])) + 2 * past))


def _properties(reference: str) -> dict[str, Any]:
    found: dict[str, Any] = schema()["$defs"][reference.rpartition("/")[2]]["properties"]
    return found


def _patch(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    return {path[0]: value} if len(path) == 1 else {path[0]: {path[1]: value}}


def reached(operator: Operator, config: BotConfig) -> int:
    """The version at which this configuration is in the store, written if it was not there."""
    wanted = config_values(replace(config, bot_id="main"))
    with operator.store.reading("main") as r:
        base = latest_config(r)
        plan = plan_values(base, wanted, view_of(r))
    assert plan.valid, plan.errors
    if plan.diff:
        token = operator.tokens.issue(bot_id="main", base=base, values=plan.values, key_id="k-1")
        operator.changes.apply(token, intent(), watch_seconds=0)
    assert operator.values() == wanted
    return operator.change().version


def kept(operator: Operator) -> tuple[bytes, dict[str, int]]:
    """The latest configuration's bytes, and how many rows each table has."""
    with operator.store.reading("main") as r:
        rows = {
            table.name: r.connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in metadata.sorted_tables
        }
    return orjson.dumps(operator.values()), rows


def undo(operator: Operator, first: BotConfig, patch: dict[str, Any]) -> None:
    """Reach a configuration, change it as the API does, and roll back: the first content again, byte for byte."""
    made = reached(operator, first)
    before = kept(operator)
    plan, token = operator.plan(patch)
    event("is valid" if plan.diff else "changes nothing" if plan.valid else "contradicts what is in force")
    if plan.valid and plan.diff:
        operator.changes.apply(token, intent(), watch_seconds=0)
        assert operator.values() == plan.values
        assert operator.values() != operator.values(made)
        version = operator.rollback(made)
        assert (version, operator.change().version) == (made + 2, made + 2)
        assert orjson.dumps(operator.values()) == before[0] == orjson.dumps(operator.values(made))
    else:  # values that contradict those in force, or are the same
        assert bool(plan.errors) is not plan.valid
        assert kept(operator) == before


def refuse(operator: Operator, first: BotConfig, patch: dict[str, Any]) -> None:
    """An invalid patch is planned as such, and changes nothing even with a token that says otherwise."""
    reached(operator, first)
    before = kept(operator)
    plan, _ = operator.plan(patch)
    assert (plan.valid, plan.diff) == (False, ())
    assert plan.errors
    assert orjson.dumps(plan.values) == before[0]

    with operator.store.reading("main") as r:
        base = latest_config(r)
    values = merged(base.values, patch)
    try:
        json.dumps(values, allow_nan=False)  # a token would say null for NaN, and null may be a good value
        token = operator.tokens.issue(bot_id="main", base=base, values=values, key_id="k-1")
    except (TypeError, ValueError):
        token = None  # no JSON: there can't be such a token
    if token is not None:
        with pytest.raises(InvalidChange):
            operator.changes.apply(token, intent(), watch_seconds=0)
    assert kept(operator) == before


@FEW
@given(sound(), patches())
def test_any_change_and_its_rollback_give_the_first_content_byte_for_byte(
    operator: Operator, first: BotConfig, patch: dict[str, Any]
) -> None:
    undo(operator, first, patch)


@FEW
@given(sound(), broken())
def test_a_change_that_is_not_valid_changes_nothing(
    operator: Operator, first: BotConfig, patch: dict[str, Any]
) -> None:
    refuse(operator, first, patch)


@pytest.mark.long
@pytest.mark.timeout(1800)
@THOUSANDS
@given(sound(), patches())
def test_thousands_of_changes_are_undone_byte_for_byte(
    operator: Operator, first: BotConfig, patch: dict[str, Any]
) -> None:
    undo(operator, first, patch)


@pytest.mark.long
@pytest.mark.timeout(1800)
@THOUSANDS
@given(sound(), broken())
def test_thousands_of_changes_that_are_not_valid_change_nothing(
    operator: Operator, first: BotConfig, patch: dict[str, Any]
) -> None:
    refuse(operator, first, patch)
