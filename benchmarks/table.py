"""Tables of results: what a benchmark gives back, and how it stands in RESULTS.md."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The results of one benchmark."""

    title: str
    """What was measured."""
    columns: tuple[str, ...]
    """Heads of the columns."""
    rows: tuple[tuple[str, ...], ...]
    """One line for each thing measured."""
    note: str = ""
    """How it was measured, and what it is compared with."""

    def markdown(self) -> str:
        """The table as Markdown."""
        lines = [f"## {self.title}", ""]
        if self.note:
            lines += [self.note, ""]
        lines += [_line(self.columns), _line(tuple("---" for _ in self.columns)), *(_line(row) for row in self.rows)]
        return "\n".join(lines) + "\n"


def _line(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cells) + " |"
