"""`botgraph workflow`: several steps as one operation, listed, checked, run, watched and cancelled."""

import typer

from graph.doors.terminal.workflow_lint import lint
from graph.doors.terminal.workflow_runs import cancel, list_workflows, run, show, watch

app = typer.Typer(help="Workflows: several steps as one operation, with undo.", no_args_is_help=True)
app.command("list")(list_workflows)
app.command()(show)
app.command()(run)
app.command()(watch)
app.command()(cancel)
app.command()(lint)
