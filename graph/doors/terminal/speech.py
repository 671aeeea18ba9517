"""How the terminal speaks: where it prints, and how a fault looks there."""

from typing import TYPE_CHECKING

import typer

from trading_bot.clock import SystemClock
from trading_bot.domain.errors import SemanticError
from trading_bot.errors.block import block
from trading_bot.errors.fault import Fault

if TYPE_CHECKING:
    from rich.console import Console


def console(*, stderr: bool = False) -> "Console":
    """Where a command prints; rich is loaded only now."""
    from rich.console import Console  # noqa: PLC0415

    return Console(stderr=stderr)


def show(fault: Fault) -> None:
    """Print a fault where errors go."""
    show_error(fault.semantic(now=SystemClock().now()))


def show_error(error: SemanticError) -> None:
    """Print an error where errors go."""
    typer.echo(block(error), err=True)
