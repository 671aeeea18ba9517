"""What is in git: rooms of a size to read, and nothing about the machine it was written on."""

import re
from pathlib import Path

from tests.architecture.project import shown, tracked

LONGEST = 400  # lines: CONTRIBUTING.md
PRODUCT = (
    "graph/*.py",
    "resolvers/*.py",
    "workflows/*.py",
    "trading_bot/*.py",
    "ui/src/*.ts",
    "ui/src/*.tsx",
    "ui/src/*.css",
)
# A home, a workspace or a mirror of one machine; paths that every machine has (/tmp, /etc, /run) are fine.
MACHINE = re.compile(r"(?<![\w.:/-])/(?:home/\w+|Users/\w+|root|work|workspace|opt/pypi[\w-]*|opt/wheels)(?:/|\b)")
REGISTRY = re.compile(
    r"""(?:index-url|find-links|registry)[ =:"']+(?:https?|file):|"resolved": *"http|https?://[^\s"'<>]+/(?:simple|packages)/"""
    r"|files\.pythonhosted\.org|registry\.npmjs\.org"
)


def test_no_product_file_is_longer_than_a_reader_can_hold() -> None:
    lengths = {shown(path): len(text(path).splitlines()) for path in tracked(*PRODUCT)}

    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_no_tracked_file_names_a_path_of_this_machine() -> None:
    assert lines_with(MACHINE) == []


def test_no_tracked_file_names_a_registry() -> None:
    assert lines_with(REGISTRY) == []


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{shown(path)}:{number}: {line.strip()[:160]}"
        for path in tracked()
        for number, line in enumerate(text(path).splitlines(), start=1)
        if pattern.search(line)
    ]


def text(path: Path) -> str:
    return path.read_bytes().decode(errors="replace")
