"""GraphQL types that describe domain objects instead of wrapping them.

A described type is never instantiated: resolvers return the domain object, and GraphQL reads the named attributes from it. So there is
nothing to map, and only what a described type names ever leaves the process. Descriptions are the docstrings of the domain, read once from
its source: the docstring of the class, the one under a field or enum member, the one of a property. A missing docstring, an attribute that
the domain lacks, or a null that one side allows and the other does not stops the import.
"""

import ast
import functools
import inspect
import sys
import types
import typing
from collections.abc import Callable
from enum import Enum
from typing import Annotated, Any, NamedTuple, TypeVar, dataclass_transform

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition
from strawberry.types.field import StrawberryField

T = TypeVar("T")

_Annotated: Any = Annotated  # its first part is known at run time only
_CLASS = ""  # stands for the docstring of a class itself among those of its attributes


class Argument(NamedTuple):
    """One argument of a field: its GraphQL type, what it means, and its default."""

    type: Any
    description: str
    default: Any = strawberry.UNSET
    name: str | None = None
    """What it is called in the graph, where Python can't have that name."""


@dataclass_transform(kw_only_default=True, field_specifiers=(strawberry.field,))
def describes(model: type) -> Callable[[type[T]], type[T]]:
    """Publish the attributes that the decorated class names of `model`, under the class's own name.

    A docstring of the decorated class takes the place of the model's.
    """

    def register(shape: type[T]) -> type[T]:
        shape.model = model  # type: ignore[attr-defined]
        shape.is_type_of = classmethod(lambda cls, obj, info: isinstance(obj, model))  # type: ignore[attr-defined]
        described = strawberry.type(shape, description=shape.__doc__ or _doc(model, _CLASS))
        _take_descriptions(described, model)
        return described

    return register


@dataclass_transform(kw_only_default=True, field_specifiers=(strawberry.field,))
def accepts(model: type) -> Callable[[type[T]], type[T]]:
    """Take what the decorated class names as an input; the resolver gets it as a `model`."""

    def register(shape: type[T]) -> type[T]:
        accepted = strawberry.input(shape, description=_doc(model, _CLASS))
        accepted.becomes = model  # type: ignore[attr-defined]
        _take_descriptions(accepted, model)
        return accepted

    return register


def publish(members: type[Enum]) -> None:
    """Make an enum of the domain known to the graph, by the names of its members."""
    if not hasattr(members, "__strawberry_definition__"):  # else a type that names it was read first
        strawberry.enum(members)
    definition: StrawberryEnumDefinition = members.__strawberry_definition__  # type: ignore[attr-defined]
    definition.description = _doc(members, _CLASS)
    for value in definition.values:
        value.description = _doc(members, value.name)


def answered_by(resolver: Callable[..., Any], description: str, **arguments: Argument) -> Any:
    """A field that `resolver` answers; the annotation gives its GraphQL type.

    The resolver is called with the operation's context, then with the object whose field it is where that is not a root type, and with the
    arguments by name. TypeError when the arguments are not the resolver's.
    """
    return strawberry.field(resolver=_adapted(resolver, arguments), description=description)


def streamed_by(resolver: Callable[..., Any], description: str, **arguments: Argument) -> Any:
    """A subscription field that `resolver`, an async generator function, feeds; the annotation gives its GraphQL type."""
    return strawberry.subscription(resolver=_adapted(resolver, arguments), description=description)


def _adapted(resolver: Callable[..., Any], arguments: dict[str, Argument]) -> Callable[..., Any]:
    """`resolver` as Strawberry calls it: with info and root, and with a signature that carries types and descriptions."""
    _require_same_arguments(resolver, arguments)

    def answer(root: Any, info: Any, **given: Any) -> Any:
        context = info.context.of_root(_root_key(info.path))
        parents = () if root is None else (root,)
        return resolver(context, *parents, **{name: _as_model(value) for name, value in given.items()})

    places = [
        inspect.Parameter("root", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Any),
        inspect.Parameter("info", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=strawberry.Info),
    ]
    for name, argument in arguments.items():
        kind = _Annotated[argument.type, strawberry.argument(description=argument.description, name=argument.name)]
        places.append(
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=argument.default)
        )
    answer.__signature__ = inspect.Signature(places)  # type: ignore[attr-defined]
    answer.__name__ = getattr(resolver, "__name__", "answer")
    answer.needs = getattr(resolver, "needs", None)  # type: ignore[attr-defined]
    answer.resolver = resolver  # type: ignore[attr-defined]
    return answer


def _require_same_arguments(resolver: Callable[..., Any], arguments: dict[str, Argument]) -> None:
    """Stop the import when a field's arguments are not those that its resolver takes by name."""
    taken = [
        place.name
        for place in inspect.signature(resolver).parameters.values()
        if place.kind is inspect.Parameter.KEYWORD_ONLY
    ]
    if sorted(taken) != sorted(arguments):
        raise TypeError(f"{resolver} takes {sorted(taken)}, its field has {sorted(arguments)}.")


def _root_key(path: Any) -> str:
    """The response key of the root field that `path` stands under."""
    while path.prev is not None:
        path = path.prev
    return str(path.key)


def _as_model(value: Any) -> Any:
    model = getattr(value, "becomes", None)
    return value if model is None else model(**vars(value))


def _take_descriptions(shape: type, model: type) -> None:
    for field in shape.__strawberry_definition__.fields:  # type: ignore[attr-defined]
        if field.base_resolver is None:
            field.description = _doc(model, field.python_name)
            _require_same_optionality(shape, model, field)


def _require_same_optionality(shape: type, model: type, field: StrawberryField) -> None:
    """Stop the import when a null may come where the graph promises none, or the reverse."""
    published = _hints(shape)[field.python_name]
    known = _hint(model, field.python_name)
    if _is_optional(published) != _is_optional(known):
        raise TypeError(
            f"{shape.__qualname__}.{field.python_name} is {published}, but {model.__qualname__} has {known}: "
            f"both must allow null, or neither."
        )


def _hint(model: type, name: str) -> Any:
    attribute = inspect.getattr_static(model, name, None)
    if isinstance(attribute, property):
        return _hints(attribute.fget)["return"]
    return _hints(model)[name]


@functools.cache
def _hints(owner: Any) -> dict[str, Any]:
    """What a class or function is annotated with; to resolve the names takes long, and a class has many fields."""
    return typing.get_type_hints(owner)


def _is_optional(hint: Any) -> bool:
    return typing.get_origin(hint) in (typing.Union, types.UnionType) and type(None) in typing.get_args(hint)


def _doc(model: type, name: str) -> str:
    """The docstring of `name` in `model`; TypeError when there is none."""
    text = _docs(model.__module__).get(model.__qualname__, {}).get(name)
    if not text:
        raise TypeError(f"{model.__module__}.{model.__qualname__} has no documented `{name or 'class'}` to publish.")
    return text


@functools.cache
def _docs(module: str) -> dict[str, dict[str, str]]:
    """The docstrings of a module by class and attribute, from its source."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: _docs_of(node) for node in tree.body if isinstance(node, ast.ClassDef)}


def _docs_of(node: ast.ClassDef) -> dict[str, str]:
    docs = {_CLASS: ast.get_docstring(node) or ""}
    for statement, following in zip(node.body, [*node.body[1:], None], strict=True):
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
                docs[name] = _literal(following)
            case ast.FunctionDef(name=name):
                docs[name] = ast.get_docstring(statement) or ""
            case _:
                pass
    return docs


def _literal(statement: ast.stmt | None) -> str:
    match statement:
        case ast.Expr(value=ast.Constant(value=str(text))):
            return inspect.cleandoc(text)
        case _:
            return ""
