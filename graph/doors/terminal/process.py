"""`botgraph process`: has the supervisor restart, start or stop a process, and says what it verified."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from graph.doors.terminal.command import opened, preview, sent
from graph.doors.terminal.speech import console
from trading_bot.domain.processes import LONGEST_DRAIN, USUAL_DRAIN, ProcessAction, ProcessName, ProcessOrder
from trading_bot.settings import load_settings

PATIENCE_SECONDS = 75.0
"""Beyond the drain: as long as the supervisor waits for a sign of life, and a little."""

app = typer.Typer(help="Restart, start or stop the bot's process under `botgraph up`.", no_args_is_help=True)


class WhichName(StrEnum):
    """A process as it is typed."""

    bot = "bot"
    api = "api"


Which = Annotated[WhichName, typer.Argument(help="The process.")]
Reason = Annotated[str, typer.Option(help="Why; kept with the command.", metavar="TEXT")]
Drain = Annotated[
    float, typer.Option(help="Seconds to finish what it is doing, then by force.", min=0, max=LONGEST_DRAIN)
]


@app.command()
def restart(which: Which = WhichName.bot, *, reason: Reason = "restarted", drain: Drain = USUAL_DRAIN) -> None:
    """End it and start another, which goes on where it was."""
    _sent(ProcessName(which.value), ProcessAction.RESTART, reason, drain)


@app.command()
def start(*, reason: Reason = "started") -> None:
    """Start the bot's process, also where it is held down."""
    _sent(ProcessName.BOT, ProcessAction.START, reason, USUAL_DRAIN)


@app.command()
def stop(
    *,
    reason: Reason = "stopped",
    drain: Drain = USUAL_DRAIN,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask, whatever is open.")] = False,
) -> None:
    """End the bot's process and hold it down until it is started. Stops are not watched meanwhile."""
    _sent(ProcessName.BOT, ProcessAction.STOP, reason, drain, is_confirmed=yes)


def _sent(
    name: ProcessName, action: ProcessAction, reason: str, drain: float, *, is_confirmed: bool | None = None
) -> None:
    from trading_bot.domain.commands import CommandKind, RiskLevel  # noqa: PLC0415

    parameters = ProcessOrder(program=name, action=action, drain_seconds=drain).parameters()
    with opened(load_settings()) as (store, bot_id):
        shown = preview(store, bot_id, CommandKind.RESTART_PROCESS, parameters)
        if shown.risk is RiskLevel.HIGH and not is_confirmed:
            for effect in shown.effects:
                typer.echo(effect)
            is_confirmed = typer.confirm("Go on?", abort=True)
        outcome = sent(
            store,
            bot_id,
            CommandKind.RESTART_PROCESS,
            parameters,
            reason,
            drain + PATIENCE_SECONDS,
            is_confirmed=bool(is_confirmed),
        )
    console().print(_words(outcome), markup=False, highlight=False, soft_wrap=True)


def _words(outcome: dict[str, Any]) -> str:
    program, action = outcome["program"], outcome["action"]
    drained = f" It took {outcome['drainedSeconds']:.1f} s to end." if "drainedSeconds" in outcome else ""
    if action == ProcessAction.STOP.value:
        return f"The {program} process has ended and is held down.{drained} `botgraph process start` starts it."
    ready = f"its sign of life came after {outcome['readySeconds']:.1f} s"
    return f"The {program} process runs (pid {outcome['pid']}); {ready}.{drained}"
