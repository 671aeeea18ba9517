"""Applying a change: once, whole or not at all, against the version that it was planned for, by the key that planned it."""

from dataclasses import replace
from typing import Any

import orjson
import pytest
import sqlalchemy as sa

from tests.config.changing import Operator, intent
from tests.fakes.set_clock import SetClock
from trading_bot.domain.commands import CommandKind, CommandStatus
from trading_bot.domain.config_changes import AdoptionStatus
from trading_bot.domain.config_versions import ConfigOrigin
from trading_bot.domain.errors import Scope
from trading_bot.errors.fault import Fault
from trading_bot.services.config_apply import InvalidChange
from trading_bot.store import commands, configs, outbox
from trading_bot.store.store import Store
from trading_bot.store.tables import metadata


@pytest.fixture
def operator(store: Store, clock: SetClock) -> Operator:
    return Operator(store, clock)


def everything(store: Store) -> dict[str, list[Any]]:
    """All rows of all tables."""
    with store.reading("main") as r:
        return {table.name: list(r.connection.execute(sa.select(table)).all()) for table in metadata.sorted_tables}


def refusal(operator: Operator, token: str, **asked: Any) -> Fault:
    """Why the apply is refused; nothing at all has changed then."""
    before = everything(operator.store)
    with pytest.raises(Fault) as refused:
        operator.changes.apply(
            token, asked.pop("intent", None) or intent(), watch_seconds=asked.pop("watch_seconds", 0)
        )
    assert everything(operator.store) == before
    return refused.value


def test_an_apply_writes_version_step_command_intent_and_one_record_together(operator: Operator) -> None:
    _, token = operator.plan({"risk": {"max_open_positions": 3}})

    made = operator.changes.apply(token, intent("first"), watch_seconds=60)

    assert made == ("main", 2, False)
    change = operator.change(2)
    assert (change.origin, change.status, change.watch_seconds) == (ConfigOrigin.APPLY, AdoptionStatus.PENDING, 60)
    assert [(one["path"], one["before"], one["after"]) for one in change.diff] == [("risk.max_open_positions", 10, 3)]
    with operator.store.reading("main") as r:
        stored, first = configs.find_config(r), configs.find_config(r, 1)
        known = commands.find_intent(r, key_id="k-1", idempotency_key="first")
        (command,) = commands.list_pending_commands(r)
        rows = [row for row in outbox.list_outbox(r, 100) if row.stream == "config_history"]
    assert stored is not None
    assert first is not None
    assert known is not None
    assert (stored.version, stored.user, stored.reason) == (2, "k-1", "a test wants it")
    assert stored.values == {**first.values, "risk": {**first.values["risk"], "max_open_positions": 3}}
    assert (command.kind, command.status, command.parameters) == (
        CommandKind.ADOPT_CONFIG,
        CommandStatus.PENDING,
        {"version": 2},
    )
    assert (command.id, known.subject_id) == (change.command_id, change.id)
    assert [row.record["version"] for row in rows] == [1, 2]
    record = rows[1].record
    assert (record["entity"], record["id"], record["user"], record["config_hash"]) == (
        "version",
        change.id,
        "k-1",
        stored.config_hash,
    )
    assert (record["previous_config"], record["new_config"]) == (first.values, stored.values)


def test_the_same_apply_again_is_answered_with_the_first_also_once_its_token_expired(
    operator: Operator, clock: SetClock
) -> None:
    _, token = operator.plan({"name": "Other"})
    operator.changes.apply(token, intent("again"), watch_seconds=0)
    clock.move(500)

    assert operator.changes.apply(token, intent("again"), watch_seconds=0) == ("main", 2, True)
    assert operator.change().version == 2


def test_a_token_is_good_for_one_write_of_one_key_within_two_minutes(operator: Operator, clock: SetClock) -> None:
    _, token = operator.plan({"name": "Other"})

    assert refusal(operator, token, intent=intent(key_id="k-2")).code == "QRY_009"
    assert refusal(operator, token[:-2] + ("AA" if token[-2:] != "AA" else "BB")).code == "QRY_009"
    assert (
        refusal(operator, "pt_").code == refusal(operator, "ct_x").code == refusal(operator, "pt_" + "A" * 70_000).code
    )
    operator.changes.apply(token, intent(), watch_seconds=0)
    used = refusal(operator, token)
    assert (used.code, used.cause) == ("QRY_009", "The plan token was used for another write; each is good for one.")
    _, late = operator.plan({"name": "Late"})
    clock.move(120)
    assert refusal(operator, late).cause == "The plan token expired 0 s ago; it is good for 120 s."


def test_a_base_version_that_moved_is_a_conflict_that_shows_what_changed_meanwhile(operator: Operator) -> None:
    _, token = operator.plan({"name": "Mine"})
    operator.apply({"risk": {"max_open_positions": 3}, "name": "Theirs"})

    conflict = refusal(operator, token)

    assert (conflict.code, conflict.cause) == (
        "CFG_007",
        "The change was made against version 1; version 2 is the latest.",
    )
    assert conflict.context["changed"] == [
        {"path": "name", "before": "BotGraph", "after": "Theirs"},
        {"path": "risk.max_open_positions", "before": 10, "after": 3},
    ]


def test_a_change_that_loosens_needs_a_key_that_may_do_so(operator: Operator) -> None:
    _, token = operator.plan({"risk": {"max_open_positions": 20}})

    refused = refusal(operator, token, intent=intent(scope=Scope.OPERATE))

    assert (refused.code, refused.context) == ("AUTH_002", {"needs": "ADMIN", "has": "OPERATE"})
    assert operator.changes.apply(token, intent(), watch_seconds=0) == ("main", 2, False)


def test_one_watched_change_at_a_time_and_only_a_rollback_interrupts_it(operator: Operator) -> None:
    operator.apply({"name": "Watched"}, watch_seconds=60)
    _, token = operator.plan({"name": "Other"})

    refused = refusal(operator, token)

    assert (refused.code, refused.context["version"], refused.after_seconds) == ("CFG_008", 2, 180.0)
    assert operator.rollback(1) == 3
    assert operator.values() == operator.values(1)
    assert (operator.change(2).rolled_back_by, operator.change(2).watched_until) == (3, None)
    assert (operator.change(3).origin, operator.change(3).watch_seconds) == (ConfigOrigin.ROLLBACK, 0)


def test_a_plan_that_is_not_valid_any_more_is_not_applied(operator: Operator) -> None:
    broken = operator.values() | {"name": ""}
    with operator.store.reading("main") as r:
        base = configs.find_config(r)
    assert base is not None
    token = operator.tokens.issue(bot_id="main", base=base, values=broken, key_id="k-1")

    with pytest.raises(InvalidChange) as invalid:
        operator.changes.apply(token, intent(), watch_seconds=0)

    assert [error.context["field"] for error in invalid.value.plan.errors] == ["name"]
    assert operator.change().version == 1


@pytest.mark.parametrize("seconds", [-1, 3601])
def test_the_watch_has_bounds(operator: Operator, seconds: int) -> None:
    _, token = operator.plan({"name": "Other"})

    assert refusal(operator, token, watch_seconds=seconds).code == "QRY_004"


def test_a_rollback_that_loosens_needs_the_confirm_token_of_its_dry_run(operator: Operator) -> None:
    operator.apply({"risk": {"max_open_positions": 3}})
    before = everything(operator.store)

    preview = operator.changes.preview_rollback("main", to_version=1, expected_version=2)
    with pytest.raises(Fault) as refused:
        operator.changes.rollback("main", intent(), to_version=1, expected_version=2)

    assert (preview.risk.name, refused.value.code) == ("HIGH", "QRY_008")
    assert preview.summary == ("The content of version 1 becomes a new version: risk.max_open_positions change.")
    assert everything(operator.store) == before
    confirmed = replace(intent(), token_id="ct-1")
    assert operator.changes.rollback("main", confirmed, to_version=1, expected_version=2) == (3, False)


@pytest.mark.parametrize(
    ("to_version", "expected_version", "code"),
    [(1, 9, "QRY_005"), (9, 2, "QRY_005"), (0, 2, "QRY_005"), (1, 1, "CFG_007"), (2, 2, "CFG_010")],
)
def test_a_rollback_names_versions_that_there_are(
    operator: Operator, to_version: int, expected_version: int, code: str
) -> None:
    operator.apply({"name": "Other"})

    with pytest.raises(Fault) as refused:
        operator.changes.rollback("main", intent(), to_version=to_version, expected_version=expected_version)

    assert (refused.value.code, operator.change().version) == (code, 2)


def test_apply_and_rollback_give_the_first_content_byte_for_byte(operator: Operator) -> None:
    first = orjson.dumps(operator.values())
    patches: tuple[dict[str, Any], ...] = (
        {"venue": {"speed": None}},
        {"symbols": ["ACME"]},
        {"strategies": []},
        {"risk": {"max_rejections": 5}},
    )
    for patch in patches:
        operator.apply(patch)
        operator.rollback(1)
        assert orjson.dumps(operator.values()) == first
    assert operator.change().version == 9


def test_an_unknown_bot_has_no_configuration(operator: Operator) -> None:
    with operator.store.reading("main") as r:
        base = configs.find_config(r)
    assert base is not None
    token = operator.tokens.issue(bot_id="nobody", base=base, values=base.values, key_id="k-1")

    assert refusal(operator, token).code == "BOT_001"
