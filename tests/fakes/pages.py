"""All pages of a list, one after the other."""

from collections.abc import Callable
from typing import TypeVar

from trading_bot.store.paging import Page

T = TypeVar("T")


def all_pages(page_after: Callable[[str | None], Page[T]]) -> list[T]:
    """Every item, where `page_after` gives the page that follows a cursor, or the first one for None."""
    items: list[T] = []
    after: str | None = None
    while True:
        page = page_after(after)
        items += page.items
        if not page.has_next:
            return items
        after = page.cursors[-1]
