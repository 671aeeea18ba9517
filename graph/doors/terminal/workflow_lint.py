"""`botgraph workflow lint`: says of every definition, and of the allow-list, where it is wrong, why, and what to do."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trading_bot.clock import SystemClock
from trading_bot.errors.fault import Fault
from trading_bot.settings import Settings, load_settings

if TYPE_CHECKING:
    from graph.doors.operations import NamedOperation
    from trading_bot.domain.commands import Caller
    from workflows.installation import Installation
    from workflows.model import OperationFacts, Workflow


@dataclass(frozen=True, slots=True, kw_only=True)
class OnPaper:
    """Operations that can be looked up and not run: nothing is executed by looking at a definition."""

    known: Mapping[str, "NamedOperation"]
    """By name."""

    def facts(self, name: str) -> "OperationFacts | None":
        """What is known of an operation."""
        known = self.known.get(name)
        return None if known is None else known.facts

    async def run(self, name: str, variables: Mapping[str, Any], caller: "Caller") -> dict[str, Any]:
        """Refused: SYS_001."""
        raise Fault("SYS_001", f"The operation {name:.64} was run while a definition was looked at.")


Files = Annotated[
    list[Path] | None,
    typer.Argument(help="Definitions; without any: the library, your own folder, and the allow-list."),
]


def lint(files: Files = None) -> None:
    """Check definitions and the allow-list. Exit code 0: all valid, 1: something is wrong, 2: a file is not there."""
    from workflows.library import OUR_FOLDER, lint_allowance, lint_file, read_folders  # noqa: PLC0415 - as all that is heavy

    settings = load_settings()
    steps = _installed(settings).steps
    if files:
        missing = [file for file in files if not file.is_file()]
        for file in missing:
            typer.echo(f"{file}: there is no such file", err=True)
        if missing:
            raise typer.Exit(2)
        problems = [problem for file in files for problem in lint_file(file, steps)]
        count = len(files)
    else:
        found = read_folders((OUR_FOLDER, settings.own_workflows_dir), steps)
        problems = [*lint_allowance(settings.workflow_allow_file), *found.problems]
        count = len(found.workflows) + len({problem.context["file"] for problem in found.problems})
    for line in told(problems):
        typer.echo(line)
    typer.echo(f"{count} checked, {len(problems)} problems")
    raise typer.Exit(1 if problems else 0)


def library() -> "tuple[Workflow, ...]":
    """The workflows that come with BotGraph, as they are, whatever this home adds."""
    from workflows.library import OUR_FOLDER, read_folders  # noqa: PLC0415

    return tuple(read_folders((OUR_FOLDER,), _installed(load_settings()).steps).workflows.values())


def told(problems: Iterable[Fault]) -> list[str]:
    """One line for each problem: file:line: cause, and what to do."""
    lines = []
    for problem in problems:
        place = f"{problem.context['file']}:{problem.context['line']}"
        cause = problem.cause.removeprefix(f"{problem.context['file']}, line {problem.context['line']}: ")
        remedy = problem.context.get("remedy")
        lines.append(f"{place}: {problem.code}: {cause}" + (f" {remedy}" if remedy else ""))
    return lines


def _installed(settings: Settings) -> "Installation":
    """The installation as the API has it, over a store that is never opened: nothing is run here."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    import sqlalchemy as sa  # noqa: PLC0415

    from graph.documents import Documents  # noqa: PLC0415
    from graph.doors.operations import load_operations  # noqa: PLC0415
    from graph.schema import build_schema  # noqa: PLC0415
    from trading_bot.services.commands import Commands  # noqa: PLC0415
    from trading_bot.store.store import Store  # noqa: PLC0415
    from workflows.installation import installation  # noqa: PLC0415

    clock = SystemClock()
    store = Store(sa.create_engine("sqlite://"), clock)
    documents = Documents(schema=build_schema()._schema)  # noqa: SLF001 - Strawberry has no other name for it
    return installation(
        settings,
        store=store,
        commands=Commands(store=store, clock=clock),
        clock=clock,
        workers=ThreadPoolExecutor(1),
        operations=OnPaper(known=load_operations(documents)),
    )
