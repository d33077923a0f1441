"""What is found. No input or output."""

import msgspec


class Hashtag(msgspec.Struct, frozen=True):
    """`name` as somebody first wrote it, `key` what all its spellings have in common."""

    key: str
    name: str
