"""Codes of workflow runs: how a run ends without success, and what can't be asked of one."""

from trading_bot.errors.codes import CRITICAL, DELAY, FIX, HIGH, LOW, MEDIUM, NEVER, UNKNOWN, code, look

RUN_CODES = (
    code(
        "WF_011", "WorkflowError", "A workflow run ran out of time", MEDIUM, FIX,
        meaning="The steps together took longer than the workflow's timeout_seconds allows.",
        impact="The steps after it are not run; what was done is undone by the rollback procedure.",
        remediation="Look at the run's steps for the one that took long, put its cause right, or raise timeout_seconds. Then run it again.",
        actions=(look("See what its steps did", "workflowRun", id="{runId}"),),
    ),
    code(
        "WF_012", "WorkflowError", "A workflow run was cancelled", LOW, FIX,
        meaning="Somebody cancelled the run, or a run that goes before all others, such as safe-shutdown, did.",
        impact="The steps after it are not run; what was done is undone by the rollback procedure.",
        remediation="Nothing needs to be done. Run the workflow again when it is wanted.",
        actions=(look("See what its steps did", "workflowRun", id="{runId}"),),
    ),
    code(
        "WF_013", "WorkflowError", "A step that may not be run twice was interrupted", HIGH, UNKNOWN,
        meaning="The worker that ran the step died, and nobody knows whether the step had its effect; it is marked as not repeatable.",
        impact="The step is not run again; what was begun is undone by the rollback procedure.",
        remediation="Find out whether the step in context.step had its effect, then run the workflow again if it is still wanted.",
        actions=(look("See what its steps did", "workflowRun", id="{runId}"),),
    ),
    code(
        "WF_014", "WorkflowError", "What a workflow run did could not be undone", CRITICAL, FIX,
        meaning="The run failed or was cancelled, and a step of its rollback procedure failed as well; the other ones were run.",
        impact="Something that the run changed is still changed.",
        remediation="Look at the run's steps of phase ROLLBACK that did not succeed, and undo by hand what each of them describes.",
        actions=(look("See what its steps did", "workflowRun", id="{runId}"),),
    ),
    code(
        "WF_015", "WorkflowError", "Another worker carries the run on", LOW, NEVER,
        meaning="A worker was silent for longer than its lease, so that another one took its run over.",
        impact="Nothing that the first worker still wanted to write was written; the run goes on elsewhere.",
        remediation="Nothing needs to be done. If it repeats, the machine is overloaded or stops for seconds: look at its load.",
        actions=(look("See how the run goes on", "workflowRun", id="{runId}"),),
    ),
    code(
        "WF_016", "WorkflowError", "The run has ended", LOW, NEVER,
        meaning="A run that has ended can't be cancelled any more.",
        impact="Nothing was changed.",
        remediation="Read the run's status and steps; to undo what a completed run did, run the workflow that does the opposite.",
        actions=(look("See how it ended", "workflowRun", id="{runId}"),),
    ),
    code(
        "WF_017", "WorkflowError", "Too many runs wait", MEDIUM, DELAY,
        meaning="The bot has as many runs that have not ended as it may have.",
        impact="The run was not stored; nothing was executed.",
        remediation="Wait until some have ended, or cancel those that are not wanted with workflowCancel.",
        actions=(look("See which runs wait", "workflowRuns"),),
    ),
)  # fmt: skip
"""All of them."""
