"""Paging: pages of the store as connections, with edges and cursors."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from trading_bot.errors.fault import Fault
from trading_bot.store.paging import Page

T = TypeVar("T")

LONGEST_LIST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class PageInfo:
    """Where a page begins and ends."""

    has_next_page: bool
    """Whether older ones follow."""
    has_previous_page: bool
    """Whether newer ones precede."""
    start_cursor: str | None
    """Cursor of the first; null for an empty page."""
    end_cursor: str | None
    """Cursor of the last, to send as `after` for the next page; null for an empty page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge(Generic[T]):
    """One thing, and where it stands in the list."""

    node: T
    """The thing itself."""
    cursor: str
    """Opaque; send it as `after` to go on behind it. It stays valid while rows come and go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection(Generic[T]):
    """A page of a list, newest first."""

    edges: tuple[Edge[T], ...]
    """The page, newest first, at most `first`."""
    page_info: PageInfo
    """Where it begins and ends."""


def connection(page: Page[T]) -> Connection[T]:
    """`page` with an edge for each item."""
    return Connection(
        edges=tuple(Edge(node=node, cursor=cursor) for node, cursor in zip(page.items, page.cursors, strict=True)),
        page_info=PageInfo(
            has_next_page=page.has_next,
            has_previous_page=page.has_previous,
            start_cursor=page.cursors[0] if page.cursors else None,
            end_cursor=page.cursors[-1] if page.cursors else None,
        ),
    )


def require_first(first: int) -> None:
    """Refuse a list that is empty by request or too long: Fault QRY_004."""
    if not 1 <= first <= LONGEST_LIST:
        raise Fault(
            "QRY_004",
            f"Expected `first` between 1 and {LONGEST_LIST}, was {first}.",
            context={"field": "first", "value": first},
        )
