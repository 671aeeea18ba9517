"""The plan of a change: what it would do, how much harm it could do, and what happens, found out without doing it."""

import copy
from dataclasses import replace
from decimal import Decimal
from time import thread_time
from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.config.made import FAST, VIEW, sound, stored
from tests.domain.samples import sample_plan
from trading_bot.domain.commands import RiskLevel
from trading_bot.domain.config import BotConfig, BullFlag, PaperVenue, VwapPullback
from trading_bot.domain.config_changes import ConfigPlan, ConfigView
from trading_bot.domain.hours import SessionHours
from trading_bot.domain.limits import RiskLimits
from trading_bot.services.config_patch import patch_between
from trading_bot.services.config_plans import plan_change, plan_values
from trading_bot.services.configuration import config_hash, config_values

AAPL, TSLA = (
    sample_plan(id=f"{symbol}0000000000", symbol=symbol, strategy_name="vwap-pullback") for symbol in ("AAPL", "TSLA")
)
LIMITS_HOLD = (
    "The new limits hold for entries from the next bar on; exits are never refused, open plans keep their stops."
)


def told(plan: ConfigPlan) -> list[tuple[str, str]]:
    return [(error.error_code, error.cause) for error in plan.errors]


def test_a_plan_has_the_whole_configuration_and_each_difference() -> None:
    plan = plan_change(stored(), {"risk": {"max_open_positions": 5}, "name": "Desk"}, VIEW)

    assert (plan.valid, plan.base_version, plan.errors) == (True, 3, ())
    assert plan.values == config_values(replace(BotConfig(), name="Desk", risk=RiskLimits(max_open_positions=5)))
    assert plan.config_hash == config_hash(plan.values)
    assert [(one.path, one.before, one.after) for one in plan.diff] == [
        ("name", "BotGraph", "Desk"),
        ("risk.max_open_positions", 10, 5),
    ]
    assert plan.diff[1].description == "Plans open at the same time, 1 to 100."
    assert (plan.risk, plan.risk_reasons, plan.loosened) == (RiskLevel.LOW, (), ())
    assert plan.effects == (LIMITS_HOLD, "The rest holds from the next bar on.")


def test_a_patch_that_changes_nothing_says_so() -> None:
    plan = plan_change(stored(), {"risk": {"max_open_positions": 10.0}, "mode": None}, VIEW)

    assert (plan.valid, plan.diff, plan.effects) == (True, (), ("Nothing would change.",))
    assert plan.config_hash == stored().config_hash


@pytest.mark.parametrize(
    ("patch", "reasons"),
    [
        ({"risk": {"max_open_positions": 11}}, ["risk.max_open_positions is loosened from 10 to 11."]),
        ({"risk": {"daily_loss_limit": "-2500"}}, ["risk.daily_loss_limit is loosened from -2000 to -2500."]),
        ({"risk": {"breaker_reset": "next-session"}}, ["risk.breaker_reset is loosened from command to next-session."]),
        ({"mode": "LIVE"}, ["mode goes LIVE: real money is at stake."]),
        (
            {"hours": {"entries_after_open_minutes": 4, "flatten_before_close_minutes": None}},
            [
                "hours.entries_after_open_minutes is loosened from 5 to 4.",
                "hours.flatten_before_close_minutes is loosened from 10 to none.",
            ],
        ),
        (
            {"strategies": [{"kind": "bull-flag-breakout"}, {"kind": "vwap-pullback", "stop_pct": "0.5"}]},
            [
                "strategies[vwap-pullback].stop_pct widens stops from 0.25 to 0.5.",
                "The strategies decide differently.",
            ],
        ),
        (
            {"strategies": [{"kind": "vwap-pullback"}, {"kind": "vwap-pullback", "stop_pct": "20"}]},
            [
                "strategies[vwap-pullback#2].stop_pct has wider stops than by default: 20, not 0.25.",
                "The strategies decide differently.",
            ],
        ),
        (
            {"decider": {"url": "https://other.example/v1", "key": "env:MODEL_KEY"}},
            [
                "decider.url changes which secret is sent, or where to.",
                "decider.key changes which secret is sent, or where to.",
                "The language model is asked differently after the next restart.",
            ],
        ),
    ],
)
def test_what_may_cost_money_is_of_high_risk_with_its_reasons(patch: dict[str, Any], reasons: list[str]) -> None:
    hours = SessionHours(entries_after_open_minutes=5, flatten_before_close_minutes=10)
    plan = plan_change(stored(BotConfig(hours=hours)), patch, VIEW)

    assert (plan.risk, list(plan.risk_reasons)) == (RiskLevel.HIGH, reasons)


@pytest.mark.parametrize(
    ("patch", "reason"),
    [
        ({"symbols": ["AAPL"]}, "Other symbols are traded."),
        ({"strategies": []}, "The strategies decide differently."),
        ({"venue": {"slippage_bps": "2"}}, "Orders leave under other conditions after the next restart."),
        ({"retention": {"hot_days": 30}}, "Logs are removed or archived sooner."),
        ({"retention": {"risk_days": 30}}, "Logs are removed or archived sooner."),
        ({"backup": {"daily_at": None}}, "No more backups are made by themselves."),
        ({"on_signal": "cancel"}, "Resting orders are treated differently when the process is asked to end."),
        (
            {"decider": {"kind": "language-model", "url": "https://m.example/v1", "model": "small"}},
            "A language model decides after the next restart.",
        ),
    ],
)
def test_what_changes_what_the_bot_does_is_of_medium_risk(patch: dict[str, Any], reason: str) -> None:
    plan = plan_change(stored(), patch, VIEW)

    assert (plan.risk, plan.risk_reasons) == (RiskLevel.MEDIUM, (reason,))


@pytest.mark.parametrize(
    "patch",
    [
        {"risk": {"max_open_positions": 1}},
        {"hours": {"entries_before_close_minutes": 60}},
        {"alerts": {"min_win_rate": 0.4}},
        {"name": "x"},
        {"retention": {"hot_days": 99}},
    ],
)
def test_what_only_tightens_or_tells_is_of_low_risk(patch: dict[str, Any]) -> None:
    assert plan_change(stored(), patch, VIEW).risk is RiskLevel.LOW


def test_a_tighter_limit_that_holds_already_says_what_it_does_at_once() -> None:
    view = replace(VIEW, open_plans=(AAPL, TSLA), held=frozenset({"AAPL", "TSLA"}), daily_pnl=Decimal("-900.50"))
    plan = plan_change(
        stored(), {"risk": {"max_open_positions": 1, "daily_loss_limit": "-900", "risk_per_trade_pct": 0.1}}, view
    )

    assert plan.effects == (
        LIMITS_HOLD,
        "The circuit breaker trips at once: the session's P&L is -900.50, the limit -900.",
        "No entries until 1 of 2 open plans have closed.",
    )
    assert plan.risk is RiskLevel.LOW


def test_hours_say_from_when_to_when_what_is_cancelled_and_which_plans_are_closed() -> None:
    coins = replace(TSLA, symbol="BTC/USD")
    view = replace(VIEW, open_plans=(AAPL, coins))
    first = {"entries_after_open_minutes": 5, "entries_before_close_minutes": 30, "flatten_before_close_minutes": 40}

    assert plan_change(stored(), {"hours": first}, view).effects == (
        "From the next bar on entries on equities leave from 5 min after the session's open to 40 min before its close.",
        "Entries that still rest 40 min before the close are cancelled then.",
        "Positions in equities are closed 40 min before each close; crypto pairs are not touched.",
        "Open plans that are closed then, or at the next bar where that time has come: AAPL.",
    )
    tight = stored(BotConfig(hours=SessionHours(**first)))
    assert plan_change(tight, {"hours": {"flatten_before_close_minutes": None}}, view).effects == (
        "From the next bar on entries on equities leave from 5 min after the session's open to 30 min before its close.",
        "Positions in equities are held over the close.",
    )
    assert plan_change(stored(), {"hours": {"entries_before_close_minutes": 10}}, view).effects == (
        "From the next bar on entries on equities leave from 0 min after the session's open to 10 min before its close.",
    )


@pytest.mark.parametrize(
    ("hours", "wrong", "suggestion"),
    [
        ((200, 161, None), ("entries_before_close_minutes", "is 161, which leaves 29"), 160),
        ((250, 0, 120), ("entries_after_open_minutes", "is 250, which leaves 20"), 240),
        ((390, 390, None), ("entries_after_open_minutes", "is 390, which leaves 0"), 0),
    ],
)
def test_hours_that_leave_less_than_half_an_hour_for_entries_are_refused_with_a_way_out(
    hours: tuple[int, int, int | None], wrong: tuple[str, str], suggestion: int
) -> None:
    names = ("entries_after_open_minutes", "entries_before_close_minutes", "flatten_before_close_minutes")
    patch = {"hours": dict(zip(names, hours, strict=True))}
    plan = plan_change(stored(), patch, VIEW)
    [error, *_] = [error for error in plan.errors if error.context["field"] == f"hours.{wrong[0]}"]

    assert not plan.valid
    assert (error.error_code, error.context["suggestion"]) == ("CFG_020", suggestion)
    assert error.cause.startswith(
        f"`hours.{wrong[0]}` {wrong[1]} of a session's 390 minutes for entries, at least 30 are due"
    )
    (remedy,) = error.actions
    assert plan_change(stored(), remedy.variables["patch"], VIEW).valid


def test_hours_that_leave_just_half_an_hour_are_valid() -> None:
    for hours in ((200, 160, None), (240, 0, 120), (0, 360, 120), (360, 0, None)):
        names = ("entries_after_open_minutes", "entries_before_close_minutes", "flatten_before_close_minutes")
        assert plan_change(stored(), {"hours": dict(zip(names, hours, strict=True))}, VIEW).valid, hours


def test_strategies_and_symbols_say_which_restart_and_which_plans_are_touched() -> None:
    base = stored(BotConfig(symbols=("AAPL", "TSLA")))
    patch = {"symbols": ["TSLA", "MSFT"], "strategies": [{"kind": "vwap-pullback", "trend_bars": 30}]}
    plan = plan_change(base, patch, replace(VIEW, open_plans=(AAPL, TSLA)))

    assert plan.effects == (
        "bull-flag-breakout proposes no more entries.",
        "vwap-pullback restarts with its new parameters at the next bar; what it has seen of the market stays.",
        "Open plans of vwap-pullback keep their stops and targets: AAPL, TSLA.",
        "Entries are possible on MSFT once enough bars were seen.",
        "No more entries on AAPL.",
        "Open plans on what is left out are watched to their end: AAPL.",
    )
    assert [one.path for one in plan.diff] == [
        "symbols",
        "strategies[bull-flag-breakout]",
        "strategies[vwap-pullback].trend_bars",
    ]


def test_a_strategy_put_first_is_not_a_change_of_all() -> None:
    patch = {"strategies": [{"kind": "vwap-pullback"}, {"kind": "bull-flag-breakout"}]}
    plan = plan_change(stored(), patch, VIEW)

    assert [(one.path, one.before, one.after) for one in plan.diff] == [
        ("strategies", ["bull-flag-breakout", "vwap-pullback"], ["vwap-pullback", "bull-flag-breakout"])
    ]


def test_two_strategies_of_a_kind_are_told_apart() -> None:
    base = stored(BotConfig(strategies=(BullFlag(), BullFlag(pole_bars=12))))
    patch = {"strategies": [{"kind": "bull-flag-breakout"}, {"kind": "bull-flag-breakout", "pole_bars": 14}]}

    assert [one.path for one in plan_change(base, patch, VIEW).diff] == ["strategies[bull-flag-breakout#2].pole_bars"]


@pytest.mark.parametrize(
    ("view", "now"),
    [
        (VIEW, "nothing is held now"),
        (replace(VIEW, held=frozenset({"AAPL"}), open_orders=2), "now AAPL and 2 orders stand against it"),
        (replace(VIEW, open_orders=1), "now 1 order stands against it"),
    ],
)
def test_what_changes_only_when_flat_says_what_stands_against_it(view: ConfigView, now: str) -> None:
    plan = plan_change(stored(), {"mode": "LIVE", "client_order_prefix": "x", "decider": {"max_tokens": 900}}, view)

    assert plan.needs_flat == ("mode", "client_order_prefix")
    assert plan.restart == ("mode", "client_order_prefix", "decider.max_tokens")
    assert plan.effects == (
        f"mode, client_order_prefix change at the next restart of the bot at which nothing is held and no order may act; {now}.",
        "decider.max_tokens changes at the next restart of the bot.",
    )


@pytest.mark.parametrize(
    ("patch", "view", "causes"),
    [
        (
            {"risk": {"max_exposure_pct": 4}},
            VIEW,
            [
                "`risk.max_position_size_pct` is 5 %, more than all positions may be worth: `risk.max_exposure_pct` is 4 %."
            ],
        ),
        (
            {"risk": {"risk_per_trade_pct": 3, "max_position_size_pct": 2, "daily_loss_limit": "-5000"}},
            VIEW,
            [
                "`risk.risk_per_trade_pct` is 3 %, more than a position may be worth: `risk.max_position_size_pct` is 2 %."
            ],
        ),
        (
            {"risk": {"daily_loss_limit": "-100"}},
            replace(VIEW, equity=Decimal(50_000)),
            [
                "`risk.risk_per_trade_pct` lets one trade lose 250.00, more than `risk.daily_loss_limit` allows for a session, -100.",
            ],
        ),
        (
            {"retention": {"archive_days": 30}},
            VIEW,
            ["`retention.hot_days` is 90, but a file is removed after 30 days (`retention.archive_days`)."],
        ),
        (
            {"symbols": ["AAPL", "NOPE"]},
            replace(VIEW, symbols=frozenset({"AAPL", "TSLA"})),
            ["`symbols[1]` is NOPE, which the venue does not have."],
        ),
        (
            {"strategies": [{"kind": "vwap-pullback", "stop_pct": "0.05"}]},
            replace(VIEW, spreads={"AAPL": Decimal("0.06"), "TSLA": Decimal("0.01")}),
            ["`strategies[0].stop_pct` is 0.05 %: a stop nearer than the spread of AAPL, 0.06 %."],
        ),
        (
            {"venue": {"slippage_bps": "20"}},
            VIEW,
            [
                (
                    "`strategies[0].pole_min_pct` is 0.25 %: a pole, and the stop under its flag, nearer than the slippage of "
                    "a round trip, 0.4 %."
                ),
                "`strategies[1].stop_pct` is 0.25 %: a stop nearer than the slippage of a round trip, 0.4 %.",
            ],
        ),
        (
            {"bot_id": "other", "venue": {"seed": 8, "starting_cash": "5000"}},
            VIEW,
            [
                "`bot_id` can't be changed within one home: it needs another BOTGRAPH_HOME.",
                "`venue.seed` can't be changed within one home: it needs another BOTGRAPH_HOME.",
                "`venue.starting_cash` can't be changed within one home: it needs another BOTGRAPH_HOME.",
            ],
        ),
    ],
)
def test_values_that_contradict_each_other_the_venue_or_the_home_are_refused(
    patch: dict[str, Any], view: ConfigView, causes: list[str]
) -> None:
    plan = plan_change(stored(), patch, view)

    assert told(plan) == [("CFG_020", cause) for cause in causes]
    assert not plan.valid


def test_what_the_version_in_force_breaks_already_keeps_nobody_from_changing_the_rest() -> None:
    odd = stored(BotConfig(risk=RiskLimits(max_position_size_pct=8.0, max_exposure_pct=4.0)))

    assert plan_change(odd, {"name": "Desk"}, VIEW).valid
    assert not plan_change(odd, {"risk": {"max_exposure_pct": 3}}, VIEW).valid
    assert plan_change(odd, {"risk": {"max_exposure_pct": 9}}, VIEW).valid


def test_an_error_has_place_value_range_current_value_and_suggestion_and_the_change_mended_ready_to_send() -> None:
    plan = plan_change(stored(), {"risk": {"max_open_positions": 500, "max_opn_positions": 1}, "name": "Desk"}, VIEW)
    first, _ = plan.errors

    assert first.context == {
        "field": "risk.max_open_positions",
        "value": 500,
        "allowed": "a whole number from 1 to 100 (plans)",
        "current": 10,
        "suggestion": 100,
    }
    (remedy,) = first.actions
    assert (remedy.operation, remedy.writes) == ("configPlan", False)
    assert remedy.variables == {"patch": {"name": "Desk", "risk": {"max_open_positions": 100}}}
    mended = plan_change(stored(), remedy.variables["patch"], VIEW)
    assert (mended.valid, mended.values["risk"]["max_open_positions"], mended.values["name"]) == (True, 100, "Desk")


@pytest.mark.parametrize("patch", [None, [], "x", 3, [["a"] * 3], {"risk": [[[[[[[[[[[[[1]]]]]]]]]]]]]}])
def test_what_is_no_patch_is_refused(patch: Any) -> None:
    plan = plan_change(stored(), patch, VIEW)

    assert [error.error_code for error in plan.errors] == ["CFG_001"]
    assert (plan.valid, plan.diff, plan.plan_token) == (False, (), None)


def test_a_whole_configuration_is_judged_as_a_change_too() -> None:
    plan = plan_values(stored(BotConfig(name="Old")), {"risk": {"max_open_positions": 4}}, VIEW)

    assert [(one.path, one.after) for one in plan.diff] == [("name", "BotGraph"), ("risk.max_open_positions", 4)]


@settings(max_examples=40, deadline=None, phases=FAST)
@given(sound(), sound())
def test_a_valid_change_and_its_inverse_lead_back_byte_for_byte(first: BotConfig, second: BotConfig) -> None:
    base = stored(first)
    there = plan_change(base, patch_between(base.values, config_values(second)), VIEW)
    after = replace(base, version=4, values=there.values, config_hash=there.config_hash)
    by_patch = plan_change(after, patch_between(there.values, base.values), VIEW)
    by_values = plan_values(after, base.values, VIEW)

    assert there.values == config_values(second)
    for back in (by_patch, by_values):
        assert (back.valid, back.config_hash) == (True, base.config_hash)
        assert orjson.dumps(back.values) == orjson.dumps(base.values)
    assert {one.path for one in by_values.diff} == {one.path for one in there.diff}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
PARTS = st.sampled_from([*config_values(BotConfig()), "unknown"])


@settings(max_examples=120, deadline=None, phases=FAST)
@given(st.dictionaries(PARTS, JSON, max_size=4))
@example({"symbols": [{}, {}]})
@example({"name": 10**4000, "symbols": [[None], 10**20], "bot_id": [10**20]})
def test_whatever_the_patch_nothing_is_raised_and_an_invalid_one_changes_nothing(patch: dict[str, Any]) -> None:
    base = stored()
    before, given_patch = copy.deepcopy(base.values), repr(patch)
    plan = plan_change(base, patch, VIEW)

    assert base.values == before
    assert repr(patch) == given_patch
    assert plan.valid is not bool(plan.errors)
    if not plan.valid:
        assert (plan.values, plan.config_hash, plan.diff) == (before, base.config_hash, ())


def test_every_part_of_a_large_configuration_can_change_at_once() -> None:
    large = BotConfig(strategies=(BullFlag(), VwapPullback()) * 5, venue=PaperVenue(speed=None))
    plan = plan_values(stored(), config_values(large), VIEW)

    assert plan.valid
    assert [one.path for one in plan.diff][:2] == ["venue.speed", "strategies[bull-flag-breakout#2]"]
    assert len(plan.diff) == 9


@pytest.mark.parametrize(
    "patch",
    [
        {"symbols": list(range(30_000))},
        {"risk": {f"max_position_{n}": 1 for n in range(4_000)}},
        {f"symbols_{n}": 1 for n in range(4_000)},
    ],
    ids=["numbers", "unknown limits", "unknown keys"],
)
def test_a_patch_of_thousands_of_values_is_refused_before_each_of_them_is_judged(patch: dict[str, Any]) -> None:
    started = thread_time()
    plan = plan_change(stored(), patch, VIEW)

    assert told(plan) == [("CFG_001", "Expected a configuration of at most 1000 values.")]
    assert thread_time() - started < 0.5


def test_hundreds_of_unknown_keys_are_told_in_little_time() -> None:
    started = thread_time()
    plan = plan_change(stored(), {"risk": {f"max_position_{n:03d}": 1 for n in range(800)}}, VIEW)

    assert len(plan.errors) == 50
    assert plan.errors[0].cause == "There is no `risk.max_position_000`, did you mean `risk.max_open_positions`?"
    assert thread_time() - started < 0.5
