"""The card of a post: what the page behind its link says about itself. No input or output. `network/cards` makes it."""

from datetime import datetime

import msgspec

from folkmoot.network.accounts.model import Account


class CardPicture(msgspec.Struct, frozen=True, kw_only=True):
    """Our small copy of the picture of a linked page."""

    key: str
    mime: str
    description: str
    blurhash: str
    width: int
    height: int


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What a linked page says about itself: plain texts. `url` is the address in the post, whatever the page says."""

    id: int
    url: str
    title: str
    description: str
    author_name: str
    author_url: str
    provider_name: str
    published_at: datetime | None
    language: str | None
    picture: CardPicture | None
    creator: Account | None = None  # the member whom the page names, and who lists its site

    @property
    def host(self) -> str:
        return self.url.partition("://")[2].partition("/")[0]
