"""What import-linter can't see of writes: who stores an intent, and who gives out a token."""

import ast

from tests.architecture.project import shown, tracked

PRODUCT = ("graph/*.py", "resolvers/*.py", "workflows/*.py", "trading_bot/*.py")


def test_an_intent_is_stored_in_one_place_which_asks_for_the_risk() -> None:
    assert users("add_intent") == {"trading_bot/services/intents.py"}


def test_idempotency_keys_are_looked_up_in_that_place_only() -> None:
    assert users("find_intent") == {"trading_bot/services/intents.py"}


def users(name: str) -> set[str]:
    """The files that call a function of the store."""
    return {
        shown(path)
        for path in tracked(*PRODUCT)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == name
    }
