"""Parts: the fields of one object, those with fields of their own written again only where they are another object than before.

What the domain hands out is frozen, and what was read of the store stays the same objects until it is read anew. So a part of a state
that neither the store nor the clock has touched since the last tick is the same object, and its bytes are the same.
"""

from dataclasses import dataclass
from itertools import groupby
from typing import Any

import orjson
from graphql import GraphQLNonNull, GraphQLObjectType, GraphQLOutputType
from pydantic_core import SchemaSerializer

from graph.plan.selections import Selected, Source
from graph.plan.serializers import ReadField, Run, attributes, model_of, read_field

Kept = dict[str, tuple[Any, bytes]]
"""What was written last of each part, by response key: the object and its bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One field."""

    key: str
    field: ReadField
    prefix: bytes
    """Its response key as JSON, with the colon."""
    serializer: SchemaSerializer
    is_kept: bool
    """Whether its bytes follow from the object alone: no resolver has a say in them."""

    def written(self, parent: Any, run: Run, kept: Kept) -> bytes:
        """Key and value as JSON; an exception for a value that the schema does not allow."""
        value = self.field.value(parent, run)
        known = kept.get(self.key)
        if known is not None and self.is_kept and _is_same(known[0], value):
            return known[1]
        raw = self.prefix + self.serializer.to_json(value, by_alias=True, warnings="error", context=run)
        kept[self.key] = (value, raw)
        return raw


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaves:
    """Fields side by side that are read off the object and have none below them: all of them take less to write than to compare."""

    serializer: SchemaSerializer
    """Writes an object of these fields alone."""

    def written(self, parent: Any, run: Run, kept: Kept) -> bytes:
        """Keys and values as JSON; an exception for a value that the schema does not allow."""
        return self.serializer.to_json(parent, by_alias=True, warnings="error", context=run)[1:-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One field, written by what is known of it from other documents: at first sight, to compile them together takes longer."""

    field: ReadField
    prefix: bytes
    """Its response key as JSON, with the colon."""

    def written(self, parent: Any, run: Run, kept: Kept) -> bytes:
        """Key and value as JSON; an exception for a value that the schema does not allow."""
        value = self.field.value(parent, run)
        return self.prefix + self.field.serializer.to_json(value, by_alias=True, warnings="error", context=run)


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """An object by its parts."""

    model: type
    parts: tuple[Part | Leaves | Piece, ...]

    def written(self, value: Any, run: Run, kept: Kept) -> bytes:
        """The object as JSON; an exception for what the schema does not allow."""
        if not isinstance(value, self.model):
            raise TypeError("not what the field promises")
        return b"{" + b",".join([part.written(value, run, kept) for part in self.parts]) + b"}"


def pieces_of(kind: GraphQLOutputType, selected: Selected, source: Source, variables: Any) -> Whole | None:
    """A field's object by its fields, with little to compile; null where it is none. UnsupportedError as below."""
    asked = _asked_of(kind, selected, source, variables)
    if asked is None:
        return None
    named, wanted = asked
    parts = [
        Piece(field=read_field(named, one, source, variables), prefix=orjson.dumps(key) + b":")
        for key, one in wanted.items()
    ]
    return Whole(model=model_of(named), parts=tuple(parts))


def whole_of(kind: GraphQLOutputType, selected: Selected, source: Source, variables: Any) -> Whole | None:
    """A field's object by its parts; null where it is none. UnsupportedError for what only graphql-core can write."""
    asked = _asked_of(kind, selected, source, variables)
    if asked is None:
        return None
    named, wanted = asked
    parts: list[Part | Leaves] = []
    for is_leaf, group in groupby(wanted.items(), lambda item: _is_leaf(named, item[1])):
        fields = {key: read_field(named, one, source, variables) for key, one in group}
        if is_leaf:
            parts.append(Leaves(serializer=SchemaSerializer(attributes(named, fields))))
        else:
            parts += [_part(key, field) for key, field in fields.items()]
    return Whole(model=model_of(named), parts=tuple(parts))


def _asked_of(
    kind: GraphQLOutputType, selected: Selected, source: Source, variables: Any
) -> tuple[GraphQLObjectType, dict[str, Selected]] | None:
    """The type of a field's object and what is asked of it; null where it is no object."""
    named = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
    if not isinstance(named, GraphQLObjectType):
        return None
    sets = [node.selection_set for node in selected.nodes if node.selection_set is not None]
    return named, source.of(named, sets, variables)


def _is_leaf(parent: GraphQLObjectType, selected: Selected) -> bool:
    """Whether it is an attribute without fields of its own."""
    definition = parent.fields.get(selected.name)
    return (
        definition is not None
        and selected.nodes[0].selection_set is None
        and definition.extensions["strawberry-definition"].base_resolver is None
    )


def _part(key: str, field: ReadField) -> Part:
    return Part(
        key=key,
        field=field,
        prefix=orjson.dumps(key) + b":",
        serializer=field.serializer,
        is_kept=not field.asks_resolvers,
    )


def _is_same(before: Any, now: Any) -> bool:
    """Whether it is the same object, or the same objects in the same order."""
    if before is now:
        return True
    if type(before) is not tuple or type(now) is not tuple or len(before) != len(now):
        return False
    return all(one is other for one, other in zip(before, now, strict=True))
