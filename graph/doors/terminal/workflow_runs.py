"""`botgraph workflow list|show|run|watch|cancel`: through the running API, with the steps as they come."""

from collections.abc import Iterator
from typing import Annotated, Any
from uuid import uuid4

import typer

from graph.doors.terminal.speech import console
from trading_bot.errors.fault import Fault
from trading_bot.settings import Settings, load_settings

LIST = "query List { workflows(first: 100) { id name risk description } }"
SHOW = """query Show($id: ID!) { workflow(id: $id) { id name description risk parameters validationRules rollbackProcedure
  steps { id description actionType timeoutSeconds } } }"""
EXECUTE = """mutation Execute($input: WorkflowExecuteInput!) { workflowExecute(input: $input) { run { id queuedBehind }
  preview { summary effects risk confirmToken } errors { errorCode message cause impact remediation context } } }"""
CANCEL = """mutation Cancel($input: WorkflowCancelInput!) { workflowCancel(input: $input) { run { id status }
  errors { errorCode message cause impact remediation context } } }"""
WATCH = """subscription Watch($id: ID!) { workflowRun(id: $id) { status progressPct queuedBehind finishedAt
  steps { id phase status attempt error { errorCode cause } } error { errorCode cause remediation } } }"""
_DONE = "COMPLETED"

Id = Annotated[str, typer.Argument(help="Id of the workflow, as `botgraph workflow list` shows it.")]
RunId = Annotated[str, typer.Argument(help="Id of the run.")]
Reason = Annotated[str, typer.Option(help="Why; kept with the run.", metavar="TEXT")]


def list_workflows(
    *, markdown: Annotated[bool, typer.Option(help="Write the page docs/workflows.md instead.")] = False
) -> None:
    """Show what can be run."""
    if markdown:
        from graph.doors.terminal.workflow_lint import library  # noqa: PLC0415 - heavy, as is what follows
        from graph.doors.workflow_pages import page  # noqa: PLC0415

        typer.echo(page(library()), nl=False)
        return
    for one in _call(LIST)["workflows"] or ():
        _say(f"{one['id']:<24}{one['risk']:<8}{one['name']}")


def show(workflow_id: Id) -> None:
    """Show one workflow: its parameters, what it needs, its steps, and what undoes them."""
    found = _find(workflow_id)
    _say(f"{found['id']} ({found['risk']}): {found['name']}\n{found['description']}")
    for name, rule in found["parameters"].items():
        default = f", default {rule['default']}" if "default" in rule else ", must be given"
        _say(f"  --set {name}=  {rule['type']}{default}. {rule['description']}")
    for name in found["validationRules"]:
        _say(f"  needs   {name}")
    for step in found["steps"]:
        _say(f"  step    {step['id']}: {step['description']} ({step['actionType']}, {step['timeoutSeconds']} s)")
    for text in found["rollbackProcedure"]:
        _say(f"  undo    {text}")


def run(
    workflow_id: Id,
    *,
    given: Annotated[
        list[str] | None, typer.Option("--set", help="A parameter; may be repeated.", metavar="NAME=VALUE")
    ] = None,
    reason: Reason = "botgraph workflow run",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what each step would do now.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask, whatever the risk.")] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Don't watch it.")] = False,
) -> None:
    """Run a workflow and watch it. Exit code 0: completed, 1: refused, failed or cancelled."""
    parameters = _parameters(_find(workflow_id)["parameters"], given or ())
    asked = {"workflowId": workflow_id, "parameters": parameters, "reason": reason, "idempotencyKey": str(uuid4())}
    preview = _execute({**asked, "dryRun": True})["preview"]
    if dry_run or (preview["risk"] == "HIGH" and not yes):
        _tell(preview)
    if dry_run:
        return
    if preview["risk"] == "HIGH" and not yes:
        typer.confirm("Go on?", abort=True)
    token = preview["confirmToken"]
    stored = _execute({**asked, "confirmToken": token} if token else asked)["run"]
    _say(f"Run {stored['id']}")
    if not detach:
        watch(stored["id"])


def watch(run_id: RunId) -> None:
    """Watch a run until it has ended. Exit code 0: completed, 1: not."""
    from graph.doors.api_watch import watch as answers  # noqa: PLC0415

    shown: set[tuple[Any, ...]] = set()
    last: dict[str, Any] = {}
    for data in answers(load_settings(), WATCH, {"id": run_id}):
        last = data["workflowRun"]
        for line in news(last, shown):
            _say(line)
    _say(f"{last.get('status')}")
    if error := last.get("error"):
        _say(f"{error['errorCode']}: {error['cause']}\n{error['remediation']}")
    raise typer.Exit(0 if last.get("status") == _DONE else 1)


def cancel(run_id: RunId, *, reason: Reason = "botgraph workflow cancel") -> None:
    """Stop a run and undo what it did."""
    asked = {"runId": run_id, "reason": reason, "idempotencyKey": str(uuid4())}
    payload = _call(CANCEL, {"input": asked})["workflowCancel"]
    _raise_refusal(payload)
    _say(f"Run {run_id} is {payload['run']['status']}; `botgraph workflow watch {run_id}` shows how it is undone.")


def news(run: dict[str, Any], shown: set[tuple[Any, ...]]) -> Iterator[str]:
    """A line for everything about the run that was not `shown` yet."""
    if run["queuedBehind"] and ("queue", run["queuedBehind"]) not in shown:
        shown.add(("queue", run["queuedBehind"]))
        yield f"       waits for run {run['queuedBehind']}"
    for step in run["steps"]:
        key = (step["phase"], step["id"], step["attempt"], step["status"])
        if step["status"] in {"PENDING", "SKIPPED"} or key in shown:
            continue
        shown.add(key)
        why = f"  {step['error']['errorCode']}: {step['error']['cause']}" if step["error"] else ""
        again = f" (attempt {step['attempt']})" if step["attempt"] > 1 else ""
        undoing = "undo " if step["phase"] == "ROLLBACK" else ""
        yield f"{run['progressPct']:>4} % {undoing}{step['id']}: {step['status']}{again}{why}"


def _execute(asked: dict[str, Any]) -> dict[str, Any]:
    payload: dict[str, Any] = _call(EXECUTE, {"input": asked})["workflowExecute"]
    _raise_refusal(payload)
    return payload


def _raise_refusal(payload: dict[str, Any]) -> None:
    from graph.doors.api_call import fault_of  # noqa: PLC0415

    for error in payload["errors"]:
        raise fault_of({"message": error["message"], "extensions": error})


def _find(workflow_id: str) -> dict[str, Any]:
    found: dict[str, Any] | None = _call(SHOW, {"id": workflow_id})["workflow"]
    if found is None:
        remediation = (
            "Run `botgraph workflow list` to see all, and `botgraph workflow lint` for one that is not listed."
        )
        raise Fault("QRY_005", f"There is no workflow `{workflow_id[:40]}`.", remediation=remediation)
    return found


def _parameters(rules: dict[str, Any], given: list[str] | tuple[str, ...]) -> dict[str, Any]:
    """What was typed, by name, in the type that the workflow asks for; what does not fit is left for the API to refuse."""
    found: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise typer.BadParameter(f"expected NAME=VALUE, was {text[:60]}")
        found[name] = _typed(rules.get(name, {}).get("type"), value)
    return found


def _typed(kind: str | None, value: str) -> Any:
    if kind in {"integer", "duration"} and value.removeprefix("-").isdecimal():
        return int(value)
    if kind == "boolean" and value in {"true", "false"}:
        return value == "true"
    return value


def _tell(preview: dict[str, Any]) -> None:
    _say(preview["summary"])
    for effect in preview["effects"]:
        _say(f"  {effect}")


def _call(query: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
    from graph.doors.api_call import call  # noqa: PLC0415

    settings: Settings = load_settings()
    return call(settings, query, variables)


def _say(text: str) -> None:
    console().print(text, markup=False, highlight=False, soft_wrap=True)
