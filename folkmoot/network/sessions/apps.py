"""Apps: their registration, codes and tokens (RFC 6749, 7009, 7636).

A secret is returned once, in the response, and stored as its hash. Redirect URIs, codes and scopes from a request must
match the stored ones exactly.
"""

import base64
import hashlib
import re
from urllib.parse import urlsplit

from folkmoot.base import clock, ids
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import FieldError, Invalid
from folkmoot.base.text import clean_line
from folkmoot.network.sessions import queries, scopes
from folkmoot.network.sessions.actions import forget_viewer
from folkmoot.network.sessions.model import CODE_LASTS, OUT_OF_BAND, App, Viewer, digest

_EXECUTED_SCHEMES = ("about", "blob", "data", "file", "filesystem", "javascript", "vbscript", "view-source")


async def register_app(tx: WriteTx, name: str, redirect_uris: list[str], wanted: str, website: str = "") -> App:
    """Registers an app. Only the returned app contains the secret. Raises Invalid."""
    name, website = clean_line(name), website.strip()
    parsed = scopes.parse(wanted)
    errors = []
    if not name:
        errors.append(FieldError("name", "blank", "The app has no name."))
    if len(name) > 200 or len(website) > 2000:
        errors.append(FieldError("name", "too_long", "The name or the website of the app is too long."))
    if website and not re.fullmatch(r"https?://[!-~]+", website, re.I | re.A):
        errors.append(FieldError("website", "invalid", "The website of the app is not a web address."))
    if not redirect_uris or len(redirect_uris) > 20 or not all(map(_is_redirect, redirect_uris)):
        errors.append(FieldError("redirect_uri", "invalid", "The redirect URI must be a complete address of a kind that apps may use."))
    if scopes.unknown(parsed):
        errors.append(FieldError("scopes", "invalid", "The app asks for scopes that do not exist."))
    if errors:
        raise Invalid(*errors)
    secret = clock.token()
    app = App(
        id=ids.make_id(0), client_id=clock.token(), client_secret=secret, name=name, website=website,
        redirect_uris=tuple(redirect_uris), scopes=scopes.text(parsed), created_at=clock.now(),
    )
    await queries.insert_app(tx, app, digest(secret))
    return app


async def authorize_app(tx: WriteTx, viewer: Viewer, app: App, redirect_uri: str, wanted: frozenset[str], challenge: str) -> str:
    """Creates the code that an app exchanges for a token (RFC 6749 4.1). The page has checked the request."""
    code = clock.token()
    await queries.insert_authorization_code(
        tx, digest(code), app.id, viewer.id, redirect_uri, scopes.text(wanted), challenge, CODE_LASTS.total_seconds()
    )
    return code


async def exchange_code(tx: WriteTx, app: App, code: str, redirect_uri: str, verifier: str) -> tuple[str, str] | None:
    """Exchanges a code once, for (token, scopes) (RFC 6749 4.1.3, RFC 7636 4.6); returns None for an invalid code.

    A failed try uses up the code too, and a second use revokes the token of the first (RFC 6749 4.1.2). This does not
    raise, because raising would roll both back. Concurrent exchanges wait for each other at the row of the code.
    """
    code_hash = digest(code)
    found = await queries.take_authorization_code(tx, code_hash, app.id)
    if found is None:
        owner = await queries.delete_token_of_code(tx, code_hash, app.id)
        if owner:
            forget_viewer(tx, owner.account_id)
        return None
    if not found.is_valid or found.redirect_uri != redirect_uri or not _is_verified(verifier, found.challenge):
        return None
    return await issue_token(tx, app.id, found.account_id, found.scopes, code_hash), found.scopes


async def issue_token(tx: WriteTx, app_id: int, account_id: int | None, granted: str, code_hash: bytes | None = None) -> str:
    """Creates a token; only its hash is stored."""
    secret = clock.token()
    shard = ids.shard_of(account_id) if account_id else 0
    await queries.insert_token(tx, digest(secret), ids.make_id(shard), app_id, account_id, granted, code_hash)
    return secret


async def revoke_own_token(tx: WriteTx, app: App, token: str) -> bool:
    """Revokes a token of the app. An unknown token is no error; returns False for one of another app (RFC 7009 2.1)."""
    owner = await queries.delete_token_of_app(tx, digest(token), app.id)
    if owner is None:
        return not await queries.has_token(tx, digest(token))
    forget_viewer(tx, owner.account_id)
    return True


def is_challenge(text: str) -> bool:
    """Whether a text has the form of an S256 challenge."""
    return bool(re.fullmatch(r"[A-Za-z0-9_-]{43}", text))


def _is_verified(verifier: str, challenge: str) -> bool:
    """RFC 7636 4.6. A verifier without a stored challenge is refused, as a downgrade attack (RFC 9700 2.1.1)."""
    return pkce_challenge(verifier) == challenge if challenge else not verifier


def pkce_challenge(verifier: str) -> str:
    """RFC 7636 4.2, S256."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _is_redirect(uri: str) -> bool:
    """Whether a URI is absolute, ASCII, and not executed by a browser. The host is strict, because a page's CSP contains it."""
    if uri == OUT_OF_BAND:
        return True
    if not re.fullmatch(r"[a-z][a-z0-9+.-]*:[!-~]{1,2000}", uri, re.I | re.A) or "#" in uri:
        return False
    try:
        split = urlsplit(uri)
    except ValueError:
        return False
    if split.scheme in ("http", "https"):
        return bool(re.fullmatch(r"[a-z0-9.-]+(:[0-9]{1,5})?|\[[0-9a-f:.]+\](:[0-9]{1,5})?", split.netloc, re.I | re.A))
    return split.scheme not in _EXECUTED_SCHEMES
