"""`botgraph key`: make, list and end keys."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from trading_bot.clock import SystemClock
from trading_bot.errors.fault import Fault
from trading_bot.settings import load_settings

if TYPE_CHECKING:
    from trading_bot.services.keys import Keys

app = typer.Typer(help="Make, list and revoke API keys.", no_args_is_help=True)


class ScopeName(StrEnum):
    """A scope as it is typed."""

    read = "read"
    operate = "operate"
    admin = "admin"


@app.command("create")
def create_key(
    name: Annotated[str, typer.Option(help="What to call it.")],
    scope: Annotated[ScopeName, typer.Option(help="What it may do.")] = ScopeName.read,
    rate: Annotated[int | None, typer.Option(help="Operations a minute; none for the setting's.", min=1)] = None,
    max_bytes: Annotated[int, typer.Option(help="Largest answer, in bytes.", min=1_024, max=16_777_216)] = 10_240,
) -> None:
    """Make a key, and show it this once."""
    from trading_bot.domain.errors import Scope  # noqa: PLC0415

    caller, token = _keys().create(name, Scope[scope.name.upper()], rate_per_minute=rate, max_response_bytes=max_bytes)
    typer.echo(f"{token}\nKey {caller.key_id} ({caller.name}, {caller.scope.value}); it is not shown again.")


@app.command("list")
def list_keys() -> None:
    """Show all keys, without their secrets."""
    for known in _keys().list():
        state = f"revoked {known.revoked_at:%Y-%m-%dT%H:%MZ}" if known.revoked_at else "open"
        rate = f"{known.rate_per_minute} a minute" if known.rate_per_minute is not None else "rate of the setting"
        typer.echo(
            f"{known.id}  {known.scope.value:<8}{state:<26}{rate}, {known.max_response_bytes} bytes, "
            f"made {known.created_at:%Y-%m-%dT%H:%MZ}: {known.name}"
        )


@app.command("revoke")
def revoke_key(key_id: Annotated[str, typer.Argument(help="Its id, as `botgraph key list` shows it.")]) -> None:
    """End a key; what uses it is refused within a second."""
    if not _keys().revoke(key_id):
        remediation = "Run `botgraph key list` to see all keys with their ids."
        raise Fault("QRY_005", f"There is no key `{key_id[:40]}`.", remediation=remediation)
    typer.echo(f"Key {key_id} is revoked.")


def _keys() -> "Keys":
    from trading_bot.services.keys import Keys  # noqa: PLC0415
    from trading_bot.store.engine import open_engine  # noqa: PLC0415
    from trading_bot.store.schema import require_current  # noqa: PLC0415

    engine = open_engine(load_settings().store_url)
    require_current(engine)
    return Keys(engine, SystemClock())
