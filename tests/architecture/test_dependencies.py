"""Every dependency has its reason, and the locks hold every dependency and nothing about where it came from."""

import re
import tomllib

import pytest

from tests.architecture.project import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = ("requirements.lock", "requirements-dev.lock")
PINNED = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>[a-z0-9.+]+)( ; [^\\/]+)? \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")


def test_every_dependency_has_a_line_that_says_why() -> None:
    lines = re.findall(r"^- ([\w.-]+): \S", (ROOT / "docs/dependencies.md").read_text(), re.MULTILINE)

    assert sorted(map(name_of, lines)) == sorted(runtime() | development())


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_versions_and_hashes_only(lock: str) -> None:
    strange = [
        line
        for line in (ROOT / lock).read_text().splitlines()
        if not PINNED.fullmatch(line) and not HASH.fullmatch(line)
    ]

    assert strange == []


def test_the_locks_hold_every_dependency() -> None:
    assert (runtime() - pinned_names("requirements.lock"), development() - pinned_names("requirements-dev.lock")) == (
        set(),
        set(),
    )


def test_what_runs_is_what_was_tested() -> None:
    assert pins("requirements.lock") - pins("requirements-dev.lock") == set()


def runtime() -> set[str]:
    return {name_of(line) for line in PROJECT["project"]["dependencies"]}


def development() -> set[str]:
    lines = [line for group in PROJECT["dependency-groups"].values() for line in group]
    return {name_of(line) for line in lines if isinstance(line, str)}


def name_of(requirement: str) -> str:
    matched = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert matched, f"no name in {requirement!r}"
    return re.sub(r"[._-]+", "-", matched[0]).lower()


def pins(lock: str) -> set[tuple[str, str]]:
    found = [PINNED.fullmatch(line) for line in (ROOT / lock).read_text().splitlines()]
    return {(match["name"], match["version"]) for match in found if match}


def pinned_names(lock: str) -> set[str]:
    return {name for name, _ in pins(lock)}
