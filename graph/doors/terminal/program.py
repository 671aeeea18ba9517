"""The `botgraph` command. What a command needs is imported when it runs, so that `botgraph up` starts fast."""

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer

from graph.doors.terminal import audit, backup, config, keys, process, workflow
from graph.doors.terminal import store as store_commands
from graph.doors.terminal.operations import operations
from graph.doors.terminal.reconcile import reconcile
from graph.doors.terminal.speech import console, show
from trading_bot.clock import SystemClock
from trading_bot.domain.errors import RetryKind
from trading_bot.errors.catalogue import entry
from trading_bot.errors.fault import Fault
from trading_bot.settings import Settings, load_settings

REFUSED = 78  # EX_CONFIG of sysexits.h: starting again would not help
NOT_ASKED = 3
HEALTH_EXITS = {"HEALTHY": 0, "DEGRADED": 1, "OFFLINE": 2}
STATUS_QUERY = """{ botSummary { healthStatus healthReason mode runState dailyPnl positionCount openOrderCount lastTradeTime
  dataAgeSeconds warnings recentErrors { errorCode message timestamp } } }"""
BEGUN = SystemClock().monotonic()

app = typer.Typer(
    help="A trading bot, and one typed GraphQL graph over it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(keys.app, name="key")
app.add_typer(audit.app, name="audit")
app.add_typer(backup.app, name="backup")
app.add_typer(config.app, name="config")
app.add_typer(store_commands.app, name="store")
app.add_typer(process.app, name="process")
app.add_typer(workflow.app, name="workflow")
app.command()(reconcile)
app.command()(operations)

Candles = Annotated[Path | None, typer.Option(help="Replay this candle file: CSV, plain or .gz.", metavar="FILE")]
Speed = Annotated[
    str | None, typer.Option(help="Venue seconds per second, or max for as fast as it can.", metavar="N|max")
]
Seed = Annotated[str | None, typer.Option(help="Seed of the simulated market.", metavar="N")]
StoreUrl = Annotated[
    str | None, typer.Option("--store", help="Address of the store, as in BOTGRAPH_STORE_URL.", metavar="URL")
]


def main() -> None:
    """Run the command line. Nobody is ever shown a bare traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(
                errors="backslashreplace"
            )  # a path or name that the terminal can't show must not end a start
    try:
        app()
    except Fault as fault:
        show(fault)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception:  # noqa: BLE001 - what nobody foresaw: the traceback goes to a file
        show(_unexpected())
        sys.exit(1)


@app.callback(invoke_without_command=True)
def root(
    *,
    shows_version: Annotated[bool, typer.Option("--version", help="Say which version this is.", is_eager=True)] = False,
) -> None:
    if shows_version:
        typer.echo(f"botgraph {version('botgraph')}")
        raise typer.Exit


@app.command()
def up(candles: Candles = None, speed: Speed = None, seed: Seed = None, store: StoreUrl = None) -> None:
    """Start bot and API, and keep both running until Ctrl-C."""
    with _starting():
        settings = _settings(candles=candles, speed=speed, seed=seed, store_url=store)
        from trading_bot.supervisor import supervise  # noqa: PLC0415 (a wrong setting is told before anything is loaded)

        code = supervise(
            settings,
            release=version("botgraph"),
            clock=SystemClock(),
            begun=BEGUN,
            out=console(),
            err=console(stderr=True),
        )
    raise typer.Exit(code)


@app.command()
def bot(candles: Candles = None, speed: Speed = None, seed: Seed = None, store: StoreUrl = None) -> None:
    """Start the bot alone."""
    with _starting():
        _become("trading_bot", _settings(candles=candles, speed=speed, seed=seed, store_url=store))


@app.command()
def serve(store: StoreUrl = None) -> None:
    """Start the API alone."""
    with _starting():
        _become("graph", _settings(store_url=store))


@app.command()
def worker(store: StoreUrl = None) -> None:
    """Start a worker alone: it carries workflows on, beside those of the API."""
    with _starting():
        _become("graph.worker", _settings(store_url=store))


@app.command()
def status() -> None:
    """The bot's summary. Exit code 0: HEALTHY, 1: DEGRADED, 2: OFFLINE, 3: it could not be asked."""
    from graph.doors.api_call import call  # noqa: PLC0415

    try:
        summary = call(load_settings(), STATUS_QUERY)["botSummary"]
    except Fault as fault:
        show(fault)
        raise typer.Exit(NOT_ASKED) from None
    out = console()
    for name, text in _summary_lines(summary):
        out.print(f"{name:<13}{text}", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(HEALTH_EXITS[summary["healthStatus"]])


@app.command()
def errors(
    code: Annotated[str | None, typer.Argument(help="A code such as ORD_001; all of them without one.")] = None,
    *,
    markdown: Annotated[bool, typer.Option(help="Write the page docs/errors.md.")] = False,
) -> None:
    """Explain an error code."""
    from graph.doors.error_pages import lines, page  # noqa: PLC0415
    from trading_bot.errors.catalogue import CATALOGUE  # noqa: PLC0415

    if markdown:
        typer.echo(page(), nl=False)
    elif code is None:
        for known in CATALOGUE.values():
            typer.echo(f"{known.error_code:<10}{known.title}")
    elif known_code := CATALOGUE.get(code.upper()):
        typer.echo(f"{known_code.error_code}: {known_code.title}")
        for name, text in lines(known_code):
            typer.echo(f"  {name}: {text}")
    else:
        remediation = "Run `botgraph errors` to see all codes."
        raise Fault("QRY_005", f"There is no error code `{code[:40]}`.", remediation=remediation)


@app.command()
def schema(
    *,
    check: Annotated[bool, typer.Option(help="Only say whether the file equals the code; exit code 1 if not.")] = False,
    out: Annotated[Path, typer.Option(help="The file to write or to compare.")] = Path("schema.graphql"),
) -> None:
    """Write the GraphQL schema to a file."""
    from graph.doors.schema_file import export  # noqa: PLC0415

    text = export()
    if not check:
        out.write_text(text)
    elif not out.is_file() or out.read_text() != text:
        typer.echo(f"{out} does not equal the code; `botgraph schema` writes it.", err=True)
        raise typer.Exit(1)


@contextmanager
def _starting() -> Iterator[None]:
    """A Fault in here ends the start with the exit code that tells service managers whether to try again."""
    try:
        yield
    except Fault as fault:
        show(fault)
        may_pass = entry(fault.code).retry in {RetryKind.AFTER_DELAY, RetryKind.SAME}
        raise typer.Exit(1 if may_pass else REFUSED) from None


def _settings(*, candles: Path | None = None, **overrides: str | None) -> Settings:
    settings = load_settings(candles=candles, **overrides)
    if settings.candles is not None:
        try:
            with settings.candles.open("rb"):
                pass
        except OSError as error:
            cause = f"{error.strerror}: {settings.candles}"
            raise Fault("DATA_001", cause, context={"file": str(settings.candles)}) from None
    return settings


def _become(module: str, settings: Settings) -> None:
    """Go on as another program of ours, in this process, so that signals reach it directly."""
    os.execve(sys.executable, [sys.executable, "-P", "-m", module], os.environ | settings.environment())  # noqa: S606 - fixed


def _summary_lines(summary: dict[str, Any]) -> list[tuple[str, str]]:
    reason = f": {summary['healthReason']}" if summary["healthReason"] else ""
    found = [
        ("Health", summary["healthStatus"] + reason),
        ("Run state", f"{summary['runState']} ({summary['mode']})"),
        ("Today's P&L", summary["dailyPnl"]),
        ("Holding", f"{summary['positionCount']} positions, {summary['openOrderCount']} open orders"),
        ("Last trade", summary["lastTradeTime"] or "none yet"),
        ("Data age", f"{summary['dataAgeSeconds']:.1f} s"),
    ]
    found += [("Warning", text) for text in summary["warnings"]]
    found += [
        ("Error", f"{one['errorCode']} at {one['timestamp']}: {one['message']}") for one in summary["recentErrors"]
    ]
    return found


def _unexpected() -> Fault:
    """The exception that is being handled, as a fault whose record is in the logs folder."""
    fault_id = uuid4().hex
    told = ""
    try:
        settings = load_settings()
        settings.make_folders()
        log = settings.logs_dir / "terminal.log"
        with log.open("a") as file:
            file.write(f"{SystemClock().now().isoformat()} fault_id={fault_id}\n{traceback.format_exc()}\n")
        told = f"; {log} has the record"
    except (OSError, Fault):  # without a home there is no file; the name of the exception must do
        pass
    kind = sys.exc_info()[0]
    name = kind.__name__ if kind else "Exception"
    return Fault("SYS_001", f"The command met {name}{told}.", context={"fault_id": fault_id})
