"""A blocked network. No input or output."""

import msgspec

from folkmoot.base.events import Event

MOST_DOMAINS = 1000


class DomainBlocked(Event, frozen=True, kw_only=True):
    kind = "domain.blocked"
    account_id: int
    domain: str


class Connections(msgspec.Struct, frozen=True, kw_only=True):
    """What a block of a domain would end: follows of and by its accounts."""

    following: int
    followers: int
