"""Pages of what filters may hide. A page on which everything is hidden would look like the end of the list, so the next one is read."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from folkmoot.base.paging import Page

T = TypeVar("T")
_MOST_PAGES = 10  # of a request


async def list_unhidden(
    read: Callable[[Page], Awaitable[list[T]]], page: Page, id_of: Callable[[T], int], is_hidden: Callable[[T], bool]
) -> tuple[list[T], list[int]]:
    """(the items that are not hidden, the ids of all items that were read, by which the list is paged)."""
    ids: list[int] = []
    for _ in range(_MOST_PAGES):
        found = await read(page)
        new = [id_of(one) for one in found]
        shown = [one for one in found if not is_hidden(one)]
        ids = [*new, *ids] if page.min_id is not None else [*ids, *new]
        if shown or not found:
            break
        page = msgspec.structs.replace(page, **({"max_id": new[-1]} if page.min_id is None else {"min_id": new[0]}))
    return shown, ids
