"""Described types say what the domain says, or the import stops."""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
import strawberry

from graph.describes import Argument, accepts, answered_by, describes, publish


@dataclass(frozen=True, slots=True, kw_only=True)
class Lamp:
    """A thing that shines."""

    watts: Decimal
    """Power, in watts."""
    place: str | None
    """Where it stands; null for nowhere."""
    bare: int = 0

    @property
    def is_bright(self) -> bool:
        """Whether it shines with more than 10 watts."""
        return self.watts > 10

    @property
    def secret(self) -> str:
        return "hidden"


class Colour(Enum):
    """What it shines like."""

    RED = "r"
    """As a rose."""
    GREY = "g"


def test_descriptions_are_the_docstrings_of_the_domain() -> None:
    @describes(Lamp)
    class Light:
        watts: Decimal
        place: str | None
        is_bright: bool

    definition = Light.__strawberry_definition__  # type: ignore[attr-defined]

    assert definition.description == "A thing that shines."
    assert {field.python_name: field.description for field in definition.fields} == {
        "watts": "Power, in watts.",
        "place": "Where it stands; null for nowhere.",
        "is_bright": "Whether it shines with more than 10 watts.",
    }


def test_a_docstring_of_the_shape_takes_the_place_of_the_models() -> None:
    @describes(Lamp)
    class Light:
        """Another one."""

        watts: Decimal

    assert Light.__strawberry_definition__.description == "Another one."  # type: ignore[attr-defined]


def test_an_attribute_that_the_domain_lacks_stops_the_import() -> None:
    class Light:
        colour: str

    with pytest.raises(TypeError, match=r"Lamp has no documented `colour` to publish"):
        describes(Lamp)(Light)


@pytest.mark.parametrize("name", ["bare", "secret"])
def test_a_missing_docstring_stops_the_import(name: str) -> None:
    shape = type("Light", (), {"__annotations__": {name: int}, "__module__": __name__})

    with pytest.raises(TypeError, match=f"Lamp has no documented `{name}` to publish"):
        describes(Lamp)(shape)


@pytest.mark.parametrize(("name", "kind"), [("watts", Decimal | None), ("place", str), ("is_bright", bool | None)])
def test_a_null_that_only_one_side_allows_stops_the_import(name: str, kind: Any) -> None:
    shape = type("Light", (), {"__annotations__": {name: kind}, "__module__": __name__})

    with pytest.raises(TypeError, match=f"Light.{name} is .* both must allow null, or neither"):
        describes(Lamp)(shape)


def test_an_undocumented_member_of_an_enum_stops_the_import() -> None:
    with pytest.raises(TypeError, match="Colour has no documented `GREY` to publish"):
        publish(Colour)


def test_arguments_that_the_resolver_does_not_take_stop_the_import() -> None:
    def find(context: Any, *, colour: str) -> int:
        return 1

    with pytest.raises(TypeError, match=r"takes \['colour'\], its field has \['size'\]"):
        answered_by(find, "Finds.", size=Argument(int, "How large."))


def test_an_input_reaches_the_resolver_as_the_domains_value() -> None:
    seen: list[Any] = []

    def find(context: Any, *, lamp: Lamp) -> int:
        seen.append(lamp)
        return 1

    @accepts(Lamp)
    class LampInput:
        watts: Decimal
        place: str | None

    @strawberry.type
    class Query:
        found: int = answered_by(find, "Finds.", lamp=Argument(LampInput, "Which."))

    class Context:
        def of_root(self, key: str) -> "Context":
            seen.append(key)
            return self

    schema = strawberry.Schema(Query)
    result = schema.execute_sync('{ x: found(lamp: {watts: "2.50"}) }', context_value=Context())

    assert result.data == {"x": 1}
    assert seen == ["x", Lamp(watts=Decimal("2.50"), place=None)]
