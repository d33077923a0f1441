"""Reads the addresses that a notice names: which ones are of this network, and of what. No input or output.

People send addresses in many forms: from the browser, from an app, of a picture, without `https://`, made harmless
(`hxxps://moot[.]net`), and inside the link of a mail filter.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from folkmoot.base.ids import parse_id
from folkmoot.moderation.notices.model import LONGEST_ADDRESS

_DOT = r"(?:\.|\[\.\]|\(\.\)|\{\.\}|\[dot\]|\(dot\))"
_HOST = rf"(?:[a-z0-9-]{{1,63}}{_DOT}){{1,8}}[a-z]{{2,24}}(?::[0-9]{{1,5}})?"
_REST = r"[^\s<>\"'`|\\]"
_URL = re.compile(
    rf"(?:https?|hxxps?)(?:\[?:\]?//|\[://\]){_REST}{{3,2000}}"
    rf"|(?<![\w.@/:-]){_HOST}/(?:@|posts/|users/|statuses/|media/){_REST}{{1,2000}}",  # bare, with a path as here
    re.IGNORECASE,
)
_BARE = re.compile(rf"{_HOST}/", re.IGNORECASE)
_INSIDE = re.compile(r"(?<=.)https?://[^&;]{3,2000}", re.IGNORECASE)
_TRAILING = ".,:;!?)]}>*_“”„‚‘’«»‹›"
_APP = re.compile(r"^/(?:web|deck)(?=/)", re.IGNORECASE)  # what Mastodon's own page puts before a path
_POST = re.compile(
    r"(?:/(?:posts|statuses|api/v1/statuses)|/@[^/]{1,300}|/users/[^/]{1,300}/statuses)/([0-9]{1,19})(?:/|$)", re.IGNORECASE
)
_ACCOUNT = re.compile(
    r"/(?:@|users/)([a-z0-9_]{1,64})(?:@([a-z0-9.:-]{1,255}))?"
    r"(?:/(?:with_replies|media|followers|following|recommended|tagged/[^/]{1,300}))?", re.IGNORECASE
)
_PICTURE = re.compile(r"/media/([A-Za-z0-9_-]{8,100})(?:\.small)?\.[a-z]{2,5}")


class Named(NamedTuple):
    """What an address of this network names: a post, an account or a picture; nothing if it is another page."""

    post_id: int | None = None
    username: str = ""
    picture_key: str = ""


class OwnAddresses:
    """The addresses of this network: its own, earlier names, and that of its pictures."""

    def __init__(self, urls: Iterable[str]) -> None:
        self._hosts = {urlsplit(url).netloc.lower() for url in urls if url}

    def read(self, address: str) -> Named | None:
        """None for an address elsewhere."""
        try:
            parts = urlsplit(refanged(address))
            host = parts.netloc.lower().rpartition("@")[2]
        except ValueError:
            return None
        if parts.scheme not in ("http", "https") or not self._has(host):
            return None
        path = _APP.sub("", re.sub(r"/{2,}", "/", unquote(parts.path)).rstrip("/"))
        if found := _POST.match(path):
            return Named(post_id=parse_id(found[1]))
        if found := _PICTURE.fullmatch(path):
            return Named(picture_key=found[1])
        if (found := _ACCOUNT.fullmatch(path)) and (found[2] is None or self._has(found[2].lower())):
            return Named(username=found[1])
        return Named()

    def _has(self, host: str) -> bool:
        return _plain(host) in map(_plain, self._hosts)

    def is_own(self, address: str) -> bool:
        return self.read(address) is not None


def refanged(address: str) -> str:
    """An address that was made harmless for mail, or written without `https://`, as it was."""
    address = re.sub(_DOT, ".", address.strip(), flags=re.IGNORECASE).replace("[://]", "://").replace("[:]", ":")
    bare = "https://" if _BARE.match(address) else ""
    return bare + re.sub(r"^hxxp", "http", address, flags=re.IGNORECASE)[:LONGEST_ADDRESS - len(bare)]


def addresses_in(text: str) -> list[str]:
    """The URLs in a text, each once, in order; after the link of a mail filter the one inside it. Linear in the length of the text."""
    found: dict[str, None] = {}
    for match in _URL.finditer(text):
        address = match[0].rstrip(_TRAILING)
        found |= dict.fromkeys([address, *(inner[0].rstrip(_TRAILING) for inner in _INSIDE.finditer(unquote(address)))])
    return list(found)


def _plain(host: str) -> str:
    """Without the port that goes without saying, and the dot of a complete name."""
    return host.removesuffix(":443").removesuffix(":80").removesuffix(".")
