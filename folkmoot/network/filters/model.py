"""Filters with their keywords and posts, and what a post is matched by. No input or output."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

import msgspec

from folkmoot.network.posts.model import Post

LONGEST_TITLE = 256  # characters, as people count them
LONGEST_KEYWORD = 256
MOST_FILTERS = 100
MOST_KEYWORDS = 500  # of all filters of a member together
MOST_LETTERS = 10_000  # in all keywords of a member together: they are searched for in every post
MOST_POSTS = 500  # of all filters of a member together
LONGEST_EXPIRY = 10 * 365 * 86400  # seconds
_SEPARATOR = "\x02"
KEPT_AFTER_EXPIRY = timedelta(days=30)  # so that a filter can be renewed


class FilterContext(StrEnum):
    """Where a filter applies. Stored."""

    HOME = "home"  # also lists
    NOTIFICATIONS = "notifications"
    PUBLIC = "public"  # explore, hashtags
    THREAD = "thread"
    ACCOUNT = "account"  # profiles


class FilterAction(StrEnum):
    """What happens to a post that matches. Stored."""

    WARN = "warn"  # folded behind the title of the filter
    HIDE = "hide"
    BLUR = "blur"  # only the pictures are covered


class Keyword(msgspec.Struct, frozen=True, kw_only=True):
    """A word or phrase as the member wrote it."""

    id: int
    text: str
    is_whole_word: bool = True


class FilteredPost(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    post_id: int


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    title: str
    contexts: tuple[FilterContext, ...]
    action: FilterAction = FilterAction.WARN
    expires_at: datetime | None = None
    keywords: tuple[Keyword, ...] = ()
    posts: tuple[FilteredPost, ...] = ()

    def is_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now


class KeywordDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A new keyword, or with `id` a change of one; None leaves a value."""

    id: int | None = None
    text: str | None = None
    is_whole_word: bool | None = None
    is_removed: bool = False


class FilterDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A new filter, or a change of one; None leaves a value. `expires_in`: seconds from now, UNSET leaves it, None means never."""

    title: str | None = None
    contexts: Sequence[str] | None = None
    action: FilterAction | None = None
    expires_in: int | msgspec.UnsetType | None = msgspec.UNSET
    keywords: tuple[KeywordDraft, ...] = ()


class Matter(NamedTuple):
    """What filters are matched with: the texts of a post that people read. `version` is that of the post."""

    post_id: int
    version: int
    text: str


def matter_of(post: Post) -> Matter:
    """Text, cover, answers of the poll and descriptions of pictures, apart from each other: no keyword contains the separator."""
    titles = post.poll.titles if post.poll else ()
    parts = (post.cover, post.text, *titles, *(picture.description for picture in post.pictures))
    return Matter(post.id, post.version, _SEPARATOR.join(filter(None, parts)))


class Match(NamedTuple):
    """A filter that applies to a post. `keywords` as the member wrote them; `post_ids`: the filtered post or boost itself."""

    filter: Filter
    keywords: tuple[str, ...]
    post_ids: tuple[int, ...]


TOPICS = "filters"  # the family of live topics, one for each account


def topic(account_id: int) -> str:
    """The live topic of changes of a member's filters; the message is their new version."""
    return f"{TOPICS}:{account_id}"
