"""Fills the wire shape of preview cards: what a linked page says about itself."""

from urllib.parse import urlsplit

from folkmoot.api import status_shapes as shapes
from folkmoot.api.account_entities import AccountEntities
from folkmoot.api.words import moment
from folkmoot.network.posts.card import Card


class CardEntities(AccountEntities):
    """Creates the wire shapes of cards, with the URLs of this network."""

    def card(self, card: Card) -> shapes.PreviewCard:
        picture = card.picture
        parts = urlsplit(card.url)
        author = shapes.PreviewCardAuthor(
            name=card.author_name, url=card.author_url, account=self.account(card.creator) if card.creator else None
        )
        return shapes.PreviewCard(
            url=card.url, title=card.title, description=card.description, language=card.language, type="link",
            authors=[author] if author.name or author.url or author.account else [],
            author_name=card.author_name, author_url=card.author_url, provider_name=card.provider_name or card.host,
            provider_url=f"{parts.scheme}://{parts.netloc}", html="", width=picture.width if picture else 0,
            height=picture.height if picture else 0, image=self._urls.picture(picture.key, picture.mime) if picture else None,
            image_description=picture.description if picture else "", embed_url="", blurhash=picture.blurhash if picture else None,
            published_at=moment(card.published_at) if card.published_at else None,
        )
