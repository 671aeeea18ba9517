"""Payloads: what a write answers with."""

from dataclasses import dataclass

from trading_bot.domain.commands import ActionPreview, Command
from trading_bot.domain.errors import SemanticError
from trading_bot.domain.workflow_runs import WorkflowRun


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandPayload:
    """What became of a write that the bot carries out."""

    command: Command | None
    """The stored command, as it is now; null for a dry run and for one that was refused."""
    preview: ActionPreview | None
    """What it would do; null unless `dryRun`."""
    errors: tuple[SemanticError, ...]
    """Why it was refused; empty when it was not."""
    replayed: bool
    """Whether this idempotency key was used before: nothing was done again, `command` is the first one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorAcknowledgePayload:
    """What became of an acknowledgement."""

    acknowledged: tuple[SemanticError, ...]
    """The errors as they are now; empty for a dry run and for one that was refused."""
    preview: ActionPreview | None
    """What it would do; null unless `dryRun`."""
    errors: tuple[SemanticError, ...]
    """Why it was refused; empty when it was not."""
    replayed: bool
    """Whether this idempotency key was used before: nothing was done again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowRunPayload:
    """What became of a write about a workflow run."""

    run: WorkflowRun | None
    """The run, as it is now; null for a dry run and for one that was refused."""
    preview: ActionPreview | None
    """What it would do; null unless `dryRun`."""
    errors: tuple[SemanticError, ...]
    """Why it was refused; empty when it was not."""
    replayed: bool
    """Whether this idempotency key was used before: nothing was done again, `run` is the first one."""
