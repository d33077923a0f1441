"""Joining from within an app: an account, with a token for that app, and the mail that confirms its address."""

from folkmoot.api.apps import token_answer
from folkmoot.api.request import Request
from folkmoot.http.admission import PersonMissing
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.network.sessions import actions, apps, scopes
from folkmoot.network.sessions.confirmation import send_confirmation_again
from folkmoot.network.sessions.model import Viewer


async def sign_up(request: Request) -> Reply:
    """The token is good for nothing that members do until the account is confirmed and approved; the app says so."""
    params = await request.params()
    assert request.holder is not None
    form = actions.SignUp(
        username=params.text("username"), email=params.text("email"), password=params.text("password"),
        agrees=params.flag("agreement"), language=_language(params.text("locale")), reason=params.text("reason"),
        invitation=params.text("invite_code"),
    )
    account, _ = await actions.sign_up(request.database, form, request.context.sign_up_policy, request.address)
    granted = scopes.text(request.holder.scopes)
    async with request.database.write() as tx:
        secret = await apps.issue_token(tx, request.holder.app_id, account.id, granted)
    return request.json(token_answer(secret, granted))


async def send_again(request: Request) -> Reply:
    """The mail again, or to an address without the typing error."""
    params = await request.params()
    await send_confirmation_again(
        request.database, _joining(request), request.context.sign_up_policy, params.text("email")
    )
    return request.json({})


async def is_confirmed(request: Request) -> Reply:
    return request.json(_joining(request).login.confirmed_at is not None)


def _joining(request: Request) -> Viewer:
    """Who is joining: unlike elsewhere, somebody who cannot do anything yet."""
    if request.holder is None or request.holder.viewer is None:
        raise PersonMissing
    return request.holder.viewer


def _language(locale: str) -> str:
    return "cs" if locale.lower().startswith(("cs", "sk")) else "en"


ROUTES = [
    Route("POST", "/api/v1/accounts", sign_up, Access.APP, "write:accounts", limit="sign_up"),
    Route("POST", "/api/v1/emails/confirmations", send_again, Access.APP, "write:accounts"),
    Route("GET", "/api/v1/emails/check_confirmation", is_confirmed, Access.APP, "read:accounts|write:accounts"),
]
