"""Changing one's e-mail address: the new one is confirmed by a link, the old one gets a link that stops or undoes the change."""

from folkmoot.base import clock
from folkmoot.base.db import Database, WriteTx
from folkmoot.base.errors import FieldError, Invalid, NotFound
from folkmoot.base.limits import address_key
from folkmoot.network.sessions import limits, queries
from folkmoot.network.sessions.actions import SignUpPolicy, forget_viewer
from folkmoot.network.sessions.addresses import email_errors, email_key, tidy_email
from folkmoot.network.sessions.barring import require_welcome
from folkmoot.network.sessions.mails import Mail, send_mail
from folkmoot.network.sessions.model import CHANGE_EMAIL_LASTS, KEEP_EMAIL_LASTS, RESET_LASTS, Viewer, digest
from folkmoot.network.sessions.passwords import hash_password
from folkmoot.network.sessions.reauthentication import require_password

_TAKEN = FieldError("email", "taken", "There is another account with this address.")
_EXPIRED = "This link is not valid any more. Please ask for a new one."


async def ask_for_new_email(
    database: Database, viewer: Viewer, email: str, password: str, policy: SignUpPolicy, address: str = ""
) -> bool:
    """Mails a link to the new address that confirms it, and one to the old address that stops the change.

    Where addresses are not confirmed, because no mail can be sent, changes it at once and returns True. Raises Invalid,
    TooMany.
    """
    email = tidy_email(email)
    errors = email_errors(email)
    if not errors and email == viewer.login.email:
        errors = [FieldError("email", "inclusion", "This is your address already.")]
    if errors:
        raise Invalid(*errors)
    await require_password(database, viewer, password, multiplier=policy.multiplier)
    await require_welcome(database, email)
    await limits.spend(database, "mail_by_address", address_key(address) if address else "local", policy.multiplier)
    await limits.spend(database, "mail_by_pair", str(viewer.id), policy.multiplier)  # to any mailbox
    await limits.spend(database, "mail_to_mailbox", email_key(email), policy.multiplier)
    async with database.write() as tx:
        other = await queries.find_login_by_email(tx, email_key(email))
        if other and other.account_id != viewer.id:
            raise Invalid(_TAKEN)
        await _mail_code(tx, viewer, "keep_email", viewer.login.email)
        if policy.confirms_email:
            await queries.delete_one_time_codes(tx, viewer.id, "change_email")
            await _mail_code(tx, viewer, "change_email", email)
        else:
            await _change(tx, viewer.id, email)
    return not policy.confirms_email


async def confirm_new_email(tx: WriteTx, code: str) -> None:
    """Changes the address with the code that was mailed to the new one. Raises NotFound, Invalid if it was taken meanwhile."""
    taken = await queries.take_one_time_code(tx, digest(code), "change_email")
    if taken is None:
        raise NotFound(_EXPIRED)
    await _change(tx, *taken)


async def keep_old_email(database: Database, code: str) -> bool:
    """Stops a change with the code that was mailed to the old address; within a week it also undoes it, and returns True.

    Then somebody else may know the password: all sessions and apps are logged out, the password does not work any more, and
    a link to set a new one is mailed. Raises NotFound, Invalid if the old address was taken meanwhile.
    """
    unknown = await hash_password(clock.token())
    async with database.write() as tx:
        taken = await queries.take_one_time_code(tx, digest(code), "keep_email")
        if taken is None:
            raise NotFound(_EXPIRED)
        account_id, email = taken
        login = await queries.get_login(tx, account_id)
        await queries.delete_one_time_codes(tx, account_id, "change_email")
        if login.email == email:
            return False
        await _change(tx, account_id, email)
        await queries.delete_one_time_codes(tx, account_id, "keep_email")
        await queries.update_password(tx, account_id, unknown)
        await queries.delete_ways_in(tx, account_id)
        reset = clock.token()
        await queries.insert_one_time_code(tx, digest(reset), "reset_password", account_id, email, RESET_LASTS.total_seconds())
        send_mail(tx, Mail("reset_password", email, login.language, f"/reset/{reset}"))
        return True


async def _change(tx: WriteTx, account_id: int, email: str) -> None:
    """Links to set a password that were mailed to the old address end."""
    if not await queries.update_email(tx, account_id, email, email_key(email)):
        raise Invalid(_TAKEN)
    await queries.delete_one_time_codes(tx, account_id, "reset_password")
    forget_viewer(tx, account_id)


async def _mail_code(tx: WriteTx, viewer: Viewer, kind: str, email: str) -> None:
    code = clock.token()
    lasts, path = {"keep_email": (KEEP_EMAIL_LASTS, "keep"), "change_email": (CHANGE_EMAIL_LASTS, "change")}[kind]
    await queries.insert_another_code(tx, digest(code), kind, viewer.id, email, lasts.total_seconds())
    send_mail(tx, Mail(kind, email, viewer.login.language, f"/email/{path}/{code}"))
