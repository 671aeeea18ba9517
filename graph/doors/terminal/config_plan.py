"""A planned change of the configuration at the terminal: where the change comes from, and how its plan is shown."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graph.doors.terminal.speech import console, show_error
from trading_bot.errors.fault import Fault
from trading_bot.settings import Settings

if TYPE_CHECKING:
    from trading_bot.domain.config_changes import ConfigDifference, ConfigPlan
    from trading_bot.store.configs import StoredConfig
    from trading_bot.store.store import Store

Patch = Annotated[
    str | None,
    typer.Option(
        help="JSON merge patch, or @FILE with one; without it, config/bot.yaml as it was edited.", metavar="JSON|@FILE"
    ),
]


def planned(settings: Settings, store: "Store", bot_id: str, patch: str | None) -> "tuple[StoredConfig, ConfigPlan]":
    """The latest version, and what the patch, or the edited file, would make of it. QRY_004 for a patch that can't be read."""
    from trading_bot.services.config_file import read_values  # noqa: PLC0415
    from trading_bot.services.config_plans import plan_change, plan_values  # noqa: PLC0415
    from trading_bot.services.config_versions import latest_config  # noqa: PLC0415
    from trading_bot.services.config_views import view_of  # noqa: PLC0415

    wanted: Any = read_values(settings.config_file) if patch is None else _read_patch(patch)
    if wanted is None:
        raise Fault("CFG_002", "There is no config/bot.yaml in this home.", context={"file": "bot.yaml"})
    with store.reading(bot_id) as r:
        base, view = latest_config(r), view_of(r)
    return base, plan_values(base, wanted, view) if patch is None else plan_change(base, wanted, view)


def show_plan(plan: "ConfigPlan") -> None:
    """Print what it would do; what is wrong with it goes where errors go."""
    for error in plan.errors:
        show_error(error)
    if not plan.valid:
        return
    show_differences(plan.diff)
    for line in (f"Risk {plan.risk.name}.", *plan.risk_reasons, *plan.effects):
        say(line)


def show_differences(differences: "tuple[ConfigDifference, ...]") -> None:
    """Print each on a line."""
    for one in differences:
        say(f"{one.path}: {json.dumps(one.before)} -> {json.dumps(one.after)}")


def say(line: str) -> None:
    """Print a line as it is."""
    console().print(line, markup=False, highlight=False, soft_wrap=True)


def _read_patch(patch: str) -> Any:
    text = patch
    if patch.startswith("@"):
        try:
            text = Path(patch[1:]).read_text()
        except (OSError, UnicodeDecodeError) as error:
            cause = f"The patch can't be read: {type(error).__name__}."
            raise Fault("QRY_004", cause, context={"file": patch[1:]}) from None
    try:
        return json.loads(text)
    except ValueError as error:
        raise Fault("QRY_004", f"The patch is not JSON: {error}.", context={"field": "patch"}) from None
