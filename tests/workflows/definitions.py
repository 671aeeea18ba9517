"""Definitions for tests: a small one that is valid, with parts exchanged; and an installation over a home of the test's own."""

import json
from collections.abc import Mapping
from concurrent.futures import Executor
from copy import deepcopy
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import yaml

from graph.doors.operations import NamedOperation
from graph.doors.terminal.workflow_lint import OnPaper
from trading_bot.clock import Clock
from trading_bot.domain.commands import Caller
from trading_bot.domain.errors import Scope
from trading_bot.services.commands import Commands
from trading_bot.settings import load_settings
from trading_bot.store.store import Store
from workflows.documents import parse_document
from workflows.installation import Installation, installation
from workflows.load import workflow_of
from workflows.model import Operations, Scene, Workflow

VALID: dict[str, Any] = {
    "id": "tidy-up",
    "name": "Tidy up",
    "description": "Pauses the bot, waits a little and lets it go on.",
    "parameters": {"pause": {"type": "duration", "description": "How long.", "default": "5s", "max": 60}},
    "validation_rules": {
        "bot-lives": {
            "operation": "botHealth",
            "condition": "data.botState.health.status != 'OFFLINE'",
            "otherwise": "The bot is offline.",
        }
    },
    "steps": [
        {
            "id": "pause",
            "description": "Pause.",
            "action_type": "command",
            "parameters": {"command": "pause"},
            "validation": {"status": "DONE"},
            "timeout_seconds": 60,
        },
        {
            "id": "rest",
            "description": "Wait.",
            "action_type": "wait",
            "parameters": {"seconds": "${{ parameters.pause }}"},
            "validation": {"status": "ELAPSED"},
        },
    ],
    "rollback_procedure": [
        {
            "id": "go-on",
            "description": "Resume.",
            "action_type": "command",
            "undoes": "pause",
            "parameters": {"command": "resume"},
            "validation": {"status": "DONE"},
        }
    ],
}


@cache
def known_operations() -> Mapping[str, NamedOperation]:
    """All named operations."""
    from graph.documents import Documents  # noqa: PLC0415 - most tests of steps need no schema
    from graph.doors.operations import load_operations  # noqa: PLC0415
    from graph.schema import build_schema  # noqa: PLC0415

    return load_operations(Documents(schema=build_schema()._schema))


def installed(
    home: Path,
    *,
    clock: Clock,
    workers: Executor,
    store: Store | None = None,
    operations: Operations | None = None,
) -> Installation:
    """The workflows of that home; without a store and operations, for definitions only."""
    store = store or Store(sa.create_engine("sqlite://"), clock)
    return installation(
        load_settings(home=home),
        store=store,
        commands=Commands(store=store, clock=clock),
        clock=clock,
        workers=workers,
        operations=operations or OnPaper(known=known_operations()),
    )


def defined(*, step: Mapping[str, Any] | None = None, **changed: Any) -> dict[str, Any]:
    """The valid definition with parts exchanged; `step` stands alone for all of its steps."""
    values = {**deepcopy(VALID), **changed}
    if step is not None:
        usual = {"id": "only", "description": "Does it.", "action_type": "command", "validation": {"status": "DONE"}}
        values |= {"steps": [{**usual, **step}], "rollback_procedure": changed.get("rollback_procedure", [])}
    return {name: value for name, value in values.items() if value is not None}


def text_of(values: Any) -> str:
    """As a file has it."""
    return yaml.safe_dump(json.loads(json.dumps(values)), sort_keys=False)  # the same part twice would get an anchor


def loaded(values: Any, facts: Any) -> Workflow:
    """What a file of these values means."""
    return workflow_of(parse_document(text_of(values).encode(), "tidy-up.yaml"), facts)


def caller(scope: Scope = Scope.ADMIN) -> Caller:
    return Caller(key_id="k1", name="k1", scope=scope, max_response_bytes=1_048_576, rate_per_minute=None)


def scene_at(clock: Clock, *, seconds: float = 60, **more: Any) -> Scene:
    """A scene of a run on the demo bot that has so many seconds left."""
    now = clock.now()
    usual: dict[str, Any] = {
        "run_id": "5a6cf1a4-0d6a-4b57-9c36-2d6a54b1f0ab",
        "bot_id": "main",
        "workflow_id": "tidy-up",
        "step_id": "only",
        "caller": caller(),
        "reason": "Because the test says so.",
        "parameters": {},
        "outputs": {},
        "started_at": now,
        "deadline": now + timedelta(seconds=seconds),
    }
    return Scene(**{**usual, **more})
