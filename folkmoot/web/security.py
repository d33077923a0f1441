"""Security of browsers: cookies, form tokens, and the content security policy.

A form carries a token that only this network can make for this browser, and the browser names the origin of the form;
both are checked. The token is masked differently on each page, so that the size of compressed pages reveals nothing.
"""

from typing import Any

from folkmoot.base import clock
from folkmoot.base.errors import Forbidden
from folkmoot.base.signing import Signer

SESSION_SECONDS = 180 * 86400


class Cookies:
    """Names and attributes of our cookies. With https they are bound to this host (`__Host-`)."""

    def __init__(self, *, is_secure: bool) -> None:
        prefix = "__Host-" if is_secure else ""
        self.session = f"{prefix}folkmoot"
        self.visit = f"{prefix}folkmoot_visit"  # without a session, form tokens are bound to it
        self.known = f"{prefix}folkmoot_known"  # accounts that have been used here (network/sessions/known_browsers.py)
        self.language = "folkmoot_language"
        self.rules = "folkmoot_rules"  # the newest version of the rules whose notice was closed here
        self.sent = "folkmoot_sent"  # the draft that was sent: the script of the next page deletes it
        self.logged_out = "folkmoot_left"  # the script of the next page deletes all drafts
        self._attributes = "; Path=/; HttpOnly; SameSite=Lax" + ("; Secure" if is_secure else "")

    def set(self, name: str, value: str, seconds: int = SESSION_SECONDS) -> tuple[bytes, bytes]:
        return b"set-cookie", f"{name}={value}; Max-Age={seconds}{self._attributes}".encode("latin-1")

    def set_for_script(self, name: str, value: str) -> tuple[bytes, bytes]:
        """A short-lived cookie for the script of the next page."""
        return b"set-cookie", f"{name}={value}; Max-Age=60; Path=/; SameSite=Lax".encode("latin-1")

    def delete(self, name: str) -> tuple[bytes, bytes]:
        return self.set(name, "", 0)


class FormTokens:
    """Makes and checks the token of forms (CSRF)."""

    def __init__(self, secret: bytes) -> None:
        self._signer = Signer(secret, "form")

    def make(self, browser: str) -> str:
        """A token for forms of the browser with this session or visit."""
        mask = clock.token(9)
        return f"{mask}.{self._signer.sign(f'{browser}:{mask}')}"

    def is_valid(self, browser: str, token: str) -> bool:
        mask, _, signature = token.partition(".")
        return bool(browser and signature) and self._signer.is_valid(f"{browser}:{mask}", signature)


class StaleForm(Forbidden):
    """The token of a form is not one of this browser: the session has changed since, or the form is not ours."""

    message = "This page was open for a long time, or cookies are blocked. Please go back, reload it and try again."


def is_same_origin(headers: dict[str, str], base_url: str) -> bool:
    """Whether the browser names our own site as the origin of a form. Old browsers name none; then the token decides."""
    site = headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or origin == base_url or (origin == "null" and site == "same-origin")


def names_own_page(headers: dict[str, str], base_url: str) -> bool:
    """Whether the browser says that one of our own pages has sent the form. Pages of other sites cannot make it say so."""
    return headers.get("sec-fetch-site") == "same-origin" and headers.get("origin") == base_url


def content_policy(media_base: str, form_targets: str = "") -> bytes:
    """Pages load our own files and nothing else. `form_targets`: other sites that a form may redirect to."""
    media = f" {media_base}" if media_base else ""
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:{media}; media-src 'self'{media}; font-src 'self';"
        f" connect-src 'self'; manifest-src 'self'; form-action 'self'{form_targets}; frame-ancestors 'none'; base-uri 'none';"
        " require-trusted-types-for 'script'; trusted-types folkmoot"
    ).encode()


def cookies_of(scope: Any) -> dict[str, str]:
    """The cookies of a request; the first one of several with one name."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        if name == b"cookie":
            for pair in value.decode("latin-1").split(";"):
                key, _, content = pair.strip().partition("=")
                found.setdefault(key, content)
    return found
