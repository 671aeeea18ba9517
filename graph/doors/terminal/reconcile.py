"""`botgraph reconcile`: counts here against the venue, what differs, and how an operator settles it."""

import asyncio
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer

from graph.doors.terminal.speech import console, show_error
from trading_bot.clock import SystemClock
from trading_bot.errors.fault import Fault
from trading_bot.settings import Settings, load_settings

if TYPE_CHECKING:
    from trading_bot.domain.commands import Command
    from trading_bot.store.store import Store

PATIENCE_SECONDS = 30.0
NOT_ANSWERED = 3
_POLL_SECONDS = 0.1

Adopt = Annotated[
    str | None, typer.Option(help="Take the venue's quantity of this symbol into the books.", metavar="SYMBOL")
]
Ignore = Annotated[str | None, typer.Option(help="Leave the difference on this symbol to others.", metavar="SYMBOL")]
Stop = Annotated[str | None, typer.Option(help="With --adopt: watch what had no plan with this stop.", metavar="PRICE")]
Reason = Annotated[str | None, typer.Option(help="Why; needed to settle something.", metavar="TEXT")]


def reconcile(adopt: Adopt = None, ignore: Ignore = None, stop: Stop = None, reason: Reason = None) -> None:
    """Compare the books with the venue. Exit code 0: they agree, 1: they differ or it was refused, 3: the bot does not answer."""
    parameters = _parameters(adopt, ignore, stop, reason)
    settings = load_settings()
    with _opened(settings) as (store, bot_id):
        if _is_offline(store, bot_id):
            counts = _at_rest(settings, parameters)
        else:
            counts = _by_command(store, bot_id, parameters, reason or "botgraph reconcile")
    _print(counts)
    raise typer.Exit(1 if counts["differences"] else 0)


def _parameters(adopt: str | None, ignore: str | None, stop: str | None, reason: str | None) -> dict[str, str]:
    if adopt is not None and ignore is not None:
        raise typer.BadParameter("one symbol at a time: either --adopt or --ignore")
    symbol = adopt or ignore
    if symbol is None:
        return {}
    if not reason:
        raise typer.BadParameter("--reason says why, and is kept with the command")
    parameters = {"action": "adopt" if adopt is not None else "ignore", "symbol": symbol}
    return parameters if stop is None else {**parameters, "stop": stop}


@contextmanager
def _opened(settings: Settings) -> "Iterator[tuple[Store, str]]":
    """The store of the home and the id of its bot."""
    from trading_bot.store.engine import open_engine  # noqa: PLC0415
    from trading_bot.store.schema import require_current  # noqa: PLC0415
    from trading_bot.store.store import Store  # noqa: PLC0415

    engine = open_engine(settings.store_url)
    require_current(engine)
    store = Store(engine, SystemClock())
    try:
        known = store.bot_ids()
        if not known:
            raise Fault("BOT_001", "No bot has been started in this home yet.")
        yield store, known[0]
    finally:
        store.close()


def _is_offline(store: "Store", bot_id: str) -> bool:
    from trading_bot.domain.health import Health, assess  # noqa: PLC0415
    from trading_bot.store import runtime  # noqa: PLC0415

    with store.reading(bot_id) as r:
        known = runtime.find_runtime(r)
    return known is None or assess(known, now=SystemClock().now()).status is Health.OFFLINE


def _at_rest(settings: Settings, parameters: dict[str, str]) -> dict[str, Any]:
    """What the store and the exchange's ledger hold while the bot is down; nothing can be settled then."""
    if parameters:
        remediation = "Start the bot with `botgraph up`, then run this command again."
        raise Fault("BOT_003", "The bot is offline; only a running bot settles a difference.", remediation=remediation)
    from trading_bot.bootstrap import counts_at_rest  # noqa: PLC0415

    return counts_at_rest(settings).outcome()


def _by_command(store: "Store", bot_id: str, parameters: dict[str, str], reason: str) -> dict[str, Any]:
    """Ask the bot, and wait for what it verified."""
    from trading_bot.domain.commands import Caller, CommandKind, CommandStatus, Intent  # noqa: PLC0415
    from trading_bot.domain.errors import Scope  # noqa: PLC0415
    from trading_bot.services.commands import Commands  # noqa: PLC0415

    caller = Caller(
        key_id="terminal", name="terminal", scope=Scope.ADMIN, max_response_bytes=1_048_576, rate_per_minute=None
    )
    digest = hashlib.sha256(json.dumps(parameters, sort_keys=True).encode()).hexdigest()
    intent = Intent(caller=caller, idempotency_key=str(uuid4()), digest=digest, reason=reason)
    command, _ = Commands(store=store, clock=SystemClock()).submit(
        bot_id, CommandKind.RECONCILE, intent, parameters=parameters
    )
    ended = asyncio.run(_ended(store, bot_id, command.id))
    if ended is None:
        typer.echo(f"The bot has not answered within {PATIENCE_SECONDS:.0f} s; command {command.id} waits.", err=True)
        raise typer.Exit(NOT_ANSWERED)
    if ended.status is not CommandStatus.DONE or ended.outcome is None:
        if ended.error is not None:
            show_error(ended.error)
        raise typer.Exit(1)
    return ended.outcome


async def _ended(store: "Store", bot_id: str, command_id: str) -> "Command | None":
    from trading_bot.store import commands  # noqa: PLC0415

    clock = SystemClock()
    begun = clock.monotonic()
    while clock.monotonic() - begun < PATIENCE_SECONDS:
        with store.reading(bot_id) as r:
            found = commands.find_command(r, command_id)
        if found is not None and found.executed_at is not None:
            return found
        await clock.sleep(_POLL_SECONDS)
    return None


def _print(counts: dict[str, Any]) -> None:
    out = console()
    lines = [f"{'':<12}{'here':>8}{'venue':>8}{'others':>8}"]
    for title, name in (("Fills", "fills"), ("Live orders", "orders"), ("Positions", "positions")):
        here, venue, foreign = (counts[name].get(side, "") for side in ("here", "venue", "foreign"))
        lines.append(f"{title:<12}{here:>8}{venue:>8}{foreign:>8}")
    lines += [f"Ignored: {text}" for text in counts["ignored"]]
    lines += [f"Differs: {text}" for text in counts["differs"]]
    left_out = counts["differences"] - len(counts["differs"])
    if left_out:
        lines.append(f"Differs: and {left_out} more")
    for line in lines:
        out.print(line, markup=False, highlight=False, soft_wrap=True)
