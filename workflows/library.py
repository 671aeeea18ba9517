"""The library: every workflow that can be run here, those of the product and the operator's own, read again when a file changes.

A file that is not valid takes itself out and nothing else: what is wrong with it is told, and the others can be run.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType

from trading_bot.errors.fault import Fault
from workflows.documents import Document, broken, read_document
from workflows.load import StepFacts, problems_of, workflow_of
from workflows.model import Workflow
from workflows.steps.allowance import allowance_problems, file_problems

OUR_FOLDER = Path(__file__).parent / "library"
MOST_FILES = 200
Signature = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the folders held at one time."""

    workflows: Mapping[str, Workflow]
    """Those that can be run, by id."""
    problems: tuple[Fault, ...]
    """What is wrong with the others: WF_001 with file and line."""


class Library:
    """All workflows of an installation. Safe to share between threads: what was read is one immutable value."""

    def __init__(self, *, folders: tuple[Path, ...], facts: StepFacts, watched: tuple[Path, ...] = ()) -> None:
        self._folders = folders
        self._facts = facts
        self._watched = watched
        self._read: tuple[Signature, Reading] | None = None

    def read(self) -> Reading:
        """What is there now. Files are read again only where one was added, changed or taken away."""
        signature = self._signature()
        if self._read is None or self._read[0] != signature:
            self._read = signature, read_folders(self._folders, self._facts)
        return self._read[1]

    def find(self, id: str) -> Workflow:
        """The workflow of that id. Raises QRY_005 that names the closest, WF_001 for one that is there and not valid."""
        reading = self.read()
        found = reading.workflows.get(id)
        if found is not None:
            return found
        for problem in reading.problems:
            if problem.context.get("file") == f"{id}.yaml":
                raise problem
        closest = get_close_matches(id[:64], reading.workflows, n=3, cutoff=0.4)
        cause = f"There is no workflow `{id:.40}`; there is {', '.join(closest or sorted(reading.workflows)[:4])}."
        raise Fault("QRY_005", cause, context={"workflowId": id[:64], "closest": closest})

    def _signature(self) -> Signature:
        files = (*(file for folder in self._folders for file in definitions_in(folder)), *self._watched)
        found = []
        for file in files:
            try:
                state = file.stat()
            except OSError:
                continue
            found.append((str(file), state.st_mtime_ns, state.st_size))
        return tuple(found)


def read_folders(folders: tuple[Path, ...], facts: StepFacts) -> Reading:
    """All workflows of the folders; an id that an earlier folder has is not taken again."""
    workflows: dict[str, Workflow] = {}
    problems: list[Fault] = []
    for file in (file for folder in folders for file in definitions_in(folder)):
        try:
            document = read_document(file)
            found = problems_of(document, facts) or _misnamed(document, workflows)
            if not found:
                workflow = workflow_of(document, facts)
                workflows[workflow.id] = workflow
            problems += found
        except Fault as fault:
            problems.append(fault)
    return Reading(workflows=MappingProxyType(dict(sorted(workflows.items()))), problems=tuple(problems))


def definitions_in(folder: Path) -> tuple[Path, ...]:
    """The definition files of a folder, by name, at most 200; none where it is not there. Only regular files."""
    found = (file for file in sorted(folder.glob("*.yaml")) if file.is_file())
    return tuple(file for _, file in zip(range(MOST_FILES), found, strict=False))


def lint_file(file: Path, facts: StepFacts) -> tuple[Fault, ...]:
    """Everything that is wrong with one definition."""
    try:
        document = read_document(file)
    except Fault as fault:
        return (fault,)
    return problems_of(document, facts) or _misnamed(document, {})


def lint_allowance(file: Path) -> tuple[Fault, ...]:
    """Everything that is wrong with the allow-list; nothing where there is none."""
    if not file.exists():
        return ()
    try:
        return (*file_problems(file), *allowance_problems(read_document(file)))
    except Fault as fault:
        return (fault,)


def _misnamed(document: Document, known: Mapping[str, Workflow]) -> tuple[Fault, ...]:
    """A file that is not named like its workflow, or names one that is there already."""
    name, stem = document.values["id"], document.source.removesuffix(".yaml")
    line = document.line(("id",))
    if name != stem:
        return (
            broken(
                document.source,
                line,
                f"the id is `{name}`, the file's name `{stem:.40}`.",
                remedy="Make both the same.",
            ),
        )
    if name in known:
        remedy = "Choose an id of its own."
        return (
            broken(document.source, line, f"there is a workflow `{name}` already, in another folder.", remedy=remedy),
        )
    return ()
