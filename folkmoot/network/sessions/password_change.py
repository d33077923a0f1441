"""Changing a password: with the old one, or with a link by mail."""

from folkmoot.base import clock
from folkmoot.base.db import Database, WriteTx
from folkmoot.base.errors import Invalid, NotFound
from folkmoot.base.limits import address_key
from folkmoot.network.sessions import limits, queries
from folkmoot.network.sessions.actions import forget_viewer
from folkmoot.network.sessions.addresses import email_key
from folkmoot.network.sessions.mails import Mail, send_mail
from folkmoot.network.sessions.model import RESET_JOB, RESET_LASTS, ResetWanted, Viewer, digest
from folkmoot.network.sessions.passwords import hash_password, password_errors
from folkmoot.network.sessions.reauthentication import require_password

_EXPIRED = "This link is not valid any more. Please ask for a new one."


async def change_password(database: Database, viewer: Viewer, old: str, new: str, *, multiplier: float = 1.0) -> None:
    """Sets a new password; ends all other sessions, tokens, codes and mailed links. Raises Invalid, TooMany."""
    await require_password(database, viewer, old, field="old_password", multiplier=multiplier)
    errors = password_errors(new, username=viewer.account.username, email=viewer.login.email)
    if errors:
        raise Invalid(*errors)
    password_hash = await hash_password(new)
    async with database.write() as tx:
        await _set_password(tx, viewer.id, password_hash, but=viewer.session_id)


async def ask_for_reset(database: Database, email: str, base_url: str, *, address: str = "", multiplier: float = 1.0) -> None:
    """Enqueues a mail with a link to set a new password. Only the job looks up the account, so that neither the text nor the
    limits nor the time of the response reveal whether it exists. Raises TooMany."""
    email = email.strip()[:254]
    caller = address_key(address) if address else "local"
    await limits.spend(database, "mail_by_address", caller, multiplier)
    await limits.spend_mail(database, email_key(email), caller, multiplier)
    async with database.write() as tx:
        tx.enqueue(RESET_JOB, ResetWanted(email, base_url))


async def send_reset(database: Database, wanted: ResetWanted) -> None:
    """Mails the link if an account has this address. A job."""
    async with database.write() as tx:
        login = await queries.find_login_by_email(tx, email_key(wanted.email))
        if login is None or not await queries.lock_login(tx, login.account_id):
            return
        code = clock.token()
        await queries.insert_one_time_code(tx, digest(code), "reset_password", login.account_id, login.email, RESET_LASTS.total_seconds())
        send_mail(tx, Mail("reset_password", login.email, login.language, f"{wanted.base_url}/reset/{code}"))


async def reset_password(database: Database, code: str, password: str) -> int:
    """Sets a new password with the code of a mailed link, once; returns the account. Ends all sessions and tokens.

    Raises Invalid, NotFound.
    """
    async with database.read() as conn:  # hashing is expensive, so an invalid code is refused before it
        owner = await queries.find_owner_of_code(conn, digest(code), "reset_password")
    if owner is None:
        raise NotFound(_EXPIRED)
    errors = password_errors(password, username=owner[0], email=owner[1])
    if errors:
        raise Invalid(*errors)
    password_hash = await hash_password(password)
    async with database.write() as tx:
        taken = await queries.take_one_time_code(tx, digest(code), "reset_password")
        if taken is None:
            raise NotFound(_EXPIRED)
        await queries.update_confirmed(tx, *taken)  # opening the mailed link proves the ownership of the address
        await _set_password(tx, taken[0], password_hash)
    return taken[0]


async def _set_password(tx: WriteTx, account_id: int, password_hash: str, *, but: int | None = None) -> None:
    await queries.update_password(tx, account_id, password_hash)
    await queries.delete_sessions(tx, account_id, but=but)
    await queries.delete_tokens(tx, account_id)
    await queries.delete_authorization_codes(tx, account_id)
    await queries.delete_one_time_codes(tx, account_id, "reset_password")
    forget_viewer(tx, account_id)
