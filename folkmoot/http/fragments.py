"""Rendered posts, cached in memory: pages and API responses are assembled from them.

A fragment is the rendering of a post by one entry point (API, or HTML in one language); it is the same for all viewers.
Its key contains the versions of post and author, which every page selects: a change is visible in every process at the
next read, without invalidation. The least recently used fragments are dropped.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.network.posts.model import Post
from folkmoot.network.posts.queries import list_posts_by_ids_unscoped
from folkmoot.network.timelines.model import Entry, Key, fragment_key

F = TypeVar("F")


class FragmentCache(Generic[F]):
    """The fragments of one entry point. `render` turns a post into one; `size` is the maximum number of fragments."""

    def __init__(self, render: Callable[[Post], F], size: int = 20_000) -> None:
        self._render = render
        self._size = size
        self._day = 0
        self._kept: OrderedDict[Key, F] = OrderedDict()

    async def gather(self, database: Database, entries: Sequence[Entry]) -> Mapping[Key, F]:
        """Returns the fragments for these entries, from memory or, with one statement, from the database.

        A key can be absent: its post was deleted or edited between the two statements.
        """
        kept = self._kept_today()
        found: dict[Key, F] = {}
        missing: list[int] = []
        keys = [entry[2:5] for entry in entries]  # inlined `shown_key`, because this runs for each entry of each page
        keys += [entry.boost_key for entry in entries if entry[0] != entry[2]]
        for key in keys:
            fragment = kept.get(key)
            if fragment is None:
                missing.append(key[0])
            else:
                kept.move_to_end(key)
                found[key] = fragment
        if missing:
            async with database.read() as conn:
                posts = await list_posts_by_ids_unscoped(conn, missing)
            for post in posts.values():
                found[fragment_key(post)] = self.keep(post)
        return found

    def _kept_today(self) -> OrderedDict[Key, F]:
        """The cache. It is emptied once a day, because signed URLs in it expire."""
        today = int(clock.now().timestamp()) // 86400
        if today != self._day:
            self._kept.clear()
            self._day = today
        return self._kept

    def keep(self, post: Post) -> F:
        """Renders a post and stores it in the cache."""
        fragment = self._kept[fragment_key(post)] = self._render(post)
        if len(self._kept) > self._size:
            self._kept.popitem(last=False)
        return fragment
