"""The filters of one member, compiled: which of them apply to a post. A set is never changed; a change of filters is a new set."""

from collections.abc import Sequence

import msgspec

from folkmoot.base import clock
from folkmoot.network.filters.model import Filter, FilterAction, FilterContext, Match, Matter, matter_of
from folkmoot.network.filters.words import WordFinder, pattern, searched
from folkmoot.network.posts.model import PostView

_REMEMBERED = 100  # posts; clients read the same page again and again
_NOTHING: dict[int, list[str]] = {}


class FilterSet:
    """The member's own posts are never filtered. Expired filters do not apply, although they are in the set."""

    __slots__ = ("_filters", "_finder", "_owners", "_remembered", "_texts", "owner_id", "version")

    def __init__(self, owner_id: int, version: int, filters: Sequence[Filter]) -> None:
        self.owner_id = owner_id
        self.version = version
        self._filters = tuple(filters)
        keywords = [(place, keyword) for place, one in enumerate(filters) for keyword in one.keywords]
        self._finder = WordFinder([pattern(keyword.text, is_whole_word=keyword.is_whole_word) for _, keyword in keywords])
        self._owners = [place for place, _ in keywords]  # of each keyword: the place of its filter
        self._texts = [keyword.text for _, keyword in keywords]
        self._remembered: dict[tuple[int, int], dict[int, list[str]]] = {}

    def __bool__(self) -> bool:
        return bool(self._filters)

    @property
    def size(self) -> int:
        """An estimate of its memory, in nodes of the trie: a remembered post takes about as much as one."""
        return self._finder.size + len(self._filters) + _REMEMBERED

    def matches(self, matter: Matter, author_id: int, boost_id: int | None = None) -> list[Match]:
        """The filters that apply to a post, in whatever context. `boost_id`: the boost by which it is shown."""
        if author_id == self.owner_id:
            return []
        found = self._keywords_in(matter)
        shown_ids = (matter.post_id, boost_id)
        now = clock.now()
        matches = []
        for place, one in enumerate(self._filters):
            keywords = found.get(place, ())
            post_ids = tuple(post.post_id for post in one.posts if post.post_id in shown_ids)
            if (keywords or post_ids) and not one.is_expired(now):
                matches.append(Match(one, tuple(keywords), post_ids))
        return matches

    def hides_in(self, context: FilterContext) -> bool:
        """Whether a filter hides posts in this context."""
        now = clock.now()
        return any(one.action is FilterAction.HIDE and context in one.contexts and not one.is_expired(now) for one in self._filters)

    def hides(self, context: FilterContext, matter: Matter, author_id: int, boost_id: int | None = None) -> bool:
        """Whether a post is hidden in this context."""
        if not self.hides_in(context):
            return False
        matches = self.matches(matter, author_id, boost_id)
        return any(one.filter.action is FilterAction.HIDE and context in one.filter.contexts for one in matches)

    def _keywords_in(self, matter: Matter) -> dict[int, list[str]]:
        """By the place of the filter, the keywords that a text contains. Remembered, because a version of a post never changes."""
        key = matter.post_id, matter.version
        found = self._remembered.get(key)
        if found is None:
            found = {}
            for place in self._finder.find(searched(matter.text)):
                found.setdefault(self._owners[place], []).append(self._texts[place])
            if len(self._remembered) >= _REMEMBERED:
                self._remembered.clear()
            self._remembered[key] = found or _NOTHING
        return found


def is_hidden(filters: FilterSet | None, context: FilterContext, view: PostView | None) -> bool:
    """Whether filters hide a post in this context. Without filters, and what is about no post, is never hidden."""
    if not filters or view is None:
        return False
    return filters.hides(context, matter_of(view.shown), view.shown.author.id, view.post.id if view.boosted else None)


def apply_filters(filters: FilterSet | None, context: FilterContext, views: Sequence[PostView]) -> list[PostView]:
    """The posts of a page in this context: without hidden ones; others say which filters fold them or cover their pictures."""
    if not filters:
        return list(views)
    return [shown for view in views if (shown := _filtered(filters, context, view)) is not None]


def _filtered(filters: FilterSet, context: FilterContext, view: PostView) -> PostView | None:
    matches = filters.matches(matter_of(view.shown), view.shown.author.id, view.post.id if view.boosted else None)
    titles = {
        action: tuple(one.filter.title for one in matches if one.filter.action is action and context in one.filter.contexts)
        for action in FilterAction
    }
    if titles[FilterAction.HIDE]:
        return None
    view = _with_filtered_quote(filters, context, view)
    if not any(titles.values()):
        return view
    return msgspec.structs.replace(view, filtered=titles[FilterAction.WARN], blurred=titles[FilterAction.BLUR])


def _with_filtered_quote(filters: FilterSet, context: FilterContext, view: PostView) -> PostView:
    """A quoted post to which any filter applies is folded, whatever that filter does; the post that quotes it stays."""
    quoted = view.quote.view if view.quote else None
    if view.quote is None or quoted is None:
        return view
    matches = filters.matches(matter_of(quoted.post), quoted.post.author.id, None)
    titles = tuple(one.filter.title for one in matches if context in one.filter.contexts)
    if not titles:
        return view
    quote = msgspec.structs.replace(view.quote, view=msgspec.structs.replace(quoted, filtered=titles))
    return msgspec.structs.replace(view, quote=quote)
