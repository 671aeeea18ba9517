"""Paging: where a page begins and ends."""

from graph.describes import describes
from resolvers import paging


@describes(paging.PageInfo)
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None
