"""E-mail addresses: which are accepted, in which form they are stored, and how they are compared.

Names may have letters of any language (RFC 6531), hosts too (IDNA 2008). Both are stored as people write them; a mail
goes to the ASCII form of the host, so that only a name with such letters needs a mail server that knows SMTPUTF8.
"""

import re
import unicodedata

import idna

from folkmoot.base.errors import FieldError

LONGEST = 254  # bytes, RFC 5321 4.5.3.1
_LONGEST_NAME = 64
_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_ASCII_HOST = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}", re.A)
_NAME_SIGNS = ".!#$%&'*+/=?^_`{|}~-"


def tidy_email(email: str) -> str:
    """The form in which an address is stored: in NFC, the host in lower case and in the letters of its language.

    An address that is not valid is returned without the spaces around it.
    """
    name, host = _parts(email)
    ascii_host = _ascii_host(host)
    if not ascii_host:
        return email.strip()
    try:
        return f"{name}@{idna.decode(ascii_host)}"
    except idna.IDNAError:  # a host that works in a local network only
        return f"{name}@{ascii_host}"


def email_key(email: str) -> str:
    """The key of an address, the same for all its spellings: upper and lower case, forms of Unicode, Punycode."""
    name, host = _parts(email)
    folded = unicodedata.normalize("NFC", name.casefold())
    return f"{folded}@{_ascii_host(host) or host.casefold()}" if host else folded


def wire_email(email: str) -> str:
    """The address for mail servers: the host in ASCII."""
    name, host = _parts(email)
    return f"{name}@{_ascii_host(host) or host}"


def email_errors(email: str) -> list[FieldError]:
    if not email.strip():
        return [FieldError("email", "blank", "Please give an e-mail address.")]
    name, host = _parts(email)
    if len(wire_email(email).encode()) > LONGEST or not _is_name(name) or not _ascii_host(host):
        return [FieldError("email", "invalid", "This is not a complete e-mail address.")]
    return []


def _parts(email: str) -> tuple[str, str]:
    """(name, host), in NFC. Without an @ the host is empty."""
    name, sign, host = unicodedata.normalize("NFC", email.strip()).rpartition("@")
    return (name, host) if sign else (host, "")


def _is_name(name: str) -> bool:
    """Letters, marks and digits of any language, and the signs of RFC 5322 3.2.3. Not in another form for looks, such as fullwidth."""
    return (
        0 < len(name.encode()) <= _LONGEST_NAME and unicodedata.normalize("NFKC", name) == name
        and all(character in _NAME_SIGNS or unicodedata.category(character)[0] in "LMN" for character in name)
    )


def _ascii_host(host: str) -> str:
    """The host in ASCII and lower case (RFC 5890); empty if it is not valid."""
    host = host.strip().lower()
    if host.isascii() and "xn--" not in host:
        return host if _ASCII_HOST.fullmatch(host) else ""
    try:
        return idna.encode(host, uts46=True).decode().lower()
    except idna.IDNAError:
        return ""
