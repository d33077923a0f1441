"""What a timeline gives to a page. No input or output.

An entry names the post that is shown, the versions that make its rendered fragment valid, and what changes from
viewer to viewer and from second to second. With it a page is spliced from cached bytes, without reading any text.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from folkmoot.network.posts.model import Post

PUSH_AT_ONCE = 5_000  # followers reached by one statement
PUSH_AT_MOST = 50_000  # above that, readers pull
PUSH_BATCH = 1_000
PULLED_AUTHORS = 50  # at most, per reader
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
    """A page of entries, newest first. `is_partial`: the home is being built, and this was pulled meanwhile.

    `ids` are all that the page spans, also of entries that are not shown (hidden, or boosted twice): paging goes by them.
    """

    entries: list[Entry]
    ids: list[int]
    is_partial: bool = False


def fragment_key(post: Post) -> Key:
    """The key of a post's fragment; of a boost's, its version is 0."""
    return post.id, 0 if post.boost_of_id else post.version, post.author.version
