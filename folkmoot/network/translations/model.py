"""A translated post, and errors of the service. No input or output."""

from collections.abc import Mapping, Sequence

import msgspec

from folkmoot.base.errors import Unavailable

Languages = Mapping[str, Sequence[str]]  # for each language, into which others it is translated


class ServiceFailed(Unavailable):
    """The service did not answer, or not as its protocol says."""

    message = "The translation service does not answer. Please try again later."


class Translation(msgspec.Struct, frozen=True, kw_only=True):
    """What a post says in another language. `html` is rendered by us, from plain text."""

    html: str
    cover: str
    titles: tuple[str, ...]  # of the answers of its poll
    descriptions: tuple[str, ...]  # of its pictures
    source: str
    language: str
    provider: str
