"""What operators do for members who cannot log in, from the command line: a link to set a password, ending a log-in."""

from folkmoot.base import clock
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.network.sessions import queries
from folkmoot.network.sessions.actions import forget_viewer
from folkmoot.network.sessions.mails import Mail, send_mail
from folkmoot.network.sessions.model import RESET_LASTS, Login, digest


async def get_login_by_name(tx: WriteTx, name: str) -> Login:
    """Raises NotFound."""
    login = await queries.find_login_by_name(tx, name.strip().removeprefix("@"))
    if login is None:
        raise NotFound("There is no account %(name)s with a log-in on this network.", name=name)
    return login


async def make_password_link(tx: WriteTx, login: Login, base_url: str, *, mails: bool = False) -> str:
    """A link with which a new password can be set once, within an hour; `mails`: also mailed to the member. Earlier links end."""
    code = clock.token()
    await queries.insert_one_time_code(tx, digest(code), "reset_password", login.account_id, login.email, RESET_LASTS.total_seconds())
    link = f"{base_url}/reset/{code}"
    if mails:
        send_mail(tx, Mail("reset_password", login.email, login.language, link))
    return link


async def sign_out(tx: WriteTx, account_id: int) -> None:
    """Ends all sessions, tokens and codes of an account. The password still works."""
    await queries.delete_ways_in(tx, account_id)
    forget_viewer(tx, account_id)


async def lock_password(tx: WriteTx, account_id: int, unknown_hash: str) -> None:
    """Signs out everywhere and replaces the password by one that nobody knows, until a link sets another."""
    await queries.update_password(tx, account_id, unknown_hash)
    await sign_out(tx, account_id)
