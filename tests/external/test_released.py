"""The schema breaks nobody who was built on the last release: `released.graphql` is its copy, and is replaced at each release."""

from pathlib import Path

from graphql import build_schema
from graphql.utilities import find_breaking_changes, find_dangerous_changes

ROOT = Path(__file__).resolve().parents[2]
CHANGELOG = ROOT / "CHANGELOG.md"
RELEASED = (ROOT / "tests" / "external" / "released.graphql").read_text()
NOW = (ROOT / "schema.graphql").read_text()


def test_every_breaking_change_since_the_release_is_in_the_changelog() -> None:
    changelog = CHANGELOG.read_text()

    assert [change for change in broken(RELEASED, NOW) if change not in changelog] == []


def test_what_breaks_a_client_is_noticed() -> None:
    other_name = NOW.replace("  dailyPnl: Decimal!", "  dailyResult: Decimal!")
    other_default = NOW.replace("first: Int! = 20", "first: Int! = 21")

    assert "Field BotSummary.dailyPnl was removed." in broken(NOW, other_name)
    assert any("has changed defaultValue from 20 to 21" in change for change in broken(NOW, other_default))
    assert broken(NOW, NOW) == []


def broken(old: str, new: str) -> list[str]:
    """What a client of the old schema may trip over; a new value of an enum is what a client has to expect."""
    before, after = build_schema(old), build_schema(new)
    dangers = [change for change in find_dangerous_changes(before, after) if "DEFAULT" in change.type.name]
    return sorted(
        [change.description for change in find_breaking_changes(before, after)]
        + [change.description for change in dangers]
    )
