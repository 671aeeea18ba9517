"""`botgraph operations`: what can be asked for by name."""

from typing import Annotated

import typer

from trading_bot.errors.fault import Fault


def operations(
    name: Annotated[
        str | None, typer.Argument(help="An operation such as botSummary; all of them without one.")
    ] = None,
    *,
    markdown: Annotated[bool, typer.Option(help="Write the page docs/operations.md.")] = False,
) -> None:
    """Show the named operations, or one with its variables."""
    from graph.documents import Documents  # noqa: PLC0415 - heavy, as is what follows
    from graph.doors.operation_pages import lines, page  # noqa: PLC0415
    from graph.doors.operations import load_operations  # noqa: PLC0415
    from graph.schema import build_schema  # noqa: PLC0415

    known = load_operations(Documents(schema=build_schema()._schema))  # noqa: SLF001 - Strawberry has no other name for it
    if markdown:
        typer.echo(page(known.values()), nl=False)
    elif name is None:
        for one in known.values():
            typer.echo(f"{one.name:<16}{'writes ' if one.writes else ''}{one.description}")
    elif name in known:
        typer.echo("\n".join([known[name].name, *lines(known[name])]))
    else:
        remediation = "Run `botgraph operations` to see all names."
        raise Fault("QRY_005", f"There is no operation `{name[:40]}`.", remediation=remediation)
