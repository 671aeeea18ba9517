"""What import-linter can't see of the order desk: who calls a venue's commands."""

import ast

from tests.architecture.project import shown, tracked

DESK = "trading_bot/services/order_desk.py"


def test_orders_leave_through_the_order_desk_only() -> None:
    callers = {
        shown(path)
        for path in tracked("graph/*.py", "resolvers/*.py", "workflows/*.py", "trading_bot/*.py")
        if commands(path.read_text())
    }

    assert {caller for caller in callers if not caller.startswith("trading_bot/venues/")} == {DESK}


def commands(source: str) -> list[str]:
    """The uses of a venue's `place` (whatever it is called on) and `cancel` (on something called venue)."""
    uses = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)]
    return [
        ast.unparse(use)
        for use in uses
        if use.attr == "place" or (use.attr == "cancel" and ast.unparse(use.value).endswith("venue"))
    ]
