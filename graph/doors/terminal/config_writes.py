"""`botgraph config apply` and `rollback`: a change is shown with what it does, written, and watched until the bot has adopted it."""

import asyncio
import hashlib
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer

from graph.doors.terminal.command import NOT_ANSWERED, opened
from graph.doors.terminal.config_plan import Patch, planned, say, show_plan
from trading_bot.clock import SystemClock
from trading_bot.settings import Settings, load_settings

if TYPE_CHECKING:
    from trading_bot.domain.commands import Intent
    from trading_bot.domain.config_versions import StoredChange
    from trading_bot.services.config_apply import ConfigChanges
    from trading_bot.services.config_tokens import PlanTokens
    from trading_bot.store.store import Store

PATIENCE_SECONDS = 30.0
KEY_ID = "terminal"
_POLL_SECONDS = 0.1

Reason = Annotated[str, typer.Option(help="Why; kept with the version.", metavar="TEXT")]
Watch = Annotated[
    int, typer.Option(help="Seconds to watch it: taken back where the bot fares worse.", min=0, max=3_600)
]
Yes = Annotated[bool, typer.Option("--yes", help="Don't ask, whatever the risk.")]
Version = Annotated[int, typer.Argument(help="The version whose content is wanted.", min=1)]


def apply_change(patch: Patch = None, *, reason: Reason = "applied", watch: Watch = 60, yes: Yes = False) -> None:
    """Apply a change. Exit code 0: adopted, 1: refused or not valid, 3: no bot has answered yet."""
    settings = load_settings()
    with opened(settings) as (store, bot_id):
        changes, tokens = _services(settings, store)
        base, plan = planned(settings, store, bot_id, patch)
        if not plan.diff and plan.valid:
            typer.echo("There is nothing to change.")
            return
        show_plan(plan)
        if not plan.valid:
            raise typer.Exit(1)
        token = tokens.issue(bot_id=bot_id, base=base, values=plan.values, key_id=KEY_ID)
        _confirm(plan.risk.name, yes=yes)
        _, version, _ = changes.apply(token, _intent(reason, token), watch_seconds=watch)
        _await_adoption(store, bot_id, version)


def rollback(version: Version, *, reason: Reason = "rolled back", yes: Yes = False) -> None:
    """Put an old version's content in force again, as a new version. Exit codes as those of `apply`."""
    settings = load_settings()
    with opened(settings) as (store, bot_id):
        from trading_bot.services.config_versions import latest_config  # noqa: PLC0415

        changes, _ = _services(settings, store)
        with store.reading(bot_id) as r:
            latest = latest_config(r).version
        shown = changes.preview_rollback(bot_id, to_version=version, expected_version=latest)
        for line in (shown.summary, f"Risk {shown.risk.name}.", *shown.effects):
            say(line)
        _confirm(shown.risk.name, yes=yes)
        intent = _intent(reason, f"{version} from {latest}")
        made, _ = changes.rollback(bot_id, intent, to_version=version, expected_version=latest)
        _await_adoption(store, bot_id, made)


def _services(settings: Settings, store: "Store") -> "tuple[ConfigChanges, PlanTokens]":
    from trading_bot.services.config_apply import ConfigChanges  # noqa: PLC0415
    from trading_bot.services.config_tokens import PlanTokens  # noqa: PLC0415
    from trading_bot.services.tokens import load_secret  # noqa: PLC0415

    tokens = PlanTokens(load_secret(settings.confirm_secret_file), SystemClock())
    return ConfigChanges(store=store, clock=SystemClock(), tokens=tokens), tokens


def _confirm(risk: str, *, yes: bool) -> None:
    if risk == "HIGH" and not yes:
        typer.confirm("Go on?", abort=True)


def _intent(reason: str, what: str) -> "Intent":
    """A write of the operator at this machine, who has seen what it does."""
    from trading_bot.domain.commands import Caller, Intent  # noqa: PLC0415
    from trading_bot.domain.errors import Scope  # noqa: PLC0415

    caller = Caller(key_id=KEY_ID, name=KEY_ID, scope=Scope.ADMIN, max_response_bytes=1_048_576, rate_per_minute=None)
    return Intent(
        caller=caller,
        idempotency_key=str(uuid4()),
        digest=hashlib.sha256(what.encode()).hexdigest(),
        reason=reason,
        token_id=uuid4().hex,
    )


def _await_adoption(store: "Store", bot_id: str, version: int) -> None:
    ended = asyncio.run(_ended(store, bot_id, version))
    if ended is None:
        typer.echo(
            f"Version {version} is written; no bot has taken it on within {PATIENCE_SECONDS:.0f} s. One that starts soon does.",
            err=True,
        )
        raise typer.Exit(NOT_ANSWERED)
    detail = f" {ended.detail}" if ended.detail else ""
    if ended.adopted_at is None:
        typer.echo(f"Version {version} was refused.{detail}", err=True)
        raise typer.Exit(1)
    watched = f" It is watched for {ended.watch_seconds} s." if ended.watched_until else ""
    say(f"Version {version} is adopted.{detail}{watched}")


async def _ended(store: "Store", bot_id: str, version: int) -> "StoredChange | None":
    """What has become of the version, once the bot has looked at it."""
    from trading_bot.store.config_changes import find_change  # noqa: PLC0415

    clock = SystemClock()
    begun = clock.monotonic()
    while clock.monotonic() - begun < PATIENCE_SECONDS:
        with store.reading(bot_id) as r:
            found = find_change(r, version)
        if found is not None and not found.is_waiting:
            return found
        await clock.sleep(_POLL_SECONDS)
    return None
