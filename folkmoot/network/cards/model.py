"""What a page says about itself, and the job that fetches it. No input or output. The card that a post shows is a part of the post:
`posts/card.py`."""

from datetime import datetime, timedelta

import msgspec

FETCH_JOB = "cards.fetch"
FETCHED_AGAIN_AFTER = timedelta(days=1)
LONGEST_ADDRESS = 2000


class FetchCard(msgspec.Struct, frozen=True):
    """The payload of the job."""

    card_id: int


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What a page says about itself: plain texts, cleaned and shortened. The addresses are http or https, or empty."""

    title: str = ""
    description: str = ""
    author_name: str = ""
    author_url: str = ""
    provider_name: str = ""
    published_at: datetime | None = None
    language: str | None = None
    picture_url: str = ""
    picture_description: str = ""
    oembed_url: str = ""
    host: str = ""  # of the page that was read, after all redirects
    creator: str = ""  # the handle that it names as its author (`fediverse:creator`)


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """An address that is known already."""

    id: int
    is_found: bool
    fetched_at: datetime | None
