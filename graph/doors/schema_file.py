"""The schema as a file: `schema.graphql`, held equal to the code."""

from graph.schema import build_schema


def export() -> str:
    """The schema as SDL, ending in a newline."""
    return build_schema().as_str().rstrip("\n") + "\n"
