"""What a page has shown to visitors without an account, so that one statement can tell whether it may be shown again.

Hiding, editing and restricting raise a version, so equal versions mean equal words. No input or output.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from folkmoot.network.accounts.model import Account
from folkmoot.network.posts.model import Post, PostCounts, PostView


class ShownPost(NamedTuple):
    """`version` is None for a boost, which has no words. `counted`: the sum of its counts."""

    id: int
    version: int | None
    author_version: int
    counted: int


class ShownAccount(NamedTuple):
    id: int
    version: int


class ShownQuote(NamedTuple):
    """A post that quotes another one, and the `QuoteState` in which visitors get that one."""

    post_id: int
    state: str


class Shown(msgspec.Struct, frozen=True):
    """The fields of ShownPost, ShownAccount and ShownQuote, each as a column. `kept_for`: seconds, after which the page is rendered
    again, whatever has changed."""

    columns: Sequence[Sequence[object]]
    has_quotes: bool
    kept_for: float

    @classmethod
    def of(cls, views: Iterable[PostView], accounts: Iterable[Account], kept_for: float) -> "Shown":
        """Of the posts of a page, as its statements returned them, and of the accounts on it that are not authors of these posts."""
        posts: list[ShownPost] = []
        quotes: list[ShownQuote] = []
        for view in views:
            if view.boosted:
                posts.append(ShownPost(view.post.id, None, view.post.author.version, 0))
            posts.append(_post(view.shown, view.counts))
            if view.quote:
                quotes.append(ShownQuote(view.shown.id, view.quote.state))
                posts += [_post(view.quote.view.post, view.quote.view.counts)] if view.quote.view else []
        people = [ShownAccount(one.id, one.version) for one in accounts]
        columns = [*_columns(posts, ShownPost), *_columns(people, ShownAccount), *_columns(quotes, ShownQuote)]
        return cls(columns, bool(quotes), kept_for)


def _columns(rows: Sequence[tuple[object, ...]], kind: type[NamedTuple]) -> list[list[object]]:
    return [[row[at] for row in rows] for at in range(len(kind._fields))]


def _post(post: Post, counts: PostCounts) -> ShownPost:
    counted = counts.replies + counts.boosts + counts.favourites + counts.quotes
    return ShownPost(post.id, post.version, post.author.version, counted)
