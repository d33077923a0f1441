"""What a timeline returns to a page. No input or output.

An entry names the shown post, the versions for which its cached fragment is valid, and the facts that depend on the
viewer or change often. With it a page is assembled from cached bytes, without reading any text.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import msgspec

from folkmoot.network.posts.model import Post

PUSH_AT_ONCE = 5_000  # followers reached by one statement
PUSH_AT_MOST = 50_000  # above that, readers pull
PUSH_AGAIN = 45_000  # back to pushing; lower, so that an author near the limit does not alternate
PUSH_BATCH = 1_000
KEPT_ENTRIES = 800  # of a warm home
REBUILT_ENTRIES = 400
Key = tuple[int, int, int]  # of a cached fragment
KEPT_DAYS = 14  # without a visit; then a home is deleted, and rebuilt when its owner returns


class Entry(NamedTuple):
    """One row of a timeline, as its statement returns it: the order of the fields is that of the columns."""

    id: int  # of the post in the list; of a boost, the boost's
    author_version: int  # of the author of the post or boost
    shown_id: int  # of the post whose text is shown
    shown_version: int
    shown_author_version: int
    replies: int
    boosts: int
    favourites: int
    quotes: int
    bits: int  # of posts.model.Mark, and MAY_QUOTE
    choices: Sequence[int] | None  # the viewer's votes in its poll
    is_visible: bool
    floor_id: int = 0  # of the stored home: below it, entries can be missing
    number: int = 0  # of the home among those that were read by the same statement

    @property
    def boost_key(self) -> Key:
        """The cache key of the boost's own small fragment."""
        return self.id, 0, self.author_version


class Timeline(msgspec.Struct, frozen=True):
    """A page of entries, newest first. `is_partial`: there is no warm home yet, so the page was pulled.

    `ids` are the ids of all rows of the page, including entries that are not shown (hidden, or boosted twice); paging uses
    them.
    """

    entries: list[Entry]
    ids: list[int]
    is_partial: bool = False


def fragment_key(post: Post) -> Key:
    """The cache key of a post's fragment; for a boost, the version is 0."""
    return post.id, 0 if post.boost_of_id else post.version, post.author.version


class Feed(StrEnum):
    """Lists of new posts that can be streamed."""

    HOME = "home"
    PUBLIC = "public"
    LOCAL = "local"
    HASHTAG = "hashtag"
    LIST = "list"


Stream = tuple[int | None, Feed, int]  # a reader (None: nobody is logged in), a feed, and the id of the list or 0


class StreamedPost(NamedTuple):
    """A post as it is sent to one listener; hashtags and pictures decide on which topics."""

    entry: Entry
    hashtags: tuple[str, ...]
    has_media: bool
    is_direct: bool


class NewPost(msgspec.Struct, frozen=True):
    """The live message of a new or edited post or boost: content and recipients are read from the database."""

    post_id: int


# Live topics; one `NewPost` per post, whatever the number of readers.
NEW_POSTS_TOPIC = "posts.new"
EDITED_POSTS_TOPIC = "posts.edited"
