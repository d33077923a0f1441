"""A hashtag on a profile. No input or output."""

from datetime import datetime

import msgspec

MOST_FEATURED = 10


class Featured(msgspec.Struct, frozen=True, kw_only=True):
    """`posts` and `last_post_at`: of the member's newest open posts with the hashtag."""

    id: int
    key: str
    name: str
    posts: int = 0
    last_post_at: datetime | None = None
