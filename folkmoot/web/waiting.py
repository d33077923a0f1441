"""The page of somebody who has signed up and cannot log in yet: what is missing, and what they can do about it.

There is no session yet. The forms carry a ticket, which the page gets only with the right password.
"""

from folkmoot.base import clock
from folkmoot.base.errors import Forbidden, Invalid, NotFound, TooMany
from folkmoot.base.ids import parse_id
from folkmoot.base.signing import Signer
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.network.accounts.queries import get_account
from folkmoot.network.sessions.approval import withdraw_sign_up
from folkmoot.network.sessions.confirmation import send_confirmation_again
from folkmoot.network.sessions.model import Login, Viewer
from folkmoot.network.sessions.queries import find_login
from folkmoot.web.request import Request


async def show_waiting(
    request: Request, login: Login, status: int = 200, *, errors: dict[str, str] | None = None, email: str = "", is_sent: bool = False
) -> Reply:
    """`errors` and `email`: of a refused form; `is_sent`: the confirmation mail was sent again."""
    return await request.show(
        "sessions/waiting.html", status, login=login, ticket=_ticket(request, login.account_id), errors=errors or {}, email=email,
        is_sent=is_sent,
    )


async def send_again(request: Request) -> Reply:
    """Sends the confirmation mail again, to the same or to another address."""
    viewer = await _waiting_viewer(request)
    email = request.form.text("email")
    try:
        await send_confirmation_again(request.database, viewer, request.context.sign_up_policy, email)
    except Invalid as problem:
        return await show_waiting(request, viewer.login, 422, errors=request.problems(problem), email=email)
    except TooMany as problem:
        return await show_waiting(request, viewer.login, 422, errors={"email": request.over_limit(problem)}, email=email)
    return await show_waiting(request, (await _waiting_viewer(request)).login, is_sent=True)


async def withdraw(request: Request) -> Reply:
    """Deletes the sign-up with everything that was sent."""
    viewer = await _waiting_viewer(request)
    async with request.database.write() as tx:
        await withdraw_sign_up(tx, viewer.id)
    return await request.show("sessions/withdrawn.html")


async def _waiting_viewer(request: Request) -> Viewer:
    """Raises NotFound without a valid ticket, and once the member is in."""
    account_id = parse_id(request.form.text("ticket").partition(":")[0])
    if account_id is None or request.form.text("ticket") not in (_ticket(request, account_id), _ticket(request, account_id, days_ago=1)):
        raise NotFound
    async with request.database.read() as conn:
        login = await find_login(conn, account_id)
        if login is None:
            raise NotFound
        if not login.obstacle or login.disabled_at:
            raise Forbidden("There is nothing to wait for any more. Please log in.")
        return Viewer(account=await get_account(conn, account_id), login=login)


def _ticket(request: Request, account_id: int, *, days_ago: int = 0) -> str:
    """Valid today and tomorrow."""
    signer = Signer(request.context.settings.secret, "waiting")
    return f"{account_id}:{signer.sign(f'{account_id}:{clock.now().toordinal() - days_ago}')}"


ROUTES = [
    Route("POST", "/waiting/send_again", send_again, Access.PUBLIC),
    Route("POST", "/waiting/withdraw", withdraw, Access.PUBLIC),
]
