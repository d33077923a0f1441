"""What a contact is. No input or output.

A contact is verified by a signature with its key, or by confirming a mail address that is registered for it.
"""

import base64
import binascii
from datetime import datetime
from enum import StrEnum

import msgspec

from folkmoot.network.sessions.addresses import email_key

LONGEST_NAME = 200
MOST_SENDERS = 20
STATES = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()  # of the EU, as in Eurostat's glossary
OPEN_DOMAINS = frozenset((  # in which anybody gets an address, so that they say nothing about who writes
    "gmail.com googlemail.com outlook.com hotmail.com live.com yahoo.com icloud.com aol.com gmx.com gmx.net gmx.de web.de mail.com"
    " proton.me protonmail.com tutanota.com tuta.io zoho.com seznam.cz email.cz post.cz centrum.cz atlas.cz volny.cz azet.sk zoznam.sk"
    " wp.pl onet.pl o2.pl interia.pl mail.ru yandex.ru"
).split())
KEY_BYTES = 32  # of an Ed25519 public key
_DER_PREFIX = bytes.fromhex("302a300506032b6570032100")  # SubjectPublicKeyInfo of Ed25519 (RFC 8410)


class Kind(StrEnum):
    """Stored."""

    PROVIDER = "provider"
    AUTHORITY = "authority"
    TRUSTED_FLAGGER = "trusted_flagger"  # DSA Art. 22


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """`senders`: mail domains (`example.net`) and complete addresses (`abuse@example.net`), both as keys.
    `country`: the Member State of an authority, for transparency reports; may be empty."""

    id: int
    kind: Kind
    name: str
    senders: tuple[str, ...]
    key: bytes | None
    registered_at: datetime
    country: str = ""
    ended_at: datetime | None = None

    @property
    def key_text(self) -> str:
        return base64.b64encode(self.key).decode() if self.key else ""


class ContactDraft(msgspec.Struct, frozen=True, kw_only=True):
    """The input. `key`: PEM, or Base64 of the 32 bytes of the key or of its DER form; may be empty."""

    kind: str
    name: str
    senders: tuple[str, ...] = ()
    key: str = ""
    country: str = ""


def sender_key(sender: str) -> str:
    """A domain or an address in the form in which it is stored and compared."""
    sender = sender.strip()
    return email_key(sender) if "@" in sender else email_key(f"x@{sender}").partition("@")[2]


def sender_keys_of(email: str) -> tuple[str, str]:
    """The keys under which the sender of a mail can be registered: its address, and the domain. Subdomains are other domains."""
    key = email_key(email)
    return key, key.rpartition("@")[2]


def key_bytes(text: str) -> bytes | None:
    """The bytes of a public key in PEM or Base64; None if it is not one."""
    lines = [line for line in text.strip().splitlines() if not line.startswith("-----")]
    try:
        content = base64.b64decode("".join(lines).strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    content = content.removeprefix(_DER_PREFIX)
    return content if len(content) == KEY_BYTES else None
