"""Versions as they are shown: who made each, what it changed, what came of it, and what happened while it was in force."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.config.changing import Operator
from tests.domain.samples import sample_error, sample_plan
from tests.fakes.set_clock import SetClock
from tests.store.seeding import sample_trade
from trading_bot.domain.config_changes import Adoption, AdoptionStatus
from trading_bot.domain.market import Quote
from trading_bot.services.config_views import view_of
from trading_bot.store import config_changes, errors, listings, plans, quotes, trades
from trading_bot.store.config_reads import find_config_change, find_version, list_config_changes
from trading_bot.store.store import Store


@pytest.fixture
def operator(store: Store, clock: SetClock) -> Operator:
    """Who made version 2 an hour after the first one, and version 3 after that; the bot took the second on and refused the third."""
    made = Operator(store, clock)
    for patch, status in (
        ({"risk": {"max_open_positions": 3}}, AdoptionStatus.ADOPTED),
        ({"name": "Desk"}, AdoptionStatus.REFUSED),
    ):
        clock.move(3_600)
        version = made.apply(patch)
        clock.move(10)
        adopted = clock.now() if status is AdoptionStatus.ADOPTED else None
        with store.writing("main") as w:
            change = replace(made.change(version), status=status, at=clock.now(), adopted_at=adopted, detail="Said so.")
            config_changes.save_change(w, change)
    return made


def test_a_version_has_its_values_and_what_became_of_it(operator: Operator, clock: SetClock) -> None:
    with operator.store.reading("main") as r:
        first, second, latest, none = (find_version(r, version) for version in (1, 2, None, 9))

    assert none is None
    assert first is not None
    assert second is not None
    assert latest is not None
    assert (first.version, first.values["name"], first.adoption.status) == (1, "BotGraph", AdoptionStatus.ADOPTED)
    assert second.values["risk"]["max_open_positions"] == 3
    assert (second.user, second.schema_url) == ("k-1", "/config.schema.json")
    assert second.adoption == Adoption(
        status=AdoptionStatus.ADOPTED, at=clock.now() - timedelta(seconds=3_610), detail="Said so."
    )
    assert (latest.version, latest.adoption.status) == (3, AdoptionStatus.REFUSED)


def test_history_goes_back_step_by_step_and_page_by_page(operator: Operator) -> None:
    with operator.store.reading("main") as r:
        newest = list_config_changes(r, 2)
        oldest = list_config_changes(r, 2, newest.cursors[-1])

    third, second = newest.items
    (first,) = oldest.items
    assert (newest.has_next, oldest.has_next) == (True, False)
    assert [(one.version, one.previous_version) for one in (third, second, first)] == [(3, 2), (2, 1), (1, 0)]
    assert [(one.path, one.before, one.after, one.description) for one in second.diff] == [
        ("risk.max_open_positions", 10, 3, "Plans open at the same time, 1 to 100.")
    ]
    assert (second.previous_config["risk"]["max_open_positions"], second.new_config["risk"]["max_open_positions"]) == (
        10,
        3,
    )
    assert (first.previous_config, first.diff, first.reason) == ({}, (), "imported")
    assert (second.applied, second.rolled_back, second.rolled_back_by) == (True, False, None)
    assert (second.validation_result.valid, second.validation_result.errors) == (True, ())
    assert (third.applied, third.validation_result.valid) == (False, False)
    assert [(one.error_code, one.cause) for one in third.validation_result.errors] == [("CFG_009", "Said so.")]


def test_each_version_knows_what_was_earned_and_what_failed_while_it_was_in_force(
    operator: Operator, clock: SetClock
) -> None:
    adopted = operator.change(2).adopted_at
    assert adopted is not None
    with operator.store.writing("main") as w:
        for number, (version, earned) in enumerate(((1, "-15.40"), (2, "10.10"), (2, "0.25"), (2, None))):
            result = None if earned is None else Decimal(earned)
            trades.save_trade(
                w, sample_trade(id=f"TRADE{number}AAAAAAA", config_version=version, net_profit_loss=result)
            )
        for seconds in (-3_600, -1, 0, 60):
            when = adopted + timedelta(seconds=seconds)
            errors.save_error(w, sample_error(id=None, cause=f"At {seconds}.", timestamp=when))

    with operator.store.reading("main") as r:
        figures = {one.version: (one.net_pnl, one.error_count) for one in list_config_changes(r, 10).items}

    assert figures == {1: (Decimal("-15.40"), 2), 2: (Decimal("10.35"), 2), 3: (Decimal(0), 0)}


def test_a_version_that_was_undone_names_what_undid_it(operator: Operator) -> None:
    with operator.store.writing("main") as w:
        config_changes.save_change(w, replace(operator.change(3), status=AdoptionStatus.ADOPTED))
    back = operator.rollback(1)

    with operator.store.reading("main") as r:
        undone, undoing, none = (find_config_change(r, version) for version in (2, back, 9))

    assert none is None
    assert undone is not None
    assert undoing is not None
    assert (undone.rolled_back, undone.rolled_back_by) == (True, back)
    assert undoing.new_config == operator.values(1)


def test_a_change_is_judged_by_what_the_books_have(operator: Operator) -> None:
    quote = Quote(
        symbol="AAPL", timestamp=sample_plan().opened_at, price=Decimal(100), bid=Decimal("99.95"), ask=Decimal("100.05"),
        bid_size=None, ask_size=None, volume=None,
    )  # fmt: skip
    with operator.store.writing("main") as w:
        listings.save_listed(w, frozenset({"AAPL", "MSFT"}))
        quotes.save_quotes(w, [quote, replace(quote, symbol="MSFT", bid=None, ask=None)])
        plans.save_plan(w, sample_plan())

    with operator.store.reading("main") as r:
        view = view_of(r)

    assert (view.symbols, view.spreads) == (frozenset({"AAPL", "MSFT"}), {"AAPL": Decimal("0.1")})
    assert [plan.id for plan in view.open_plans] == [sample_plan().id]
    assert (view.is_flat, view.open_orders, view.equity, view.daily_pnl) == (False, 0, None, None)
    plan, _ = operator.plan({"symbols": ["AAPL", "TSLA"]})
    assert [error.cause for error in plan.errors] == ["`symbols[1]` is TSLA, which the venue does not have."]


def test_a_venue_that_has_any_symbol_is_not_said_to_lack_one(operator: Operator) -> None:
    with operator.store.writing("main") as w:
        listings.save_listed(w, frozenset({"AAPL"}))
        listings.save_listed(w, None)

    plan, _ = operator.plan({"symbols": ["TSLA"]})

    assert plan.valid
