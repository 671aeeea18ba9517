"""Variables: which of them a part of a document uses."""

from graphql import Node, VariableNode, Visitor, visit


def variables_of(node: Node) -> set[str]:
    """The names of the variables that are used anywhere in it."""
    found = _Variables()
    visit(node, found)
    return found.names


class _Variables(Visitor):
    """Notes the variables that it comes by."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_variable(self, node: VariableNode, *_: object) -> None:
        self.names.add(node.name.value)
