"""What a timeline gives to a page. No input or output.

An entry names the post that is shown, the versions that make its rendered fragment valid, and what changes from
viewer to viewer and from second to second. With it a page is spliced from cached bytes, without reading any text.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import msgspec

from folkmoot.network.posts.model import Post

PUSH_AT_ONCE = 5_000  # followers reached by one statement
PUSH_AT_MOST = 50_000  # above that, readers pull
PUSH_AGAIN = 45_000  # back to pushing, so that an author at the edge does not go to and fro
PUSH_BATCH = 1_000
KEPT_ENTRIES = 800  # of a home that is kept warm
REBUILT_ENTRIES = 400
Key = tuple[int, int, int]  # under what a fragment is cached
KEPT_DAYS = 14  # without a visit; then a home is dropped, and rebuilt when its owner returns


class Entry(NamedTuple):
    """One row of a timeline, as its statement returns it: the order of the fields is that of the columns."""

    id: int  # of the post in the list; of a boost, the boost's
    author_version: int  # of who wrote it or boosted
    shown_id: int  # of the post whose words are shown
    shown_version: int
    shown_author_version: int
    replies: int
    boosts: int
    favourites: int
    bits: int  # of posts.model.Mark
    choices: Sequence[int] | None  # the viewer's votes in its poll
    is_visible: bool

    @property
    def is_boost(self) -> bool:
        return self.id != self.shown_id

    @property
    def shown_key(self) -> Key:
        """Under what the fragment of the shown post is cached."""
        return self[2:5]

    @property
    def boost_key(self) -> Key:
        """Under what the boost's own small fragment is cached."""
        return self.id, 0, self.author_version


class Timeline(msgspec.Struct, frozen=True):
    """A page of entries, newest first. `is_partial`: there is no kept home yet, and this was pulled meanwhile.

    `ids` are all that the page spans, also of entries that are not shown (hidden, or boosted twice): paging goes by them.
    """

    entries: list[Entry]
    ids: list[int]
    is_partial: bool = False


def fragment_key(post: Post) -> Key:
    """The key of a post's fragment; of a boost's, its version is 0."""
    return post.id, 0 if post.boost_of_id else post.version, post.author.version


class Feed(StrEnum):
    """Lists of new posts that one can listen to."""

    HOME = "home"
    PUBLIC = "public"
    LOCAL = "local"
    HASHTAG = "hashtag"
    DIRECT = "direct"


class HeardPost(NamedTuple):
    """A new post as a listener hears of it."""

    id: int
    hashtags: tuple[str, ...]


class NewPost(msgspec.Struct, frozen=True):
    """The live message of a new post or boost: what it is and who may know are asked in the database."""

    post_id: int


NEW_POSTS_TOPIC = "posts.new"  # live: a `NewPost`, once per post, whatever the number of readers
