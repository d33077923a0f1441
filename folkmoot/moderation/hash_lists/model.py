"""What a hash list is, and the normal form of its entries. No input or output.

An entry recognises one thing: a file by SHA-256, a picture by PDQ, a text by the SHA-256 of its plain words, or an address. Only
equal files, texts and addresses are exact matches; a picture always only resembles another.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit

import msgspec

from folkmoot.base import tokens
from folkmoot.moderation.detection.folding import EMOJI, unmask

MAX_NOTE = 200
MIN_WORDS = 4  # of a text; shorter ones are written by many people
MIN_LETTERS = 20
BITS = 256  # of PDQ
MIN_QUALITY = 50  # of 100; below, a picture has too few edges, and unlike pictures get like hashes
MAX_DISTANCE = 31  # bits between two versions of one picture, as the authors of PDQ recommend
_CHUNK_BITS = 16
_SIDE = 16  # rows and columns of the coefficients of a picture
_EVERY_SECOND_COLUMN, _EVERY_SECOND_ROW = int("5555" * _SIDE, 16), int("0000ffff" * (_SIDE // 2), 16)
_HEX = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_HOST = re.compile(r"(?=.{4,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
_BARE = re.compile(r"(?<![\w@./-])(?:[a-z0-9-]{1,63}\.)+[a-z]{2,24}(?:/[^\s<>\"']*)?")
_WORD = re.compile(r"[^\W_]+")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


class Kind(StrEnum):
    """Stored."""

    FILE = "file"
    PICTURE = "picture"
    TEXT = "text"
    ADDRESS = "address"


class Effect(StrEnum):
    """What an exact match does. Stored. Similar pictures are always only reported to moderators."""

    HOLD = "hold"  # the post is seen by nobody until a moderator has decided
    SIGNAL = "signal"


class HashList(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    effect: Effect
    about: str
    created_at: datetime


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """`value` is in normal form; `clause` is a key."""

    list: str
    kind: Kind
    value: str
    clause: str
    note: str = ""
    added_by_id: int | None = None
    added_at: datetime


class Sought(msgspec.Struct, frozen=True):
    """What is looked up for one post or profile. `pictures`: PDQ hashes of sufficient quality."""

    files: tuple[str, ...] = ()
    pictures: tuple[int, ...] = ()
    texts: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()

    def exact(self) -> list[tuple[Kind, str]]:
        return [
            *((Kind.FILE, value) for value in self.files), *((Kind.TEXT, value) for value in self.texts),
            *((Kind.ADDRESS, value) for value in self.addresses),
        ]


class Match(msgspec.Struct, frozen=True):
    """An entry that was met. `distance`: bits in which a picture differs; None for an exact match."""

    entry: Entry
    effect: Effect
    distance: int | None = None

    @property
    def is_holding(self) -> bool:
        return self.distance is None and self.effect is Effect.HOLD


def is_list_name(name: str) -> bool:
    return bool(_NAME.fullmatch(name))


def normal_value(kind: Kind, written: str) -> str | None:
    """The normal form of what somebody wrote or another list names; None if it is nothing of that kind.

    For a text it is either the hash or the text itself.
    """
    value = written.strip()
    if kind is Kind.ADDRESS:
        return normal_address(re.sub(r"^\*?\.", "", value))  # a domain covers all below it
    if _HEX.fullmatch(value.lower()):
        return value.lower()
    return text_key(value) if kind is Kind.TEXT else None


def text_key(text: str) -> str | None:
    """The hash of a text in plain words, with its addresses; None for a text that is too short to be recognised by.

    Case, diacritics, spacing, punctuation, disguises and mentioned names make no difference; another link does.
    """
    words = _WORD.findall(unmask(text).text)
    if len(words) < MIN_WORDS or sum(map(len, words)) < MIN_LETTERS:
        return None
    links = sorted(filter(None, (normal_address(link) for link in _links_of(text))))
    return hashlib.sha256("\n".join([" ".join(words), *links]).encode()).hexdigest()


def text_keys(text: str) -> list[str]:
    """The hashes under which a text is looked up: as it stands, and without emoji, which anybody can add. An entry keeps its own: a knife
    can make the difference."""
    ways = [text, EMOJI.sub(" ", text)] if EMOJI.search(text) else [text]
    return [key for way in ways if (key := text_key(way))]


def addresses_of(text: str) -> set[str]:
    """The addresses in a text, in normal form, also those that are written without a scheme and are no links here."""
    return set(filter(None, (normal_address(address) for address in (*_links_of(text), *_BARE.findall(text.lower())))))


def _links_of(text: str) -> Iterator[str]:
    return (token.name for token in tokens.tokens_of(text) if token.kind is tokens.Kind.URL)


def normal_address(written: str) -> str | None:
    """`example.org`, or `example.org/path?query`: without scheme, port, `www.`, fragment and a slash at the end."""
    try:
        parts = urlsplit(written if _SCHEME.match(written) else f"https://{written}")
        host = (parts.hostname or "").rstrip(".").encode("idna").decode().lower().removeprefix("www.")
    except (UnicodeError, ValueError):
        return None
    if not _HOST.fullmatch(host):
        return None
    path = parts.path.rstrip("/") + (f"?{parts.query}" if parts.query else "")
    return host + path


def wider_addresses(address: str) -> Iterator[str]:
    """The addresses of an entry that covers this one: itself, without its query, and its domain with those above it."""
    yield address
    path = address.partition("?")[0].rstrip("/")
    if path != address:
        yield path
    labels = path.partition("/")[0].split(".")
    for start in range(len(labels) - 1):
        if (host := ".".join(labels[start:])) not in (address, path):
            yield host


def chunks_of(value: int) -> list[int]:
    """The sixteen parts of a hash, each with its place, as keys of an index."""
    return [place << _CHUNK_BITS | value >> place * _CHUNK_BITS & 0xFFFF for place in range(BITS // _CHUNK_BITS)]


def near_chunks(value: int) -> list[int]:
    """The parts of a hash, and those that differ in one bit: two hashes that differ in at most 31 bits share one of them, because
    31 differences in 16 parts leave one with fewer than two."""
    return [key ^ change for key in chunks_of(value) for change in (0, *(1 << bit for bit in range(_CHUNK_BITS)))]


def turned(value: int) -> tuple[int, ...]:
    """The hash of a picture, and those of its mirror image and of both turned by quarters (decision 0138).

    A mirror image changes the sign of every second column or row of coefficients, and a quarter turn exchanges columns and rows as
    well. A bit says whether a coefficient is above the median, which is near zero; so of hashes that are derived from hashes, up to 30
    bits differ.
    """
    bits = f"{value:0{BITS}b}"
    exchanged = int("".join(bits[place::_SIDE] for place in range(_SIDE)), 2)
    signs = (0, _EVERY_SECOND_COLUMN, _EVERY_SECOND_ROW, _EVERY_SECOND_COLUMN ^ _EVERY_SECOND_ROW)
    return tuple(way ^ changed for way in (value, exchanged) for changed in signs)


def widened(addresses: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(wider for address in addresses for wider in wider_addresses(address)))
