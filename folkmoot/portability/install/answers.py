"""What an operator decides about a new host, and the check of each answer.

Every check raises InvalidAnswer with one sentence. The settings file holds the answers of an installed host, so that a
later run starts from what the operator may have edited there.
"""

import ipaddress
import re
from collections.abc import Mapping
from typing import Any, get_args, get_type_hints
from urllib.parse import urlsplit

import idna
import msgspec

from folkmoot.base.errors import Problem
from folkmoot.config import Network, Settings
from folkmoot.portability.install.units import KEEPER_PATH

LATER = "later"
LANGUAGES: tuple[str, ...] = get_args(get_type_hints(Network)["language"])
REGISTRATIONS: tuple[str, ...] = get_args(get_type_hints(Network)["registration"])
_PROXY = "127.0.0.1"  # the address from which Caddy connects
_LONGEST_DOMAIN = 253
_USUAL_PORT, _PORT_OF_TLS = 587, 465
_PRIVATE_ENDINGS = ("local", "localhost", "internal", "invalid", "example", "onion", "lan", "home")
_MAIL_ADDRESS = re.compile(r"([A-Za-z0-9._%+-]{1,64})@([^\s@]+)")


class InvalidAnswer(Problem):
    """An answer that cannot be used."""

    code = "invalid_answer"


class Smtp(msgspec.Struct, frozen=True):
    """The server that sends the mail of the network. Its password is not kept here."""

    host: str
    port: int = _USUAL_PORT
    user: str = ""

    @property
    def security(self) -> str:
        return "tls" if self.port == _PORT_OF_TLS else "starttls"

    def __str__(self) -> str:
        return f"{self.user}@{self.host}:{self.port}" if self.user else f"{self.host}:{self.port}"


class Answers(msgspec.Struct, frozen=True):
    """All answers. `smtp` is None while mail is written to files."""

    domain: str
    email: str
    language: str = "en"
    smtp: Smtp | None = None
    registration: str = "approval"

    def values(self, before: Mapping[str, Mapping[str, Any]]) -> dict[tuple[str, str], Any]:
        """The settings that follow, by section and name. `before`: the settings file, whose other choices stay."""
        smtp, mail = self.smtp, before.get("mail", {})
        values: dict[tuple[str, str], Any] = {
            ("server", "base_url"): f"https://{self.domain}",
            ("server", "certificates"): KEEPER_PATH,
            ("network", "language"): self.language,
            ("network", "registration"): self.registration,
            ("network", "contact_email"): self.email,
        }
        proxies = before.get("server", {}).get("trusted_proxies", [])
        if _PROXY not in proxies:
            values["server", "trusted_proxies"] = [*proxies, _PROXY]
        if smtp is None and mail.get("host"):
            values["mail", "host"] = ""
        if smtp and smtp != Smtp(mail.get("host", ""), mail.get("port", _USUAL_PORT), mail.get("user", "")):
            sender = smtp.user if _MAIL_ADDRESS.fullmatch(smtp.user) else f"folkmoot@{self.domain}"
            values |= {
                ("mail", "host"): smtp.host, ("mail", "port"): smtp.port, ("mail", "user"): smtp.user,
                ("mail", "security"): smtp.security, ("mail", "sender"): sender,
            }
        return values


def from_settings(settings: Settings) -> dict[str, Any]:
    """The answers that a settings file contains already, by name."""
    found: dict[str, Any] = {}
    if settings.is_secure and (host := urlsplit(settings.base_url).hostname):
        found["domain"] = host
        found |= {"language": settings.network.language, "registration": settings.network.registration}
        found["smtp"] = Smtp(settings.mail.host, settings.mail.port, settings.mail.user) if settings.mail.host else None
    if settings.network.contact_email:
        found["email"] = settings.network.contact_email
    return found


def read_domain(text: str) -> str:
    """A public name as in `moot.example.org`, in its ASCII form. A pasted address is reduced to its name."""
    name = text.strip().lower().removeprefix("https://").removeprefix("http://").rstrip("/").rstrip(".")
    if not name:
        raise InvalidAnswer("A domain is needed, such as moot.example.org.")
    if _is_address(name):
        raise InvalidAnswer("%(name)s is an address. A certificate needs a name, such as moot.example.org.", name=name)
    ascii_name = _ascii_name(name)
    if not ascii_name:
        raise InvalidAnswer("%(name)s is not a domain. It must be a name such as moot.example.org.", name=name)
    if len(ascii_name) > _LONGEST_DOMAIN or "." not in ascii_name:
        raise InvalidAnswer("%(name)s is not a full domain. It must have a dot, as in moot.example.org.", name=name)
    ending = ascii_name.rpartition(".")[2]
    if ending in _PRIVATE_ENDINGS or ending.isdigit():
        raise InvalidAnswer("%(name)s is not a public domain: no certificate exists for names in .%(ending)s.", name=name, ending=ending)
    return ascii_name


def read_email(text: str) -> str:
    address = text.strip()
    found = _MAIL_ADDRESS.fullmatch(address)
    domain = _ascii_name(found[2]) if found else ""
    if not found or "." not in domain:
        raise InvalidAnswer("%(address)s is not an e-mail address. It must be like hana@example.org.", address=address or "This")
    return f"{found[1]}@{domain}"


def read_language(text: str) -> str:
    return _one_of(text, LANGUAGES, "language")


def read_registration(text: str) -> str:
    return _one_of(text, REGISTRATIONS, "answer")


def read_smtp(text: str) -> Smtp | None:
    """`later`, `server`, `user@server` or `user@server:port`; the user may be an e-mail address."""
    answer = text.strip()
    if answer.lower() == LATER:
        return None
    user, _, server = answer.rpartition("@")
    host, colon, port_text = server.partition(":")
    if not (_ascii_name(host) or _is_address(host)) or (colon and not port_text.isdigit()):
        raise InvalidAnswer(
            "%(answer)s is not a mail server. It must be like mail.example.org, user@mail.example.org:587, or: later.",
            answer=answer or "This",
        )
    port = int(port_text) if colon else _USUAL_PORT
    if not 1 <= port <= 65535:
        raise InvalidAnswer("Port %(port)s of the mail server must be between 1 and 65535; usual are 587 and 465.", port=port_text)
    return Smtp(host.lower(), port, user)


def _one_of(text: str, known: tuple[str, ...], what: str) -> str:
    answer = text.strip().lower()
    if answer not in known:
        raise InvalidAnswer("%(answer)s is not a known %(what)s. It must be one of: %(known)s.", answer=text.strip() or "This", what=what,
                            known=", ".join(known))
    return answer


def _ascii_name(name: str) -> str:
    """The ASCII form of a host name, or "" if it is none."""
    try:
        return idna.encode(name, uts46=True).decode()
    except idna.IDNAError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
