"""A hashtag that a member follows. No input or output."""

import msgspec

MOST_FOLLOWED = 100  # a page of the home looks up the newest posts with each


class FollowedTag(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    key: str
    name: str
