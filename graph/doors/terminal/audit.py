"""`botgraph audit`: verify the audit log, read it as it grows, and export what it says for a tax return."""

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graph.doors.terminal.progress import shown
from graph.doors.terminal.speech import show
from trading_bot.clock import Clock, SystemClock
from trading_bot.domain.streams import STREAMS
from trading_bot.errors.fault import Fault
from trading_bot.settings import load_settings

if TYPE_CHECKING:
    from trading_bot.logs.audit import AuditLog

LOOK_EVERY_SECONDS = 0.25


def _known(stream: str | None) -> str | None:
    if stream is not None and stream not in STREAMS:
        raise typer.BadParameter(f"expected one of {', '.join(STREAMS)}, was {stream[:40]}")
    return stream


app = typer.Typer(help="Verify, read and export the audit log.", no_args_is_help=True)


@app.command()
def verify(
    stream: Annotated[str | None, typer.Argument(help="One stream; all of them without one.", callback=_known)] = None,
) -> None:
    """Say whether the audit log is as it was written. Exit code 0 when it is, else 1 and the first line that is not."""
    log, broken = _log(), False
    with shown("Verifying the audit log") as step:
        for name in STREAMS if stream is None else (stream,):
            step(name)
            found = log.verify(name)
            removed = f", {found.removed} removed for their age" if found.removed else ""
            state = "ok" if found.ok else f"BROKEN at {found.broken_at}"
            typer.echo(f"{name:<24}{found.records:>9} records{removed}  {state}")
            if not found.ok:
                broken = True
                cause = f"{found.broken_at} is not as it was written; {found.records} records before it are."
                show(Fault("LOG_002", cause, context={"stream": name, "place": found.broken_at}))
    raise typer.Exit(int(broken))


@app.command()
def tail(
    stream: Annotated[str, typer.Argument(help="The stream to read.", callback=_known)],
    *,
    lines: Annotated[int, typer.Option("--lines", "-n", help="How many of its last records.", min=0)] = 10,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new ones until Ctrl-C.")] = False,
) -> None:
    """Print the last records of a stream, one JSON object a line."""
    log = _log()
    size = log.bytes_written(stream)
    found = log.last(stream, max(lines, 1))
    for line in found if lines else ():
        typer.echo(json.dumps(line, ensure_ascii=False))
    if follow:
        asyncio.run(_print_new(log, stream, SystemClock(), after=found[-1]["seq"] if found else 0, size=size))


@app.command()
def export(
    out: Annotated[Path | None, typer.Argument(help="The file to write; the standard output without one.")] = None,
    *,
    csv: Annotated[bool, typer.Option("--csv", help="As CSV: the only format.")] = False,
    year: Annotated[int | None, typer.Option(help="Sales of this year (UTC) only.", min=1970, max=9999)] = None,
) -> None:
    """Write every sale, matched first in first out to its purchases, with cost, fees and gain, and the totals."""
    from trading_bot.keeping.export import export_sales  # noqa: PLC0415

    if not csv:
        raise Fault("QRY_004", "Say in which format: --csv.", context={"option": "--csv"})
    log = _log()
    with shown("Exporting"):
        if out is None:
            export_sales(log, sys.stdout, year=year)
            return
        try:
            with out.open("w", encoding="utf-8", newline="") as file:
                totals = export_sales(log, file, year=year)
        except OSError as error:
            raise Fault("SYS_007", f"{out} can't be written: {error.strerror}.", context={"file": str(out)}) from None
    typer.echo(f"{totals.rows} rows, gain {totals.gain:f}: {out}")


async def _print_new(log: "AuditLog", stream: str, clock: Clock, *, after: int, size: int) -> None:
    """Print new records until the process is ended; files that have not grown are not read again."""
    while True:
        now = log.bytes_written(stream)
        if now != size:
            size = now
            for line in log.read(stream, after=after):
                after = line["seq"]
                typer.echo(json.dumps(line, ensure_ascii=False))
        await clock.sleep(LOOK_EVERY_SECONDS)


def _log() -> "AuditLog":
    from trading_bot.logs.audit import AuditLog  # noqa: PLC0415

    return AuditLog(load_settings().logs_dir, SystemClock())
