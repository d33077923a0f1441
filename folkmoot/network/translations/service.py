"""Speaks with a service that understands the protocol of LibreTranslate, through the guarded fetcher."""

from typing import Any
from urllib.parse import urlsplit

import msgspec

from folkmoot.base.errors import Unavailable
from folkmoot.base.http_client import Connect, Resolve, send
from folkmoot.config import TranslationSettings
from folkmoot.network.translations.model import Languages, ServiceFailed

_MOST_GROWTH, _LEAST_LENGTH = 10, 1000  # a translation may be so many times longer, or so many characters long


class _Language(msgspec.Struct):
    code: str
    targets: list[str]


class _Detected(msgspec.Struct):
    language: str


class _Translated(msgspec.Struct):
    texts: list[str] = msgspec.field(name="translatedText")
    detected: list[_Detected] | _Detected | None = msgspec.field(name="detectedLanguage", default=None)


class Service:
    """One service. `resolve` and `connect` are for tests."""

    def __init__(self, settings: TranslationSettings, *, resolve: Resolve | None = None, connect: Connect | None = None) -> None:
        self._base, self._key, self._seconds = settings.url.rstrip("/"), settings.key, float(settings.seconds)
        self._resolve, self._connect = resolve, connect

    @property
    def name(self) -> str:
        """As readers see it."""
        return urlsplit(self._base).hostname or ""

    async def languages(self) -> Languages:
        """Raises ServiceFailed."""
        found = await self._ask("GET", "/languages", b"", list[_Language])
        return {one.code: [target for target in one.targets if target != one.code] for one in found}

    async def translate(self, texts: list[str], source: str, target: str) -> list[str]:
        """The texts in another language, in the same order. Raises ServiceFailed."""
        question: dict[str, Any] = {"q": texts, "source": source, "target": target, "format": "text"}
        if self._key:
            question["api_key"] = self._key
        answer: _Translated = await self._ask("POST", "/translate", msgspec.json.encode(question), _Translated)
        if len(answer.texts) != len(texts):
            raise ServiceFailed(log_text=f"{self._base} translated {len(answer.texts)} of {len(texts)} texts")
        if any(len(new) > max(_LEAST_LENGTH, _MOST_GROWTH * len(old)) for new, old in zip(answer.texts, texts, strict=True)):
            raise ServiceFailed(log_text=f"{self._base} answered with a text that is far too long")
        return answer.texts

    async def _ask(self, method: str, path: str, body: bytes, kind: Any) -> Any:
        headers = {"accept": "application/json", **({"content-type": "application/json"} if body else {})}
        try:
            answer = await send(
                method, self._base + path, headers=headers, body=body, seconds=self._seconds, resolve=self._resolve, connect=self._connect
            )
        except Unavailable as error:
            raise ServiceFailed(log_text=str(error)) from error
        if answer.status != 200:
            raise ServiceFailed(log_text=f"{self._base}{path} answered {answer.status}")
        try:
            return msgspec.json.decode(answer.body, type=kind)
        except msgspec.DecodeError as error:
            raise ServiceFailed(log_text=f"{self._base}{path}: {error}") from error
