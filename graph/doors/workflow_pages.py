"""The library of workflows as a page: docs/workflows.md."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from workflows.model import Step, Workflow

HEAD = """# Workflows

Several steps as one operation, run durably, and undone when a step fails. These come with BotGraph; `botgraph workflow run ID` runs one of
them, `--dry-run` says what each step would do now, and `workflowExecute` is the same over the API. How to write your own stands in
[operate.md](operate.md#write-workflows-of-your-own). This page is written by `botgraph workflow list --markdown`.

The risk is the highest that any parameters can bring; a run of risk HIGH needs ADMIN and a confirm token. A READ key may rehearse them all.
"""


def page(workflows: Iterable[Workflow]) -> str:
    """All workflows as one Markdown page."""
    return "".join((HEAD, *(_entry(workflow) for workflow in workflows)))


def _entry(workflow: Workflow) -> str:
    writes = "changes nothing" if workflow.reads_only else f"risk {workflow.risk.value}"
    first = " It cancels the run that is under way, and goes first." if workflow.preempts else ""
    facts = f"Scope {workflow.scope.value}, {writes}, at most {workflow.timeout_seconds} s.{first}"
    parts = [
        f"\n## {workflow.id}\n\n{workflow.description} {facts}\n",
        _parameters(workflow.parameters),
        _needs(workflow),
    ]
    parts += ["\n", *(f"{n}. {_told(step)}\n" for n, step in enumerate(workflow.steps, start=1))]
    if workflow.rollback:
        parts.append("\nUndone, in this order, where the step was begun:\n\n")
        parts += [f"* {_told(step)}\n" for step in reversed(workflow.rollback)]
    return "".join(parts)


def _parameters(declared: Mapping[str, Any]) -> str:
    if not declared:
        return ""
    rows = "".join(
        f"| `{name}` | {_type(one)} | {' '.join(one['description'].split())} |\n" for name, one in declared.items()
    )
    return f"\n| parameter | type | what it means |\n| --- | --- | --- |\n{rows}"


def _type(one: Mapping[str, Any]) -> str:
    kind = ", ".join(one["values"]) if one["type"] == "enum" else one["type"]
    limits = [f"{word} {one[name]}" for name, word in (("min", "from"), ("max", "to")) if name in one]
    default = f"default `{json.dumps(one['default'])}`" if "default" in one else "must be sent"
    return " ".join((kind, *limits)) + f"; {default}"


def _needs(workflow: Workflow) -> str:
    if not workflow.preconditions:
        return ""
    return "\nNot begun where:\n\n" + "".join(f"* {one.otherwise}\n" for one in workflow.preconditions)


def _told(step: Step) -> str:
    when = f" Only if `{step.when}`." if step.when else ""
    undoes = f" Undoes `{step.undoes}`." if step.undoes else ""
    return f"**{step.id}** ({step.action_type.value}): {step.description}{when}{undoes}"
