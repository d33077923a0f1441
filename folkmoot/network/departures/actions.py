"""Deleting an account, and cancelling the deletion while its data are there. `removal.py` removes what belonged to an account."""

from datetime import timedelta

from folkmoot.base import clock
from folkmoot.base.db import Database, WriteTx
from folkmoot.base.errors import Conflict, Forbidden, NotFound
from folkmoot.network.departures import queries
from folkmoot.network.departures.model import LIFECYCLE, REMOVE_JOB, TIME_TO_REGRET, Departure, Leaving, State
from folkmoot.network.posts.actions import hide_leaving_account, show_staying_account
from folkmoot.network.sessions import limits
from folkmoot.network.sessions import queries as logins
from folkmoot.network.sessions.actions import forget_viewer
from folkmoot.network.sessions.mails import Mail, send_mail
from folkmoot.network.sessions.model import Viewer, digest
from folkmoot.network.sessions.reauthentication import require_password


async def leave(database: Database, viewer: Viewer, password: str, *, multiplier: float = 1.0) -> tuple[Departure, str]:
    """Deletes the viewer's account in half an hour. Returns the departure and a code with which `stay` stops it.

    Raises Invalid for a wrong password, Forbidden for the last operator, Conflict, TooMany.
    """
    await require_password(database, viewer, password, multiplier=multiplier)
    await limits.spend(database, "leave", str(viewer.id), multiplier)
    async with database.write() as tx:
        return await begin_departure(tx, viewer.id)


async def begin_departure(tx: WriteTx, account_id: int, *, wait: timedelta = TIME_TO_REGRET) -> tuple[Departure, str]:
    """Hides an account, ends its log-ins, and enqueues its removal. Returns a code to stop it, which is mailed too.

    Tells account.changed. Raises NotFound; Conflict if the account is leaving already; Forbidden for the last operator.
    """
    login = await logins.find_login(tx, account_id)
    if await logins.lock_operators(tx) == [account_id]:
        raise Forbidden("You are the only operator of this network. Give the role to somebody else first; then you can leave.")
    if not await hide_leaving_account(tx, account_id):
        raise Conflict("This account is being deleted already.")
    departure = await queries.insert_departure(tx, account_id, LIFECYCLE.first, wait)
    await logins.delete_ways_in(tx, account_id)
    for kind in ("reset_password", "change_email"):
        await logins.delete_one_time_codes(tx, account_id, kind)
    code = clock.token()
    if login and wait:
        await logins.insert_one_time_code(tx, digest(code), "keep_account", account_id, login.email, wait.total_seconds())
        send_mail(tx, Mail("leaving", login.email, login.language, f"/stay/{code}"))

    forget_viewer(tx, account_id)
    tx.enqueue(REMOVE_JOB, Leaving(account_id, departure.asked_at), wait)
    return departure, code


async def stay(tx: WriteTx, code: str) -> None:
    """Stops a departure with its code. Tells account.changed. Raises NotFound if the code or the time is over."""
    taken = await logins.take_one_time_code(tx, digest(code), "keep_account")
    if taken is None or not await keep_account(tx, taken[0]):
        raise NotFound("It is too late: this link is not valid any more.")


async def keep_account(tx: WriteTx, account_id: int) -> bool:
    """Stops the departure of an account: everything is visible again. Returns False if it is not leaving, or too late.

    Log-ins that the departure ended stay ended. Tells account.changed.
    """
    departure = await queries.lock_departure(tx, account_id)
    if departure is None or departure.state is not State.WAITING:
        return False
    await queries.delete_departure(tx, account_id)
    await logins.delete_one_time_codes(tx, account_id, "keep_account")
    await show_staying_account(tx, account_id)
    forget_viewer(tx, account_id)
    return True


