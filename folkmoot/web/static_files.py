"""Style sheet, script, fonts and icons: read and compressed once, cached by browsers until their content changes.

The style sheet is written in parts, `static/style/*.css`, and served as one file.
"""

import gzip
import hashlib
import mimetypes
import re
from importlib.resources import files
from importlib.resources.abc import Traversable

from folkmoot.base.errors import NotFound
from folkmoot.http.replies import Reply

_TYPES = {".woff2": "font/woff2", ".webmanifest": "application/manifest+json", ".js": "text/javascript; charset=utf-8"}
_COMPRESSED = (".css", ".js", ".svg", ".txt")


class StaticFiles:
    """The files of `web/static`."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[bytes, bytes, bytes]] = {}
        folder = files("folkmoot").joinpath("web", "static")
        self._read(folder, "")
        parts = sorted(folder.joinpath("style").iterdir(), key=lambda part: part.name)
        self._keep_style("".join(part.read_text("utf-8") for part in parts))

    def url(self, name: str) -> str:
        """The address, with the hash of the content, so that browsers may cache it forever."""
        return f"/static/{name}?{hashlib.sha256(self._files[name][0]).hexdigest()[:10]}"

    def content(self, name: str) -> bytes:
        return self._files[name][0]

    def standalone(self) -> dict[str, bytes]:
        """The style sheet, its fonts and the icon by name, with relative addresses: for pages outside of this network."""
        fonts = {name: content for name, (content, _, _) in self._files.items() if name.endswith(".woff2")}
        style = re.sub(r'url\("/static/([^"?]+)\?\w+"\)', r'url("\1")', self.content("style.css").decode())
        return {"style.css": style.encode(), "favicon.svg": self.content("favicon.svg"), **fonts}

    def reply(self, name: str, *, takes_gzip: bool) -> Reply:
        if name not in self._files:
            raise NotFound
        plain, packed, kind = self._files[name]
        headers = [
            (b"cache-control", b"public, max-age=31536000, immutable"), (b"access-control-allow-origin", b"*"),
            (b"vary", b"Accept-Encoding"),
        ]
        if packed and takes_gzip:
            return Reply(packed, media_type=kind, headers=[*headers, (b"content-encoding", b"gzip")])
        return Reply(plain, media_type=kind, headers=headers)

    def _read(self, folder: Traversable, prefix: str) -> None:
        for entry in folder.iterdir():
            if entry.is_dir():
                if entry.name != "style":
                    self._read(entry, f"{prefix}{entry.name}/")
                continue
            content = entry.read_bytes()
            ending = "." + entry.name.rpartition(".")[2]
            kind = _TYPES.get(ending) or mimetypes.guess_type(entry.name)[0] or "application/octet-stream"
            self._keep(prefix + entry.name, content, kind.encode())

    def _keep(self, name: str, content: bytes, kind: bytes) -> None:
        packed = gzip.compress(content, 9, mtime=0) if name.endswith(_COMPRESSED) else b""
        self._files[name] = content, packed, kind

    def _keep_style(self, style: str) -> None:
        """Stores the style sheet. Its fonts get the address with the hash, which pages preload."""
        for name in [name for name in self._files if name.endswith(".woff2")]:
            style = style.replace(f'url("{name}")', f'url("{self.url(name)}")')
        self._keep("style.css", style.encode(), b"text/css; charset=utf-8")
