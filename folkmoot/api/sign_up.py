"""Signing up in an app: creates an account and a token for that app, and sends the confirmation mail."""

from typing import Annotated

from folkmoot.api.apps import token_answer
from folkmoot.api.endpoints import endpoint
from folkmoot.api.network_shapes import Nothing, Token
from folkmoot.api.parameters import Parameters, about
from folkmoot.api.request import Request
from folkmoot.base.db import WriteTx
from folkmoot.base.languages import language_of
from folkmoot.http.admission import PersonMissing
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.network.sessions import actions, apps, scopes
from folkmoot.network.sessions.confirmation import send_confirmation_again
from folkmoot.network.sessions.model import Login, Viewer


class NewMember(Parameters, frozen=True, kw_only=True):
    username: str = ""
    email: str = ""
    password: str = ""
    agreement: Annotated[bool, about("Agreement with the rules. Required to be true.")] = False
    locale: Annotated[str, about("The language of mails.")] = ""
    reason: Annotated[str, about("The reason for joining, if moderators approve new members.")] = ""
    invite_code: str = ""


class Address(Parameters, frozen=True, kw_only=True):
    email: Annotated[str, about("Empty: the address given before.")] = ""


async def sign_up(request: Request, params: NewMember) -> Reply:
    """Creates an account. The token is usable only after the account is confirmed and approved."""
    assert request.holder is not None
    form = actions.SignUp(
        username=params.username, email=params.email, password=params.password, agrees=params.agreement,
        language=_language(params.locale), reason=params.reason, invitation=params.invite_code,
    )
    app_id, granted = request.holder.app_id, scopes.text(request.holder.scopes)

    async def enter(tx: WriteTx, login: Login) -> str:
        return await apps.issue_token(tx, app_id, login.account_id, granted)

    _, secret = await actions.sign_up(request.database, form, request.context.sign_up_policy, request.address, enter=enter)
    return request.json(token_answer(secret, granted))


async def send_again(request: Request, params: Address) -> Reply:
    """Sends the confirmation mail again, to the same or a corrected address."""
    await send_confirmation_again(
        request.database, _new_viewer(request), request.context.sign_up_policy, params.email
    )
    return request.json(Nothing())


async def is_confirmed(request: Request) -> Reply:
    """Whether the address has been confirmed."""
    return request.json(_new_viewer(request).login.confirmed_at is not None)


def _new_viewer(request: Request) -> Viewer:
    """The viewer who is signing up: unlike elsewhere, the account may not be usable yet."""
    if request.holder is None or request.holder.viewer is None:
        raise PersonMissing
    return request.holder.viewer


def _language(locale: str) -> str:
    return "cs" if language_of(locale) in ("cs", "sk") else "en"


_WRITE = "write:accounts"
ROUTES = [
    endpoint("POST", "/api/v1/accounts", sign_up, Access.APP, _WRITE, params=NewMember, answer=Token, limits_of_act=("sign_up",)),
    endpoint(
        "POST", "/api/v1/emails/confirmations", send_again, Access.APP, _WRITE, params=Address, answer=Nothing,
        limits_of_act=("mail_by_pair", "mail_to_mailbox"),
    ),
    endpoint("GET", "/api/v1/emails/check_confirmation", is_confirmed, Access.APP, f"read:accounts|{_WRITE}", answer=bool),
]
