"""Apps: registering a program, and the machine side of OAuth (RFC 6749, 7009, 7636, 8414). Consent is a page: web/oauth.py."""

import base64
import binascii

from folkmoot.api.request import Request
from folkmoot.base import clock
from folkmoot.base.errors import Malformed
from folkmoot.http.params import Params
from folkmoot.http.replies import Headers, Reply
from folkmoot.http.routing import Access, Route
from folkmoot.network.sessions import apps, queries, scopes
from folkmoot.network.sessions.model import App, digest


async def register(request: Request) -> Reply:
    params = await request.params()
    uris = [uri for text in params.texts("redirect_uris") for uri in text.split()]
    async with request.database.write() as tx:
        app = await apps.register_app(
            tx, params.text("client_name"), uris, params.text("scopes"), params.text("website")
        )
    return request.json({
        **request.entities.app(app), "client_id": app.client_id, "client_secret": app.client_secret, "client_secret_expires_at": 0,
    })


async def verify(request: Request) -> Reply:
    assert request.holder is not None
    async with request.database.read() as conn:
        app = await queries.get_app(conn, request.holder.app_id)
    return request.json(request.entities.app(app))


async def token(request: Request) -> Reply:
    """Exchanges a code, or lets an app in by itself."""
    params = await request.params()
    app = await _client(request, params)
    if app is None:
        return _refused(request, "invalid_client", "Client authentication failed due to unknown client, no client authentication"
                        " included, or unsupported authentication method.", 401, [(b"www-authenticate", b'Basic realm="OAuth"')])
    grant = params.text("grant_type")
    if grant == "authorization_code":
        async with request.database.write() as tx:
            exchanged = await apps.exchange_code(
                tx, app, params.text("code"), params.text("redirect_uri"), params.text("code_verifier")
            )
        if exchanged is None:
            return _refused(request, "invalid_grant", "The provided authorization grant is invalid, expired, revoked, does not match"
                            " the redirection URI used in the authorization request, or was issued to another client.", 400)
        secret, granted = exchanged
    elif grant == "client_credentials":
        wanted = scopes.parse(params.text("scope"))
        if not all(scopes.covers(frozenset(app.scopes.split()), scope) for scope in wanted):
            return _refused(request, "invalid_scope", "The requested scope is invalid, unknown, or malformed.", 400)
        granted = scopes.text(wanted)
        async with request.database.write() as tx:
            secret = await apps.issue_token(tx, app.id, None, granted)
    elif not grant:
        return _refused(request, "invalid_request", "Missing required parameter: grant_type.", 400)
    else:
        return _refused(request, "unsupported_grant_type", "The authorization grant type is not supported by the authorization"
                        " server.", 400)
    return request.json(token_answer(secret, granted), headers=[(b"pragma", b"no-cache")])


def token_answer(secret: str, granted: str) -> dict[str, object]:
    return {"access_token": secret, "token_type": "Bearer", "scope": granted, "created_at": int(clock.now().timestamp())}


async def revoke(request: Request) -> Reply:
    """Gives a token back (RFC 7009): also an unknown one is answered with success."""
    params = await request.params()
    app = await _client(request, params)
    is_allowed = False
    if app:
        async with request.database.write() as tx:
            is_allowed = await apps.revoke_own_token(tx, app, params.text("token"))
    if not is_allowed:
        return _refused(request, "unauthorized_client", "You are not authorized to revoke this token", 403)
    return request.json({})


async def user_info(request: Request) -> Reply:
    account, urls = request.account, request.context.urls
    return request.json({
        "iss": request.context.settings.base_url, "sub": urls.account_uri(account), "name": account.name,
        "preferred_username": account.username, "profile": urls.account(account), "picture": urls.avatar(account),
    })


async def metadata(request: Request) -> Reply:
    """RFC 8414: what a program has to know to register and log in."""
    base = request.context.settings.base_url
    return request.json({
        "issuer": f"{base}/",
        "service_documentation": f"{base}/about",
        "authorization_endpoint": f"{base}/oauth/authorize",
        "token_endpoint": f"{base}/oauth/token",
        "app_registration_endpoint": f"{base}/api/v1/apps",
        "revocation_endpoint": f"{base}/oauth/revoke",
        "userinfo_endpoint": f"{base}/oauth/userinfo",
        "scopes_supported": sorted(scopes.KNOWN),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "code_challenge_methods_supported": ["S256"],
        "grant_types_supported": ["authorization_code", "client_credentials"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
    })


async def _client(request: Request, params: Params) -> App | None:
    """The app that proves to be one, by form or by HTTP Basic (RFC 6749 2.3.1)."""
    client_id, secret = params.text("client_id"), params.text("client_secret")
    header = request.headers.get("authorization", "")
    if header.lower().startswith("basic "):
        try:
            client_id, _, secret = base64.b64decode(header[6:], validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise Malformed(log_text="broken Basic header") from error
        if not client_id.isprintable():
            raise Malformed(log_text="a control character in a Basic header")
    async with request.database.read() as conn:
        return await queries.find_app(conn, client_id, digest(secret))


def _refused(request: Request, code: str, description: str, status: int, headers: Headers | None = None) -> Reply:
    return request.json({"error": code, "error_description": description}, status, headers or ())


ROUTES = [
    Route("POST", "/api/v1/apps", register, Access.PUBLIC, limit="app"),
    Route("GET", "/api/v1/apps/verify_credentials", verify, Access.APP),
    Route("POST", "/oauth/token", token, Access.PUBLIC),
    Route("POST", "/oauth/revoke", revoke, Access.PUBLIC),
    Route("GET", "/oauth/userinfo", user_info, Access.MEMBER, "profile"),
    Route("POST", "/oauth/userinfo", user_info, Access.MEMBER, "profile"),
    Route("GET", "/.well-known/oauth-authorization-server", metadata, Access.PUBLIC),
]
