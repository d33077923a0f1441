"""Sign-ups that wait for approval: the operators are told, read the reasons, and approve or refuse."""

from folkmoot.base import clock
from folkmoot.base.db import Database, WriteTx
from folkmoot.base.errors import TEXT_TOO_LONG, Conflict, FieldError, Invalid
from folkmoot.base.text import clean
from folkmoot.network.accounts.actions import delete_account
from folkmoot.network.sessions import queries
from folkmoot.network.sessions.actions import forget_viewer
from folkmoot.network.sessions.mails import Mail, forget_mails, send_mail
from folkmoot.network.sessions.model import SignUpDecided, WaitingSignUp

LONGEST_WORD = 500


async def approve_sign_up(tx: WriteTx, account_id: int) -> WaitingSignUp:
    """Lets a new member in, and mails it. Tells sign_up.decided. Raises NotFound; Conflict if somebody else has decided."""
    waiting = await queries.get_waiting(tx, account_id)
    if not await queries.update_approved(tx, account_id, clock.now()):
        raise Conflict
    send_mail(tx, Mail("approved", waiting.email, waiting.language, "/log_in"))
    tx.tell(SignUpDecided(account_id=account_id))
    forget_viewer(tx, account_id)
    return waiting


async def refuse_sign_up(tx: WriteTx, account_id: int, word: str = "") -> WaitingSignUp:
    """Refuses a sign-up, with a word for the person, and deletes everything that they sent. The name is free again.

    Tells account.deleted and sign_up.decided. Raises NotFound, Invalid when the word is too long.
    """
    word = clean(word)
    if len(word) > LONGEST_WORD:
        raise Invalid(FieldError("word", "too_long", TEXT_TOO_LONG, {"limit": LONGEST_WORD}))
    waiting = await queries.get_waiting(tx, account_id)
    await withdraw_sign_up(tx, account_id)
    send_mail(tx, Mail("refused", waiting.email, waiting.language, "/about", words=word))
    return waiting


async def withdraw_sign_up(tx: WriteTx, account_id: int) -> None:
    """Deletes a sign-up that waits, with all that was sent. Tells account.deleted and sign_up.decided. Raises NotFound for an
    account that is in."""
    await queries.get_waiting(tx, account_id)
    await forget_mails(tx, await queries.delete_login(tx, account_id))
    await delete_account(tx, account_id, keeps_name=False)
    tx.tell(SignUpDecided(account_id=account_id))
    forget_viewer(tx, account_id)


async def announce_sign_ups(database: Database) -> None:
    """Mails the operators about sign-ups that they have not been told of: one mail for all of them. A timed job."""
    async with database.write() as tx:
        if not await queries.update_announced(tx):
            return
        for operator in await queries.list_operators(tx):
            send_mail(tx, Mail("sign_ups", operator.email, operator.language, "/moderate/sign_ups"))
