"""`botgraph workflow`: several steps as one operation, listed, checked, run, watched and cancelled."""

import typer

from graph.doors.terminal.workflow_lint import lint

app = typer.Typer(help="Workflows: several steps as one operation, with undo.", no_args_is_help=True)
app.command()(lint)
