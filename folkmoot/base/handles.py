"""Handles: `@name`, or `@name@host`. The host of this network, in any spelling, is left out."""

import re
from functools import lru_cache
from typing import NamedTuple

import idna

from folkmoot.base.text import without_invisible
from folkmoot.base.tokens import Kind, tokens_of

_DEFAULT_PORTS = ("80", "443")
_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)


class Handle(NamedTuple):
    """Lower case. The domain is empty for an account of this network, otherwise in ASCII (`xn--pklad-zsa96e.cz`)."""

    name: str
    domain: str = ""


def handle_of(text: str, own_domain: str) -> Handle:
    """Reads `name`, `@name`, `@name@host` or `acct:name@host`, also with invisible marks as copied from a page."""
    name, _, domain = without_invisible(text).strip().removeprefix("acct:").removeprefix("@").partition("@")
    return local_handle(name, domain, own_domain)


def local_handle(name: str, domain: str, own_domain: str) -> Handle:
    """The handle without the domain of this network: `@bob@THIS.example` is `@bob`."""
    key = domain_key(domain) if domain else ""
    return Handle(name.lower(), "" if key == domain_key(own_domain) else key)


def mentions_of(text: str, own_domain: str) -> dict[Handle, str]:
    """The mentioned handles, each once, in order; with each its first spelling in the text."""
    found: dict[Handle, str] = {}
    for token in tokens_of(text) if "@" in text else ():
        if token.kind is Kind.MENTION:
            found.setdefault(local_handle(token.name, token.domain, own_domain), text[token.start : token.end])
    return found


def own_path(url: str, base_url: str) -> str | None:
    """The path of a URL of this network, whatever the spelling of its host; None for other URLs."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    is_own = scheme.lower() in ("http", "https") and domain_key(host) == domain_key(base_url.partition("://")[2])
    return slash + path if is_own else None


@lru_cache(maxsize=1024)
def domain_key(domain: str) -> str:
    """The same for all spellings of a domain: lower case, in ASCII, without the default port and the dot of the root."""
    host, _, port = domain.lower().partition(":")
    host = host.rstrip(".")
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode()
        except idna.IDNAError:
            pass  # no host can have this name, so it stays as it is
    return f"{host}:{port}" if port and port not in _DEFAULT_PORTS else host


def domain_of(text: str) -> str | None:
    """The domain that a person means: its name, the address of a page or a handle of an account there. None if there is none."""
    found = without_invisible(text).strip().rpartition("://")[2].partition("/")[0].rpartition("@")[2]
    key = domain_key(found)
    host, _, port = key.partition(":")
    is_name = len(host) <= 253 and "." in host and all(map(_LABEL.fullmatch, host.split(".")))
    return key if is_name and (not port or _PORT.fullmatch(port)) else None


def shown_domain(domain: str) -> str:
    """A domain as people read it: `příklad.cz`."""
    host, colon, port = domain.partition(":")
    try:
        return f"{idna.decode(host)}{colon}{port}" if "xn--" in host else domain
    except idna.IDNAError:
        return domain
