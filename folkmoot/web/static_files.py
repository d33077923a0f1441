"""Style sheet, script, fonts and icons: read and compressed once, cached by browsers until their content changes.

The style sheet is written in parts, `static/style/*.css`, and served as one file.
"""

import gzip
import hashlib
import mimetypes
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import NamedTuple

from folkmoot.base.errors import NotFound
from folkmoot.http.replies import Reply

_TYPES = {".woff2": "font/woff2", ".webmanifest": "application/manifest+json", ".js": "text/javascript; charset=utf-8"}
_COMPRESSED = (".css", ".js", ".svg", ".txt")


class _File(NamedTuple):
    """`packed`: with gzip; empty if that saves little. `url` has the hash of the content."""

    plain: bytes
    packed: bytes
    kind: bytes
    url: str


class StaticFiles:
    """The files of `web/static`."""

    def __init__(self) -> None:
        self._files = _read_all()

    def url(self, name: str) -> str:
        """The address, with the hash of the content, so that browsers may cache it forever."""
        return self._files[name].url

    def content(self, name: str) -> bytes:
        return self._files[name].plain

    def standalone(self) -> dict[str, bytes]:
        """The style sheet, its fonts and the icon by name, with relative addresses: for pages outside of this network."""
        fonts = {name: file.plain for name, file in self._files.items() if name.endswith(".woff2")}
        style = re.sub(r'url\("/static/([^"?]+)\?\w+"\)', r'url("\1")', self.content("style.css").decode())
        return {"style.css": style.encode(), "favicon.svg": self.content("favicon.svg"), **fonts}

    def reply(self, name: str, *, takes_gzip: bool) -> Reply:
        if name not in self._files:
            raise NotFound
        plain, packed, kind, _ = self._files[name]
        headers = [
            (b"cache-control", b"public, max-age=31536000, immutable"), (b"access-control-allow-origin", b"*"),
            (b"vary", b"Accept-Encoding"),
        ]
        if packed and takes_gzip:
            return Reply(packed, media_type=kind, headers=[*headers, (b"content-encoding", b"gzip")])
        return Reply(plain, media_type=kind, headers=headers)


@cache
def _read_all() -> Mapping[str, _File]:
    """By name. Read once in a process."""
    folder = files("folkmoot").joinpath("web", "static")
    found = dict(_read(folder, ""))
    style = "".join(part.read_text("utf-8") for part in sorted(folder.joinpath("style").iterdir(), key=lambda part: part.name))
    for name, file in found.items():  # its fonts get the address with the hash, which pages preload
        if name.endswith(".woff2"):
            style = style.replace(f'url("{name}")', f'url("{file.url}")')
    return {**found, "style.css": _packed("style.css", style.encode(), b"text/css; charset=utf-8")}


def _read(folder: Traversable, prefix: str) -> Iterator[tuple[str, _File]]:
    for entry in folder.iterdir():
        name = prefix + entry.name
        if entry.is_dir():
            if entry.name != "style":
                yield from _read(entry, f"{name}/")
            continue
        ending = "." + entry.name.rpartition(".")[2]
        kind = _TYPES.get(ending) or mimetypes.guess_type(entry.name)[0] or "application/octet-stream"
        yield name, _packed(name, entry.read_bytes(), kind.encode())


def _packed(name: str, content: bytes, kind: bytes) -> _File:
    packed = gzip.compress(content, 9, mtime=0) if name.endswith(_COMPRESSED) else b""
    return _File(content, packed, kind, f"/static/{name}?{hashlib.sha256(content).hexdigest()[:10]}")
