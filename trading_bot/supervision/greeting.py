"""What the supervisor says at the terminal: where everything is, and how to send the first query."""

import json
import shlex
from contextlib import suppress
from pathlib import Path

from rich.console import Console

from trading_bot.domain.processes import Hold
from trading_bot.domain.state import Bot
from trading_bot.settings import Settings

FIRST_QUERY = "{ botSummary { healthStatus runState dailyPnl positionCount warnings } }"


def hello(out: Console, *, settings: Settings, release: str, key: str | None) -> None:
    """Say what starts and where; `key` is the first key, if it has just been made: it is shown this once."""
    address = settings.api_address
    say(out, f"BotGraph {release}")
    say(out, f"  Home       {settings.home}")
    say(out, f"  GraphQL    {address}/graphql   (WebSocket: {address.replace('http', 'ws', 1)}/graphql)")
    say(out, f"  Schema     {address}/schema.graphql")
    if key is not None:
        say(out, f"  Key        {key}   (shown once; saved in {settings.first_key_file})")
        say(out, "Ask it something:")
        say(out, "  " + curl(address, shlex.quote(f"X-API-Key: {key}")))
    elif settings.api_auth_token is not None:
        say(out, "  Key        the one in BOT_API_AUTH_TOKEN")
    elif settings.first_key_file.exists():
        say(out, f"  Key        in {settings.first_key_file}")
        say(out, "Ask it something:")
        say(out, "  " + curl(address, f'"X-API-Key: $(cat {shlex.quote(str(settings.first_key_file))})"'))
    else:
        say(out, "  Key        the first one was removed; `botgraph key create` makes another")


def ready(out: Console, *, seconds: float, bot: Bot | None, replay_of: str | None, settings: Settings) -> None:
    """Say that both answer, after how long, and what trades where."""
    words = f"Ready in {seconds:.1f} s."
    if bot is not None:
        market = f"replay of {replay_of}" if replay_of else "simulated market"
        speed = f" at {_speed(settings)}" if settings.speed is not None else ""
        words += f" {bot.name} ({bot.id}): {bot.mode.value} mode on {bot.venue}, {market}{speed}."
    say(out, words + " Ctrl-C stops both.")


def held(out: Console, *, hold: Hold) -> None:
    """Say that the bot is held down, since when and why, and how it is started."""
    say(out, f"The API is ready; the bot is held down since {hold.at:%Y-%m-%d %H:%M:%SZ}. {hold.cause}")
    say(out, "  `botgraph process start` starts it. Ctrl-C stops the API; the next start tries both.")


def slow(out: Console, *, logs: tuple[Path, ...]) -> None:
    """Say where to look when the start takes long."""
    say(out, f"Still starting; what it waits for may stand in {' or '.join(map(str, logs))}.")


def curl(address: str, quoted_header: str) -> str:
    """A line for the shell that sends the first query."""
    body = shlex.quote(json.dumps({"query": FIRST_QUERY}, separators=(",", ":")))
    return f"curl -s {address}/graphql -H {quoted_header} -H 'Content-Type: application/json' -d {body}"


def _speed(settings: Settings) -> str:
    return "full speed" if settings.speed == "max" else f"{settings.speed:g} x"


def say(out: Console, line: str) -> None:
    """Print a line as it is: paths and keys are no markup, and a line to paste must stay one line.

    A terminal that has gone, or a full disk, must not end what trades: nothing is raised.
    """
    with suppress(OSError, SystemExit):  # rich exits the program when a pipe is broken
        out.print(line, markup=False, highlight=False, soft_wrap=True)
