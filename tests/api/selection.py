"""Selections made from the schema: every field of every type, as deep as it goes."""

from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema, GraphQLType, get_named_type

DEEPEST = 8


def everything(kind: GraphQLType, depth: int = 0) -> str:
    """A selection set of all fields of `kind`; empty for a leaf."""
    named = get_named_type(kind)
    if not isinstance(named, GraphQLObjectType | GraphQLInterfaceType):
        return ""
    assert depth < DEEPEST, f"{named.name} has no end"
    return "{ " + " ".join(f"{name}{everything(field.type, depth + 1)}" for name, field in named.fields.items()) + " }"


def root_selections(schema: GraphQLSchema, arguments: dict[str, str]) -> dict[str, str]:
    """By name of the root field: the field with those arguments and everything below it."""
    assert schema.query_type is not None
    return {
        name: f"{name}{arguments.get(name, '')}{everything(field.type)}"
        for name, field in schema.query_type.fields.items()
    }
