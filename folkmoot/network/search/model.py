"""Search results. No input or output."""

import msgspec


class Hashtag(msgspec.Struct, frozen=True):
    """`name` is its first spelling, `key` is the same for all its spellings."""

    key: str
    name: str
