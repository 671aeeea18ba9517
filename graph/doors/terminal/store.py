"""`botgraph store`: make the store again from the audit log."""

from typing import Annotated

import typer

from graph.doors.terminal.progress import shown
from trading_bot.clock import SystemClock
from trading_bot.settings import load_settings

app = typer.Typer(help="Make the store again from the audit log.", no_args_is_help=True)


@app.callback()
def root() -> None:
    """Make the store again from the audit log."""


@app.command()
def rebuild(
    into: Annotated[
        str | None,
        typer.Option(help="Address of the store to make; BOTGRAPH_STORE_URL's without it.", metavar="URL"),
    ] = None,
) -> None:
    """Make every entity that the audit log holds again, in a store that is empty. The bot comes back PAUSED."""
    from trading_bot.keeping.rebuild import rebuild as made_again  # noqa: PLC0415
    from trading_bot.logs.audit import AuditLog  # noqa: PLC0415
    from trading_bot.store.engine import open_engine  # noqa: PLC0415
    from trading_bot.store.schema import bring_up_to_date  # noqa: PLC0415
    from trading_bot.store.store import Store  # noqa: PLC0415

    settings = load_settings(store_url=into)
    clock = SystemClock()
    engine = open_engine(settings.store_url)
    bring_up_to_date(engine)
    with shown("Making the store again") as step:
        found = made_again(AuditLog(settings.logs_dir, clock), Store(engine, clock), on_stream=step)
    for bot in found:
        made = ", ".join(f"{count} {name}" for name, count in bot.counts.items())
        typer.echo(f"{bot.bot_id}: {made}. It is PAUSED; look at it, then resume it.")
    if not found:
        typer.echo("The audit log is empty: nothing was made.")
