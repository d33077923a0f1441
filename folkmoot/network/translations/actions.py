"""Translating posts. Only public and unlisted posts leave this network, and only while the operator has chosen a service.

Translations are remembered in memory, by version and language: nothing of a deleted post stays behind.
"""

from collections import OrderedDict

from folkmoot.base import clock, formatting
from folkmoot.base.errors import Forbidden, NotFound
from folkmoot.base.handles import local_handle
from folkmoot.base.text import clean, clean_line
from folkmoot.network.posts.model import Post
from folkmoot.network.translations.model import Languages, Translation
from folkmoot.network.translations.policy import may_leave, short
from folkmoot.network.translations.service import Service

_REMEMBERED = 1000  # translations
_LANGUAGES_FOR = 3600.0  # seconds


class Translations:
    """Of one process. Without a service every method raises NotFound or answers that nothing is translated."""

    def __init__(self, service: Service | None, base_url: str) -> None:
        self._service, self._base_url = service, base_url
        self._found: OrderedDict[tuple[int, int, str], Translation] = OrderedDict()
        self._languages: tuple[float, Languages] | None = None

    @property
    def is_enabled(self) -> bool:
        return self._service is not None

    async def languages(self) -> Languages:
        """Asked at most once an hour. Raises ServiceFailed."""
        if self._service is None:
            return {}
        if self._languages is None or clock.monotonic() - self._languages[0] > _LANGUAGES_FOR:
            self._languages = clock.monotonic(), await self._service.languages()
        return self._languages[1]

    async def translate(self, post: Post, language: str) -> Translation:
        """The post, which the caller may see, in another language. Raises NotFound if it cannot be translated so, Forbidden for a post
        that not everybody may see, ServiceFailed."""
        if self._service is None:
            raise NotFound
        if not may_leave(post):
            raise Forbidden
        key = (post.id, post.version, short(language))
        if found := self._found.get(key):
            self._found.move_to_end(key)
            return found
        source = short(post.language or "")
        if short(language) not in (await self.languages()).get(source, ()):
            raise NotFound
        translation = await self._ask(self._service, post, source, short(language))
        self._found[key] = translation
        while len(self._found) > _REMEMBERED:
            self._found.popitem(last=False)
        return translation

    async def _ask(self, service: Service, post: Post, source: str, language: str) -> Translation:
        titles, descriptions = post.poll.titles if post.poll else (), tuple(picture.description for picture in post.pictures)
        texts = [post.text, post.cover, *titles, *descriptions]
        asked = [text for text in texts if text.strip()]
        answers = iter(await service.translate(asked, source, language) if asked else [])
        text, cover, *others = [clean(next(answers)) if text.strip() else "" for text in texts]
        return Translation(
            html=self._rendered(post, text), cover=clean_line(cover), titles=tuple(map(clean_line, others[: len(titles)])),
            descriptions=tuple(others[len(titles) :]), source=source, language=language, provider=service.name,
        )

    def _rendered(self, post: Post, text: str) -> str:
        """The text with links, as ours: what the service answers is text, whatever it contains."""
        domain = self._base_url.partition("://")[2]
        known = {(one.username.lower(), one.domain): f"{self._base_url}/@{one.acct}" for one in post.mentions}
        return formatting.render(
            text, base_url=self._base_url, mention_url=lambda name, host: known.get(local_handle(name, host, domain))
        )
