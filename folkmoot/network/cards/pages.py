"""Reads what a page says about itself: the elements of its head (OpenGraph and older ones) and its oEmbed document.

Everything becomes plain text. Nothing here, and nobody who uses it, takes HTML from a page. `HTMLParser.close` is never called: it
would look again and again at what was never closed, for a time that grows with the square of the length.
"""

import re
from contextlib import suppress
from datetime import UTC, datetime
from html.parser import HTMLParser
from urllib.parse import urljoin

import msgspec

from folkmoot.base.http_client import Answer
from folkmoot.base.languages import language_of
from folkmoot.base.text import clean_line
from folkmoot.network.cards.addresses import host_of, normal_address
from folkmoot.network.cards.model import Preview

MOST_BYTES_OF_PAGE = 512 * 1024  # its head is at the beginning
_CHARSETS = re.compile(r"utf-?8|utf-?16(?:le|be)?|iso-?8859-?\d{1,2}|windows-?125\d|koi8-[ru]|shift[_-]jis|euc-(?:jp|kr)|iso-2022-jp"
                       r"|gb2312|gbk|gb18030|big5", re.IGNORECASE)
_NAMED_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([\w-]{3,20})", re.IGNORECASE)
_LONGEST_TITLE, _LONGEST_DESCRIPTION, _LONGEST_NAME = 300, 600, 100  # characters
_LONGEST_VALUE = 5000
_MOST_PARTS = 10_000  # elements and texts between them


class _Done(Exception):
    """The head has ended."""


class _Head(HTMLParser):
    """Collects the elements of a head. Of several with the same name the first one counts."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: dict[str, str] = {}
        self.title: str | None = None
        self.language = ""
        self.oembed_url = ""
        self._is_title = False
        self._seen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._count()
        if tag == "body":
            raise _Done
        found = {name: value or "" for name, value in attrs[:50]}
        if tag == "html":
            self.language = found.get("lang", "")
        elif tag == "title" and self.title is None:
            self._is_title, self.title = True, ""
        elif tag == "meta":
            name = (found.get("property") or found.get("name") or "").strip().lower()
            self.said.setdefault(name, found.get("content", "")[:_LONGEST_VALUE])
        elif tag == "link" and found.get("type", "").lower() == "application/json+oembed" and "alternate" in found.get("rel", "").lower():
            self.oembed_url = self.oembed_url or found.get("href", "")

    def _count(self) -> None:
        self._seen += 1
        if self._seen > _MOST_PARTS:
            raise _Done

    def handle_endtag(self, tag: str) -> None:
        if tag == "head":
            raise _Done
        if tag == "title":
            self._is_title = False

    def handle_data(self, data: str) -> None:
        self._count()
        if self._is_title:
            self.title = ((self.title or "") + data)[:_LONGEST_VALUE]


def preview_of(answer: Answer) -> Preview:
    """What a fetched page says about itself; without a title if it is no HTML page."""
    kind = answer.headers.get("content-type", "").lower()
    if answer.status != 200 or kind.partition(";")[0].strip() not in ("text/html", "application/xhtml+xml"):
        return Preview()
    head = _Head()
    with suppress(_Done):
        head.feed(_decoded(answer.body, kind))
    said = head.said

    def first(*names: str) -> str:
        return next((said[name] for name in names if said.get(name, "").strip()), "")

    author = first("author", "article:author", "og:article:author", "twitter:creator")
    is_address = author.startswith(("http://", "https://"))
    return Preview(
        title=_line(first("og:title", "twitter:title") or head.title or "", _LONGEST_TITLE),
        description=_line(first("og:description", "description", "twitter:description"), _LONGEST_DESCRIPTION),
        author_name="" if is_address else _line(author, _LONGEST_NAME),
        author_url=_address(author, answer.url) if is_address else "",
        provider_name=_line(first("og:site_name", "application-name"), _LONGEST_NAME),
        published_at=_moment(first("article:published_time", "og:article:published_time")),
        language=language_of(first("og:locale") or head.language),
        picture_url=_address(first("og:image:secure_url", "og:image", "og:image:url", "twitter:image"), answer.url),
        picture_description=_line(first("og:image:alt", "twitter:image:alt"), _LONGEST_DESCRIPTION),
        oembed_url=_address(head.oembed_url, answer.url),
        host=host_of(answer.url),
        creator=clean_line(first("fediverse:creator")),
    )


class _Document(msgspec.Struct, kw_only=True):
    """An oEmbed document (oembed.com). Its `html` is never read."""

    title: str = ""
    author_name: str = ""
    author_url: str = ""
    provider_name: str = ""
    thumbnail_url: str = ""


def completed(preview: Preview, answer: Answer) -> Preview:
    """The preview with what only the oEmbed document says. One that cannot be read says nothing."""
    try:
        found = msgspec.json.decode(answer.body, type=_Document) if answer.status == 200 else _Document()
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = _Document()
    has_author = preview.author_name or preview.author_url
    return msgspec.structs.replace(
        preview,
        title=preview.title or _line(found.title, _LONGEST_TITLE),
        author_name=preview.author_name if has_author else _line(found.author_name, _LONGEST_NAME),
        author_url=preview.author_url if has_author else _address(found.author_url, answer.url),
        provider_name=preview.provider_name or _line(found.provider_name, _LONGEST_NAME),
        picture_url=preview.picture_url or _address(found.thumbnail_url, answer.url),
    )


def _decoded(body: bytes, kind: str) -> str:
    """The text of a page, in the character set that it names; bytes that do not belong to it are replaced."""
    named = _NAMED_CHARSET.search(kind.encode()) or _NAMED_CHARSET.search(body[:2048])
    name = named[1].decode() if named else "utf-8"
    return body.decode(name if _CHARSETS.fullmatch(name) else "utf-8", errors="replace")


def _line(text: str, most: int) -> str:
    line = clean_line(text[:_LONGEST_VALUE])
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def _address(text: str, base: str) -> str:
    """An address that the page names, from where it stands; empty for one that nobody may fetch."""
    try:
        return normal_address(urljoin(base, text.strip())) or "" if text.strip() else ""
    except ValueError:
        return ""


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    return found if 1970 < found.year < 2200 else None
