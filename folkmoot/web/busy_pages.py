"""The page that people get while a process is overloaded (`http/overload.py`): rendered at the start, so that it costs only its bytes.

It is the same for everybody in one language, and loads only the style sheet and the icon, which are served all the time.
"""

from typing import Any

from starlette.datastructures import Headers

from folkmoot.base import i18n
from folkmoot.base.errors import Overloaded
from folkmoot.http.problems import status_of
from folkmoot.http.replies import HTML, Reply
from folkmoot.web.page_context import PageContext
from folkmoot.web.security import cookies_of

_TEXT = b"text/plain; charset=utf-8"
_SAFE = ("GET", "HEAD")


class BusyPages:
    """The page in all languages, for what is read and for what is sent."""

    def __init__(self, shared: PageContext) -> None:
        self._language_cookie = shared.cookies.language
        self._default = shared.context.settings.network.language
        self._policy = shared.policy
        render = shared.templates.render
        self._pages = {
            (language, was_sent): render(language, "errors/busy.html", was_sent=was_sent).encode()
            for language in i18n.LANGUAGES for was_sent in (False, True)
        }
        self._sentences = {
            language: translator.sentence(Overloaded.message).encode() for language, translator in shared.templates.translators.items()
        }

    def reply(self, scope: Any, problem: Overloaded) -> Reply:
        """For our script, which shows it in its page, only the sentence."""
        headers = Headers(scope=scope)
        chosen = cookies_of(scope).get(self._language_cookie, "")
        language = chosen if chosen in i18n.LANGUAGES else i18n.choose(headers.get("accept-language", ""), self._default)
        more = [
            (b"retry-after", b"%d" % round(problem.retry_after)), (b"cache-control", b"no-store"),
            (b"vary", b"Cookie, Accept-Language"), (b"content-security-policy", self._policy),
        ]
        if headers.get("x-folkmoot-part") == "1":
            return Reply(self._sentences[language], status_of(problem), _TEXT, more)
        return Reply(self._pages[language, scope["method"] not in _SAFE], status_of(problem), HTML, more)
