"""Calls jurors for whom items wait: one notification, and one mail a day at most, however many items there are.

A call is open until nothing waits for the juror any more; then its notification is deleted. Nothing names the case.
"""

from datetime import timedelta

from folkmoot.base import clock
from folkmoot.base.db import WriteTx
from folkmoot.moderation.jurors import queries as jurors
from folkmoot.moderation.reviewing import queries
from folkmoot.network.notifications.actions import take_back_from_network, tell_several_from_network
from folkmoot.network.notifications.model import Kind
from folkmoot.network.sessions.mails import Mail, send_mail
from folkmoot.network.sessions.queries import list_logins

MAIL_PAUSE = timedelta(days=1)


async def call_jurors(tx: WriteTx) -> int:
    """Opens and closes calls. Returns how many jurors were called."""
    now = clock.now()
    waiting = await queries.list_waiting_jurors(tx, now)
    over = await jurors.close_calls(tx, waiting)
    await take_back_from_network(tx, Kind.JURY, [(account_id, account_id) for account_id in over])
    called = await jurors.open_calls(tx, waiting, now)
    if not called:
        return 0
    await tell_several_from_network(tx, Kind.JURY, [(account_id, account_id) for account_id in called])
    mailed = await jurors.take_mails(tx, called, now, now - MAIL_PAUSE)
    for login in await list_logins(tx, mailed) if mailed else []:
        send_mail(tx, Mail("jury_call", login.email, login.language, "/jury"))
    return len(called)
