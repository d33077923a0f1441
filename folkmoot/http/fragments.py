"""Rendered posts, cached in memory: pages and API responses are assembled from them.

A fragment is the rendering of a post by one entry point (API, or HTML in one language); it is the same for all viewers.
Its key contains the versions of post and author, which every page selects: a change is visible in every process at the
next read, without invalidation. The least recently used fragments are dropped.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Generic, TypeVar

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.network.posts.model import Post, QuoteFacts, QuoteState
from folkmoot.network.posts.queries import list_posts_by_ids_unscoped, list_quote_facts
from folkmoot.network.timelines.model import Entry, Key, fragment_key

F = TypeVar("F")
Quotes = Mapping[int, tuple[QuoteFacts, F | None]]  # by the quoting post: what the viewer gets of the quoted one, and its fragment
_TRIES = 3


class FragmentCache(Generic[F]):
    """The fragments of one entry point. `render` turns a post into one; `size` is the maximum number of fragments. `rules`: the
    version of the policy in force, because labels quote it."""

    def __init__(self, render: Callable[[Post], F], size: int = 20_000, rules: Callable[[], str] = lambda: "") -> None:
        self._render = render
        self._size = size
        self._rules = rules
        self._kept_for = (0, "")
        self._kept: OrderedDict[Key, F] = OrderedDict()

    async def gather(self, database: Database, entries: Sequence[Entry]) -> list[tuple[Entry, F, F | None]]:
        """Returns each entry with the fragment of the shown post and, for a boost, that of the boost.

        They come from memory or, with one statement, from the database. An entry is left out if a post of it was deleted or
        edited between the two statements.
        """
        found, missing = self._look_up(entries)
        if missing:
            async with database.read() as conn:
                posts = await list_posts_by_ids_unscoped(conn, missing)
            for post in posts.values():
                self.keep(post)
            found, _ = self._look_up(entries)
        return found

    async def gather_quotes(self, database: Database, quoting: Collection[int], viewer_id: int | None) -> Quotes[F]:
        """What the viewer gets of the posts that these posts quote."""
        if not quoting:
            return {}
        found = await self.gather_quotes_of_many(database, [(post_id, viewer_id) for post_id in quoting])
        return {post_id: quote for (post_id, _), quote in found.items()}

    async def gather_quotes_of_many(
        self, database: Database, wanted: Collection[tuple[int, int | None]]
    ) -> dict[tuple[int, int | None], tuple[QuoteFacts, F | None]]:
        """The same for pairs of a quoting post and a viewer: one statement and, for posts that are not in memory, another one.

        A post that was changed between the two is looked up again.
        """
        for _ in range(_TRIES):
            async with database.read() as conn:
                facts = await list_quote_facts(conn, wanted)
                kept = self._kept_today()
                shown = [one for one in facts.values() if one.quoted_id]
                missing = {one.key[0] for one in shown if one.key not in kept}
                if missing:
                    for post in (await list_posts_by_ids_unscoped(conn, sorted(missing))).values():
                        self.keep(post)
            if all(one.key in kept for one in shown):
                return {pair: (one, kept[one.key] if one.quoted_id else None) for pair, one in facts.items()}
        return {pair: (QuoteFacts(pair[0], QuoteState.WITHHELD), None) for pair in facts}

    def _look_up(self, entries: Sequence[Entry]) -> tuple[list[tuple[Entry, F, F | None]], list[int]]:
        """(the entries whose fragments are in memory, with them; the ids of the posts without one)."""
        kept = self._kept_today()
        find, note_use = kept.get, kept.move_to_end
        found: list[tuple[Entry, F, F | None]] = []
        missing: list[int] = []
        for entry in entries:
            shown_key = entry[2:5]  # (shown_id, shown_version, shown_author_version): sliced, because this runs for each entry
            shown, boost = find(shown_key), None
            if shown is None:
                missing.append(shown_key[0])
            else:
                note_use(shown_key)
            if entry[0] != shown_key[0]:
                boost = find(entry.boost_key)
                if boost is None:
                    missing.append(entry[0])
                    continue
                note_use(entry.boost_key)
            if shown is not None:
                found.append((entry, shown, boost))
        return found, missing

    def _kept_today(self) -> OrderedDict[Key, F]:
        """The cache. It is emptied once a day, because signed URLs in it expire, and when new rules are in force."""
        wanted = int(clock.now().timestamp()) // 86400, self._rules()
        if wanted != self._kept_for:
            self._kept.clear()
            self._kept_for = wanted
        return self._kept

    def keep(self, post: Post) -> F:
        """Renders a post and stores it in the cache."""
        fragment = self._kept[fragment_key(post)] = self._render(post)
        if len(self._kept) > self._size:
            self._kept.popitem(last=False)
        return fragment
