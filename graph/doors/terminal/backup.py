"""`botgraph backup`: make, verify, put back and clear away backups of the home."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graph.doors.terminal.progress import shown
from graph.doors.terminal.speech import show
from trading_bot.clock import SystemClock
from trading_bot.errors.fault import Fault
from trading_bot.settings import Settings, load_settings

if TYPE_CHECKING:
    from trading_bot.domain.backups import BackupPlan

app = typer.Typer(help="Make, verify, restore and prune backups of the home.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Its name in the backups folder, or the path of its folder.")]


@app.command()
def create(
    *, with_keys: Annotated[bool, typer.Option("--with-keys", help="The folder of keys too: keep it secret.")] = False
) -> None:
    """Back the home up, whether the bot runs or not."""
    from trading_bot.keeping.backup import create as made  # noqa: PLC0415

    with shown("Backing up") as step:
        folder = made(load_settings(), SystemClock(), with_keys=with_keys, on_step=step)
    typer.echo(folder)


@app.command()
def verify(name: Annotated[str | None, typer.Argument(help="Of one; all of them without it.")] = None) -> None:
    """Say whether backups are as they were made. Exit code 0 when all are, else 1."""
    from trading_bot.keeping.backup_manifest import verified  # noqa: PLC0415
    from trading_bot.keeping.backup_times import backups  # noqa: PLC0415

    settings, broken = load_settings(), False
    with shown("Verifying") as step:
        for folder in backups(settings.backups_dir) if name is None else [_folder(settings, name)]:
            step(folder.name)
            try:
                found = verified(folder)
            except Fault as fault:
                broken = True
                typer.echo(f"{folder.name}  BROKEN")
                show(fault)
                continue
            keys = ", with keys" if found.with_keys else ""
            size = sum(entry["size"] for entry in found.files.values())
            typer.echo(f"{folder.name}  ok  {len(found.files)} files, {size} bytes{keys}, by release {found.release}")
    raise typer.Exit(int(broken))


@app.command()
def restore(
    name: Name,
    *,
    replace: Annotated[
        bool, typer.Option("--replace", help="Also where something is; it moves into a folder `replaced-…`.")
    ] = False,
) -> None:
    """Put a backup back into the home. Bot and API must be stopped."""
    from trading_bot.keeping.restore import restore as put_back  # noqa: PLC0415

    settings = load_settings()
    with shown("Restoring") as step:
        found = put_back(settings, _folder(settings, name), SystemClock(), replace=replace, on_step=step)
    typer.echo(f"The home is as it was at {found.made_at:%Y-%m-%dT%H:%M:%SZ}. `botgraph up` goes on from there.")


@app.command()
def prune(
    *, dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say which would be removed.")] = False
) -> None:
    """Remove the backups that the configuration does not keep."""
    from trading_bot.keeping.backup import prune as removed  # noqa: PLC0415

    settings = load_settings()
    names = removed(settings, _plan(settings), dry_run=dry_run)
    for name in names:
        typer.echo(f"{name}  {'would be removed' if dry_run else 'removed'}")


def _folder(settings: Settings, name: str) -> Path:
    """The folder of the backup of that name or path."""
    for folder in (settings.backups_dir / name, Path(name)):
        if folder.is_dir():
            return folder
    raise Fault(
        "QRY_005",
        f"There is no backup `{name[-60:]}`.",
        remediation="Run `botgraph backup verify` to see all backups of this home.",
    )


def _plan(settings: Settings) -> "BackupPlan":
    """What the configuration in force says; the defaults where there is none yet."""
    from trading_bot.keeping.in_force import config_in_force  # noqa: PLC0415

    return config_in_force(settings, SystemClock()).backup
