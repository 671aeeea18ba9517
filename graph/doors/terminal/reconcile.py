"""`botgraph reconcile`: counts here against the venue, what differs, and how an operator settles it."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from graph.doors.terminal.command import opened, sent
from graph.doors.terminal.speech import console
from trading_bot.clock import SystemClock
from trading_bot.errors.fault import Fault
from trading_bot.settings import Settings, load_settings

if TYPE_CHECKING:
    from trading_bot.store.store import Store

PATIENCE_SECONDS = 30.0

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
    with opened(settings) as (store, bot_id):
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
    from trading_bot.domain.commands import CommandKind  # noqa: PLC0415

    return sent(store, bot_id, CommandKind.RECONCILE, parameters, reason, PATIENCE_SECONDS)


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
