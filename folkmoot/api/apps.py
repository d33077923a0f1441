"""Apps: registration, and the endpoints of OAuth for apps (RFC 6749, 7009, 7636, 8414). web/oauth.py has the consent page."""

import base64
import binascii
from typing import Annotated

from folkmoot.api import network_shapes as shapes
from folkmoot.api.endpoints import endpoint
from folkmoot.api.parameters import Parameters, about
from folkmoot.api.request import Request
from folkmoot.base import clock
from folkmoot.base.errors import Malformed
from folkmoot.http.replies import Headers, Reply
from folkmoot.http.routing import Access
from folkmoot.network.sessions import apps, queries, scopes
from folkmoot.network.sessions.model import App, digest


class Credentials(Parameters, frozen=True, kw_only=True):
    """The credentials of an app that does not use HTTP Basic (RFC 6749 2.3.1)."""

    client_id: str = ""
    client_secret: str = ""


class NewApp(Parameters, frozen=True, kw_only=True):
    client_name: str = ""
    redirect_uris: Annotated[tuple[str, ...], about("One or several, as a list or separated by spaces.")] = ()
    scopes: Annotated[str, about("Separated by spaces; `read` if it is empty.")] = ""
    website: str = ""


class TokenRequest(Credentials, frozen=True, kw_only=True):
    grant_type: Annotated[str, about("`authorization_code` or `client_credentials`.")] = ""
    code: str = ""
    redirect_uri: Annotated[str, about("As in the authorisation request.")] = ""
    code_verifier: Annotated[str, about("RFC 7636, if the authorisation request had a challenge.")] = ""
    scope: Annotated[str, about("For `client_credentials`; `read` if it is empty.")] = ""


class Revocation(Credentials, frozen=True, kw_only=True):
    token: str = ""


async def register(request: Request, params: NewApp) -> Reply:
    """Registers an app. Only this response contains the secret."""
    uris = [uri for text in params.redirect_uris for uri in text.split()]
    async with request.database.write() as tx:
        app = await apps.register_app(tx, params.client_name, uris, params.scopes, params.website)
    return request.json(request.entities.new_app(app, request.context.vapid.public))


async def verify(request: Request) -> Reply:
    """The app that the token belongs to."""
    assert request.holder is not None
    async with request.database.read() as conn:
        app = await queries.get_app(conn, request.holder.app_id)
    return request.json(request.entities.app(app, request.context.vapid.public))


async def token(request: Request, params: TokenRequest) -> Reply:
    """Exchanges a code for a token, or issues a token to the app itself. Errors have the shape `OAuthError`."""
    app = await _client(request, params)
    if app is None:
        return _refused(request, "invalid_client", "Client authentication failed due to unknown client, no client authentication"
                        " included, or unsupported authentication method.", 401, [(b"www-authenticate", b'Basic realm="OAuth"')])
    grant = params.grant_type
    if grant == "authorization_code":
        async with request.database.write() as tx:
            exchanged = await apps.exchange_code(
                tx, app, params.code, params.redirect_uri, params.code_verifier
            )
        if exchanged is None:
            return _refused(request, "invalid_grant", "The provided authorization grant is invalid, expired, revoked, does not match"
                            " the redirection URI used in the authorization request, or was issued to another client.", 400)
        secret, granted = exchanged
    elif grant == "client_credentials":
        wanted = scopes.parse(params.scope)
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


def token_answer(secret: str, granted: str) -> shapes.Token:
    return shapes.Token(access_token=secret, scope=granted, created_at=int(clock.now().timestamp()))


async def revoke(request: Request, params: Revocation) -> Reply:
    """Revokes a token (RFC 7009). Also succeeds for an unknown token."""
    app = await _client(request, params)
    is_allowed = False
    if app:
        async with request.database.write() as tx:
            is_allowed = await apps.revoke_own_token(tx, app, params.token)
    if not is_allowed:
        return _refused(request, "unauthorized_client", "You are not authorized to revoke this token", 403)
    return request.json(shapes.Nothing())


async def user_info(request: Request) -> Reply:
    """The identity of the member (OpenID Connect)."""
    account, urls = request.account, request.context.urls
    return request.json(shapes.UserInfo(
        iss=request.context.settings.base_url, sub=urls.account_uri(account), name=account.name, preferred_username=account.username,
        profile=urls.account(account), picture=urls.avatar(account),
    ))


async def metadata(request: Request) -> Reply:
    """The metadata of the authorisation server (RFC 8414)."""
    base = request.context.settings.base_url
    return request.json(shapes.AuthorizationServer(
        issuer=f"{base}/",
        service_documentation=f"{base}/about",
        authorization_endpoint=f"{base}/oauth/authorize",
        token_endpoint=f"{base}/oauth/token",
        app_registration_endpoint=f"{base}/api/v1/apps",
        revocation_endpoint=f"{base}/oauth/revoke",
        userinfo_endpoint=f"{base}/oauth/userinfo",
        scopes_supported=sorted(scopes.KNOWN),
        response_types_supported=["code"],
        response_modes_supported=["query", "fragment"],
        code_challenge_methods_supported=["S256"],
        grant_types_supported=["authorization_code", "client_credentials"],
        token_endpoint_auth_methods_supported=["client_secret_basic", "client_secret_post"],
    ))


async def _client(request: Request, params: Credentials) -> App | None:
    """The app with these credentials, from parameters or HTTP Basic (RFC 6749 2.3.1); None if they are wrong."""
    client_id, secret = params.client_id, params.client_secret
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
    return request.json(shapes.OAuthError(error=code, error_description=description), status, headers or ())


ROUTES = [
    endpoint("POST", "/api/v1/apps", register, Access.PUBLIC, limit="app", params=NewApp, answer=shapes.CredentialApp),
    endpoint("GET", "/api/v1/apps/verify_credentials", verify, Access.APP, answer=shapes.App),
    endpoint("POST", "/oauth/token", token, Access.PUBLIC, params=TokenRequest, answer=shapes.Token, refusal=shapes.OAuthError),
    endpoint("POST", "/oauth/revoke", revoke, Access.PUBLIC, params=Revocation, answer=shapes.Nothing, refusal=shapes.OAuthError),
    *(endpoint(method, "/oauth/userinfo", user_info, Access.MEMBER, "profile", answer=shapes.UserInfo) for method in ("GET", "POST")),
    endpoint("GET", "/.well-known/oauth-authorization-server", metadata, Access.PUBLIC, answer=shapes.AuthorizationServer),
]
