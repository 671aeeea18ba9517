"""Progress of long work: a line that is renewed where somebody watches, and nothing where the output goes to a file or a program."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from graph.doors.terminal.speech import console


@contextmanager
def shown(what: str) -> Iterator[Callable[[str], None]]:
    """Say that `what` is under way; call what is given with the step that is being done."""
    err = console(stderr=True)
    if not err.is_terminal:
        yield lambda step: None
        return
    with err.status(what) as status:
        yield lambda step: status.update(f"{what}: {step}")
