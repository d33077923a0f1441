"""What a rule needs of the text itself: its words, the hosts that it links to, and a hash of it. No input or output."""

import hashlib
import re
from collections.abc import Iterable
from datetime import datetime

import msgspec

from folkmoot.base import ids, tokens
from folkmoot.moderation.detection.model import ExaminedText
from folkmoot.moderation.hash_lists.model import MIN_LETTERS, MIN_WORDS, normal_address
from folkmoot.moderation.rules.phrases import words_of

_BARE = re.compile(r"(?<![\w@./-])www\.[^\s<>\"']+", re.IGNORECASE)


class Material(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a post. `text_key` None: too short to be recognised by. `addresses` and `hosts` without those of this
    network, whose links are no sign of anything."""

    text: ExaminedText
    at: datetime
    words: tuple[str, ...]
    text_key: int | None
    addresses: tuple[str, ...]
    hosts: tuple[str, ...]

    @property
    def post_id(self) -> int:
        return self.text.subject_id

    @property
    def until(self) -> int:
        """Posts with ids up to this one are earlier than this version."""
        return ids.first_id(self.at) if self.text.edited_at else self.post_id


def material_of(text: ExaminedText, own_host: str) -> Material:
    """`own_host`: that of this network."""
    words = words_of(text.text)
    addresses = sorted(one for one in _addresses(text.text) if _host(one) != own_host)
    return Material(
        text=text, at=text.edited_at or ids.time_of(text.subject_id), words=tuple(words), text_key=_key(words, addresses),
        addresses=tuple(addresses), hosts=tuple(sorted({_host(one) for one in addresses})),
    )


def _addresses(text: str) -> set[str]:
    """Links, and what begins with `www.`. Names without either are too often a missing space after a full stop."""
    written: Iterable[str] = (token.name for token in tokens.tokens_of(text) if token.kind is tokens.Kind.URL)
    return set(filter(None, map(normal_address, (*written, *_BARE.findall(text)))))


def _host(address: str) -> str:
    return address.partition("/")[0].partition("?")[0]


def _key(words: list[str], addresses: list[str]) -> int | None:
    """64 bits of a hash of the plain words and the links, as a signed number; None for what many people write alike."""
    if len(words) < MIN_WORDS or sum(map(len, words)) < MIN_LETTERS:
        return None
    digest = hashlib.sha256("\n".join([" ".join(words), *addresses]).encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
