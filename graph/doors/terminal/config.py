"""`botgraph config`: show the configuration, plan a change of it, look at its versions, and change it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graph.doors.terminal.command import opened
from graph.doors.terminal.config_plan import Patch, planned, say, show_differences, show_plan
from graph.doors.terminal.config_writes import apply_change, rollback
from trading_bot.errors.fault import Fault
from trading_bot.settings import load_settings

if TYPE_CHECKING:
    from trading_bot.domain.config_changes import ConfigChange
    from trading_bot.store.store import Store

app = typer.Typer(help="Show, plan, change and undo the configuration.", no_args_is_help=True)
Number = Annotated[int, typer.Argument(help="Number of the version.", min=1)]


@app.command()
def show(
    version: Annotated[int | None, typer.Argument(help="Number of the version; the latest without one.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON instead of YAML.")] = False,
) -> None:
    """Print a version as YAML, with who made it and whether the bot has taken it on."""
    from trading_bot.services.config_file import as_yaml  # noqa: PLC0415
    from trading_bot.store.config_reads import find_version  # noqa: PLC0415

    with opened(load_settings()) as (store, bot_id), store.reading(bot_id) as r:
        found = find_version(r, version)
    if found is None:
        raise _no_version(version)
    if as_json:
        typer.echo(json.dumps(found.values, indent=2, ensure_ascii=False))
        return
    detail = f" {found.adoption.detail}" if found.adoption.detail else ""
    typer.echo(
        f"# Version {found.version}, {found.adoption.status.name}, {found.updated_at:%Y-%m-%d %H:%M:%SZ}, by {found.user}.{detail}"
    )
    typer.echo(as_yaml(found.values), nl=False)


@app.command()
def plan(patch: Patch = None) -> None:
    """Say what a change would do, without doing it. Exit code 0 when it is valid, else 1 with all that is wrong."""
    settings = load_settings()
    with opened(settings) as (store, bot_id):
        _, found = planned(settings, store, bot_id, patch)
    show_plan(found)
    raise typer.Exit(int(not found.valid))


@app.command()
def history(
    lines: Annotated[int, typer.Option("--lines", "-n", help="How many of the last versions.", min=1, max=100)] = 10,
) -> None:
    """List the last versions: who made each and why, what came of it, and P&L and errors while it was in force."""
    from trading_bot.store.config_reads import list_config_changes  # noqa: PLC0415

    with opened(load_settings()) as (store, bot_id), store.reading(bot_id) as r:
        page = list_config_changes(r, lines)
    for change in page.items:
        say(_line(change))


@app.command()
def diff(before: Number, after: Number) -> None:
    """Print what differs between two versions, one value a line."""
    from trading_bot.services.config_diff import differences  # noqa: PLC0415

    with opened(load_settings()) as (store, bot_id):
        old, new = (_values(store, bot_id, version) for version in (before, after))
    show_differences(differences(old, new))


@app.command()
def schema(
    out: Annotated[Path | None, typer.Option(help="The file to write; the standard output without one.")] = None,
    *,
    check: Annotated[bool, typer.Option("--check", help="Only say whether the packaged file is up to date.")] = False,
) -> None:
    """Write the JSON Schema of the configuration. With --check: exit code 1 when the packaged one is not what the types say."""
    from trading_bot.services.config_fields import schema_bytes  # noqa: PLC0415
    from trading_bot.services.config_schema import schema_text  # noqa: PLC0415

    text = schema_text()
    if check:
        raise typer.Exit(int(schema_bytes().decode() != text))
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text)


def _line(change: "ConfigChange") -> str:
    undone = f", undone by {change.rolled_back_by}" if change.rolled_back_by is not None else ""
    detail = f" ({change.adoption.detail})" if change.adoption.detail else ""
    return (
        f"{change.version:>4}  {change.timestamp:%Y-%m-%d %H:%M:%SZ}  {change.adoption.status.name}{undone}{detail}  "
        f"P&L {change.net_pnl:f}, errors {change.error_count}, {len(change.diff)} changed, by {change.user}: {change.reason}"
    )


def _values(store: "Store", bot_id: str, version: int) -> dict[str, Any]:
    from trading_bot.store.configs import find_config  # noqa: PLC0415

    with store.reading(bot_id) as r:
        found = find_config(r, version)
    if found is None:
        raise _no_version(version)
    return found.values


def _no_version(version: int | None) -> Fault:
    what = "has no configuration yet" if version is None else f"has no version {version} of its configuration"
    return Fault("QRY_005", f"The bot {what}.", context={"version": version})


app.command("apply")(apply_change)
app.command("rollback")(rollback)
