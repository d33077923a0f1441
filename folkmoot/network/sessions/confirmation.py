"""Sends the confirmation mail again, when it was lost or the address had a typing error."""

import msgspec

from folkmoot.base.db import Database
from folkmoot.base.errors import FieldError, Forbidden, Invalid
from folkmoot.network.sessions import limits, queries
from folkmoot.network.sessions.actions import SignUpPolicy, forget_viewer, send_confirmation
from folkmoot.network.sessions.addresses import email_errors, email_key, tidy_email
from folkmoot.network.sessions.barring import require_welcome
from folkmoot.network.sessions.model import Viewer


async def send_confirmation_again(database: Database, viewer: Viewer, policy: SignUpPolicy, email: str = "") -> None:
    """Sends the confirmation mail again, to another address if one is given.

    Raises Forbidden when there is nothing to confirm, Invalid, TooMany.
    """
    if viewer.login.confirmed_at or not policy.confirms_email:
        raise Forbidden("This method is only available while the e-mail is awaiting confirmation")
    email = tidy_email(email) or viewer.login.email
    errors = email_errors(email)
    if errors:
        raise Invalid(*errors)
    await limits.spend(database, "mail_by_pair", str(viewer.id), policy.multiplier)  # to any mailbox
    await limits.spend(database, "mail_to_mailbox", email_key(email), policy.multiplier)
    if email_key(email) != email_key(viewer.login.email):
        await require_welcome(database, email)
    async with database.write() as tx:
        if not await queries.update_email(tx, viewer.id, email, email_key(email)):
            raise Invalid(FieldError("email", "taken", "There is an account with this address. Log in, or reset the password."))
        await queries.delete_one_time_codes(tx, viewer.id, "reset_password")  # they were mailed to the old address
        forget_viewer(tx, viewer.id)
        await send_confirmation(tx, msgspec.structs.replace(viewer.login, email=email))
