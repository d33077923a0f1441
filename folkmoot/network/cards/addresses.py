"""Which address of a text gets a card, and how it is written: one spelling for the same page."""

from urllib.parse import quote, urlsplit, urlunsplit

from folkmoot.base.handles import domain_key, own_path
from folkmoot.base.http_client import Refused, check_url
from folkmoot.base.tokens import Kind, tokens_of
from folkmoot.network.cards.model import LONGEST_ADDRESS

_KEPT = "!$%&'()*+,/:;=?@[]~"  # what is not encoded again


def first_address(text: str, base_url: str) -> str | None:
    """The first address in a text that leads out of this network and can be fetched, as cards are found by it."""
    for token in tokens_of(text) if "://" in text else ():
        if token.kind is Kind.URL and own_path(token.name, base_url) is None and (address := normal_address(token.name)):
            return address
    return None


def host_of(address: str) -> str:
    """The host of an address, with a port that is not the usual one, as domains are compared."""
    return domain_key(urlsplit(address).netloc.rpartition("@")[2])


def normal_address(url: str) -> str | None:
    """The spelling by which a card is found: the host as DNS knows it, no fragment, nothing but ASCII. None for what cannot be
    fetched."""
    try:
        parts = urlsplit(url.strip())
        address = urlunsplit((parts.scheme, domain_key(parts.netloc), quote(parts.path or "/", _KEPT), quote(parts.query, _KEPT), ""))
        check_url(address)
    except (ValueError, Refused):
        return None
    return address if len(address) <= LONGEST_ADDRESS else None
