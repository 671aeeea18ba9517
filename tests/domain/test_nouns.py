"""What holds of every noun, whichever module it lives in."""

import ast
import dataclasses
import importlib
import inspect
import pkgutil
from enum import Enum
from types import ModuleType

import pytest

import trading_bot.domain

MODULES = [
    importlib.import_module(f"trading_bot.domain.{found.name}")
    for found in pkgutil.iter_modules(trading_bot.domain.__path__)
]
CLASSES = [
    one
    for module in MODULES
    for name, one in vars(module).items()
    if inspect.isclass(one) and one.__module__ == module.__name__ and name == one.__name__
]
NOUNS = [one for one in CLASSES if dataclasses.is_dataclass(one)]


def test_the_nouns_are_found() -> None:
    assert len(MODULES) >= 19
    assert {"Bar", "Order", "Fill", "TradePlan", "Trade", "BotState", "SemanticError"} <= {
        one.__name__ for one in NOUNS
    }


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: noun.__name__)
def test_a_noun_is_a_frozen_slotted_dataclass_made_by_name(noun: type) -> None:
    made = noun.__dataclass_params__  # type: ignore[attr-defined]  # what the decorator leaves behind

    assert made.frozen
    assert "__dict__" not in dir(noun)
    assert all(field.kw_only for field in dataclasses.fields(noun))


@pytest.mark.parametrize("one", CLASSES, ids=lambda one: one.__name__)
def test_a_class_says_what_it_is_and_each_field_says_what_it_holds(one: type) -> None:
    """The graph shows these texts: a field without one could not be published."""
    tree = ast.parse(inspect.getsource(one)).body[0]
    assert isinstance(tree, ast.ClassDef)

    assert ast.get_docstring(tree)
    assert undocumented(tree, enum=issubclass(one, Enum)) == []


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_a_module_opens_with_what_it_is_for(module: ModuleType) -> None:
    assert module.__doc__
    assert module.__doc__.split("\n\n")[0].strip().endswith(".")


def undocumented(tree: ast.ClassDef, *, enum: bool) -> list[str]:
    """Fields and members that no docstring follows; what is there for the machine (`__pydantic_config__`) needs none."""
    found = [
        name
        for node, following in zip(tree.body, [*tree.body[1:], None], strict=True)
        if (name := member(node) if enum else field(node)) and not is_docstring(following)
    ]
    return [name for name in found if not name.startswith("__")]


def member(node: ast.stmt) -> str | None:
    return ast.unparse(node.targets[0]) if isinstance(node, ast.Assign) else None


def field(node: ast.stmt) -> str | None:
    return ast.unparse(node.target) if isinstance(node, ast.AnnAssign) else None


def is_docstring(node: ast.stmt | None) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
