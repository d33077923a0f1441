"""The page for a time in which no host of the network answers, and the service worker that shows it.

Browsers keep the page while all is well. `moot lifeboat` publishes it elsewhere, with a letter of the operator, as files
that need no server and no script.
"""

import base64
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

import msgspec

from folkmoot.base import i18n
from folkmoot.config import Settings
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.http.urls import Urls
from folkmoot.network.posts.model import PostView
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.names.letter import Letter
from folkmoot.portability.names.paths import known_names
from folkmoot.web.rendering import Templates
from folkmoot.web.request import Request
from folkmoot.web.static_files import StaticFiles

_WORKER = "service-worker.js"
_SCRIPT = "text/javascript; charset=utf-8"


async def unreachable(request: Request) -> Reply:
    """What a browser keeps for later. It contains nothing about the viewer but the language."""
    templates = request.shared.templates
    text = templates.render(
        request.language, "lifeboat/page.html", title=request.sentence("We cannot reach the network"),
        names=known_names(request.context.settings), letter=None, paragraphs=[], words_language="", asset=templates.static.url,
        is_published=False, has_archive=False, other_language="", archive=_archive(request.context.settings.names.lifeboat),
    )
    return request.html(text, 200, [(b"content-security-policy", request.shared.policy)])


async def service_worker(request: Request) -> Reply:
    """The script, with what it must know of this network. Browsers fetch it anew when it has changed."""
    settings, static = request.context.settings, request.shared.templates.static
    knows = {
        "files": [static.url(name) for name in static.standalone()],
        "authority": base64.b64encode(_authority(settings)).decode(), "lifeboat": _folder(settings.names.lifeboat),
        "domain": settings.domain,
    }
    script = f"const NETWORK = {msgspec.json.encode(knows).decode()};\n".encode() + static.content(_WORKER)
    origin = f" {_origin(settings.names.lifeboat)}" if settings.names.lifeboat else ""
    policy = f"default-src 'none'; connect-src 'self'{origin}; script-src 'self'; frame-ancestors 'none'".encode()
    headers = [(b"cache-control", b"no-cache"), (b"content-security-policy", policy)]
    return Reply(script, media_type=_SCRIPT.encode(), headers=headers)


def published_pages(settings: Settings, letter: Letter, *, has_archive: bool) -> dict[str, bytes]:
    """The files of the published page by name, in each language; `index.html` is in that of the network."""
    static, files = StaticFiles(), dict[str, bytes]()
    templates = Templates(settings, Urls(settings.base_url, settings.media.base_url, settings.secret), static)
    for language in i18n.LANGUAGES:
        words, words_language = letter.in_language(language)
        files[f"{language}.html"] = templates.render(
            language, "lifeboat/page.html", title=letter.network, names=letter.names, letter=letter, paragraphs=_paragraphs(words),
            words_language=words_language, asset=_beside, is_published=True, has_archive=has_archive, archive="",
            other_language=next(one for one in i18n.LANGUAGES if one != language),
        ).encode()
    return {**files, "index.html": files[f"{settings.network.language}.html"], **static.standalone()}


class Archive:
    """Renders pages of public posts."""

    def __init__(self, settings: Settings, names: Sequence[str], written_at: datetime) -> None:
        self._language, self._names, self._written_at = settings.network.language, names, written_at
        self._templates = Templates(settings, Urls(settings.base_url, settings.media.base_url, settings.secret), StaticFiles())

    def page(self, number: int, views: Sequence[PostView], *, has_older: bool) -> bytes:
        title = self._templates.translators[self._language].sentence("Public posts")
        return self._templates.render(
            self._language, "lifeboat/archive.html", title=title, names=self._names, views=views, written_at=self._written_at,
            asset=lambda name: f"../{name}", newer=number - 1, older=number + 1 if has_older else 0,
        ).encode()


def _beside(name: str) -> str:
    """The address of a file that is published beside the page."""
    return name


def _paragraphs(words: str) -> list[str]:
    return [paragraph.strip() for paragraph in words.split("\n\n") if paragraph.strip()]


def _authority(settings: Settings) -> bytes:
    """The public key that must stand behind a letter; empty if the network has no recovery key yet."""
    from folkmoot.portability.backup_key import BackupKey

    key = BackupKey.find(DataDirectory(settings.data))
    return key.authority if key else b""


def _folder(url: str) -> str:
    """The address of the folder that contains the page."""
    return url if not url or url.endswith("/") else url.rpartition("/")[0] + "/" if url.endswith(".html") else url + "/"


def _archive(lifeboat: str) -> str:
    """Where the public posts are, if they are published."""
    return f"{_folder(lifeboat)}archive/1.html" if lifeboat else ""


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


ROUTES = [
    Route("GET", "/unreachable", unreachable, Access.PUBLIC, for_suspended=True),
    Route("GET", f"/{_WORKER}", service_worker, Access.PUBLIC, for_suspended=True),
]
