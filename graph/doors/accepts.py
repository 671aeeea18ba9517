"""Media types: which of the two forms of an answer a client would rather have."""

from functools import lru_cache

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"
_PLAIN = frozenset({JSON, "application/*", "*/*"})

_MOST_KNOWN = 32
"""Headers that are remembered; clients send few different ones, and each may be as long as a header can be."""


@lru_cache(maxsize=_MOST_KNOWN)
def media_type(accept: str) -> str:
    """The form to answer in, by an `Accept` header; `application/json` where it says nothing of the two."""
    best, best_weight = JSON, 0.0
    for part in accept.split(","):
        kind, weight = _weighed(part)
        if weight <= best_weight:
            continue
        if kind == GRAPHQL_JSON:
            best, best_weight = GRAPHQL_JSON, weight
        elif kind in _PLAIN:
            best, best_weight = JSON, weight
    return best


def _weighed(part: str) -> tuple[str, float]:
    kind, *parameters = [piece.strip().lower() for piece in part.split(";")]
    given = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
    try:
        weight = float(given)
    except ValueError:
        weight = 0.0
    return kind, weight if 0.0 <= weight <= 1.0 else 0.0
