"""What a barrier is. No input or output.

An e-mail address is compared in a form that is the same for all addresses of one mailbox at usual providers: without dots and without
what follows a plus sign in the name. Only its SHA-256 is stored. Mastodon does the same, so that its hashes work here.
"""

import hashlib
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import msgspec

from folkmoot.base.errors import Forbidden

BARRIERS_TOPIC = "barriers"  # live topic: the network blocks have changed
LONGEST_COMMENT = 200
LONGEST_TIME = timedelta(days=366)
HISTORY = 7  # days
Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address


class Severity(StrEnum):
    """What cannot be done from an IP network, mildest first. Stored; the words of the client API."""

    APPROVAL = "sign_up_requires_approval"
    SIGN_UP = "sign_up_block"
    ACCESS = "no_access"


class EmailDomainBlock(msgspec.Struct, frozen=True, kw_only=True):
    """`refused`: (day, sign-ups that were refused because of it), the newest day first."""

    id: int
    domain: str
    created_at: datetime
    refused: Sequence[tuple[date, int]] = ()


class EmailBlock(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    email_hash: bytes
    created_at: datetime


class NetworkBlock(msgspec.Struct, frozen=True, kw_only=True):
    """`expires_at` None: until it is removed."""

    id: int
    network: Network
    severity: Severity
    comment: str
    created_at: datetime
    expires_at: datetime | None = None

    def is_in_force(self, now: datetime) -> bool:
        return self.expires_at is None or now < self.expires_at


class SignUpBarriers(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in the way of one sign-up."""

    domain_block_id: int | None
    is_email_barred: bool
    severity: Severity | None


class AddressBarred(Forbidden):
    """Requests come from an IP network that is kept out."""

    code = "address_barred"
    message = "This network does not answer your connection."


def canonical_hash(email_key: str) -> bytes:
    """`email_key`: the key of an address, from `sessions/addresses.py`."""
    name, _, host = email_key.rpartition("@")
    name = name.replace(".", "").partition("+")[0]
    return hashlib.sha256(f"{name}@{host}".encode()).digest()


def parents_of(host: str) -> list[str]:
    """The host and the domains above it: `a.b.cz`, `b.cz`, `cz`."""
    labels = host.split(".")
    return [".".join(labels[at:]) for at in range(len(labels))]


def read_address(text: str) -> Address | None:
    """None for what is no IP address. One of IPv4 inside IPv6 is read as IPv4."""
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


def read_network(text: str) -> Network | None:
    """An address stands for a network of one; None for what is neither."""
    try:
        return ip_network(text.strip(), strict=False)
    except ValueError:
        return None
