"""Receives a notice, and confirms the address of its sender."""

import msgspec

from folkmoot.base import clock, ids
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import Conflict, NotFound
from folkmoot.moderation.contacts.model import Contact, Kind, sender_keys_of
from folkmoot.moderation.contacts.queries import find_contact_of_sender
from folkmoot.moderation.journal.actions import record_step
from folkmoot.moderation.journal.model import Step
from folkmoot.moderation.notices import queries
from folkmoot.moderation.notices.actions.checking import checked
from folkmoot.moderation.notices.actions.joining import join_cases
from folkmoot.moderation.notices.intake import Intake
from folkmoot.moderation.notices.model import LIFECYCLE, Door, Finding, Notice, NoticeDraft, NoticeReceived, NoticeVerified, Place, Urgency
from folkmoot.moderation.notices.receipts import make_number
from folkmoot.network.sessions.mails import Mail, send_mail


async def receive_notice(
    tx: WriteTx, intake: Intake, draft: NoticeDraft, *, contact: Contact | None = None, may_mail: bool = True
) -> Notice:
    """Receives a notice, and joins it to the case of each of its posts and accounts. Its time begins at once.

    Anybody. `contact`: who has signed it. Whoever is not verified is asked by mail to confirm the address, unless `may_mail`
    is False. The same mail, and the same reference of a contact, is received once: then the first notice is returned.
    Writes notice.received and notice.joined to the journal; emits notice.received. Raises Invalid.
    """
    draft = checked(draft, intake.own)
    if earlier := await _find_earlier(tx, draft, contact):
        return earlier
    now = clock.now()
    urgency = await _urgency(tx, draft, contact)
    notice = Notice(
        id=ids.make_id(ids.draw_shard(), now), number=make_number(), state=LIFECYCLE.first, door=draft.door, urgency=urgency,
        contact_id=contact.id if contact else None, reference=draft.reference, name=draft.name or (contact.name if contact else ""),
        email=draft.email, language=draft.language, reason=draft.reason, clause=draft.clause,
        places=tuple(Place(address, Finding.UNKNOWN) for address in draft.addresses), received_at=now,
        due_at=intake.hours.due_at(urgency, now), confirmed_at=now if contact else None, mail_key=draft.mail_key, reply_to=draft.reply_to,
        signed_by=draft.signed_by,
    )
    if not await queries.insert_notice(tx, notice, draft.raw):
        earlier = await _find_earlier(tx, draft, contact)
        if earlier is None:
            raise Conflict(log_text="two notices got the same number")
        return earlier
    await record_step(tx, Step.NOTICE_RECEIVED, case_id=None, notice=notice.id, number=notice.number, door=notice.door,
                      urgency=urgency, contact=notice.contact_id, addresses=len(notice.places))
    notice = await join_cases(tx, intake, notice)
    await queries.update_notice(tx, notice)

    if may_mail:
        _mail_receipt(tx, intake, notice)
    tx.tell(NoticeReceived(notice_id=notice.id, number=notice.number, urgency=urgency))
    return notice


async def confirm_address(tx: WriteTx, intake: Intake, number: str, code: str) -> Notice:
    """Confirms the address of a sender with the code that was mailed there. From now on the notice counts like a report, or as
    one of a verified contact, if the address is registered for one. A second call changes nothing.

    Writes notice.confirmed to the journal. Raises NotFound for a wrong code.
    """
    notice = await queries.lock_notice(tx, (await queries.get_notice_by_number(tx, number)).id)
    if not intake.receipts.is_code(number, notice.email, code):
        raise NotFound
    if notice.is_confirmed:
        return notice
    return await verify_sender(tx, intake, notice, await find_contact_of_sender(tx, sender_keys_of(notice.email)))


async def verify_sender(tx: WriteTx, intake: Intake, notice: Notice, contact: Contact | None, actor_id: int | None = None) -> Notice:
    """Stores that a sender has confirmed the address, and which contact it is. The deadline can only move to an earlier time.

    Writes notice.confirmed to the journal; emits notice.verified for a contact.
    """
    urgency = Urgency.of(contact.kind) if contact else notice.urgency
    notice = msgspec.structs.replace(
        notice, confirmed_at=clock.now(), contact_id=contact.id if contact else None, urgency=urgency,
        due_at=min(notice.due_at, intake.hours.due_at(urgency, notice.received_at)),
    )
    await record_step(tx, Step.NOTICE_CONFIRMED, case_id=None, actor_id=actor_id, notice=notice.id, number=notice.number,
                      contact=notice.contact_id)
    notice = await join_cases(tx, intake, notice)
    await queries.update_notice(tx, notice)
    if contact:
        tx.tell(NoticeVerified(notice_id=notice.id, number=notice.number))
    return notice


async def _find_earlier(tx: WriteTx, draft: NoticeDraft, contact: Contact | None) -> Notice | None:
    if draft.mail_key:
        return await queries.find_notice_by_mail(tx, draft.mail_key)
    if contact and draft.reference:
        return await queries.find_notice_by_reference(tx, contact.id, draft.reference)
    return None


async def _urgency(tx: WriteTx, draft: NoticeDraft, contact: Contact | None) -> Urgency:
    """The deadline follows from what the sender claims, because the clock runs also while nobody is verified. Of a mail the
    address is the claim."""
    if contact:
        return Urgency.of(contact.kind)
    if draft.claims:
        return Urgency.of(Kind(draft.claims))
    claimed = await find_contact_of_sender(tx, sender_keys_of(draft.email)) if draft.email and draft.door is Door.MAIL else None
    return Urgency.of(claimed.kind) if claimed else Urgency.OTHER


def _mail_receipt(tx: WriteTx, intake: Intake, notice: Notice) -> None:
    if not notice.email:
        return
    text, link, words = "notice_receipt", intake.receipts.path(notice.number), notice.number
    if not notice.is_confirmed:  # its first link confirms the address, so it needs a second one
        words = f"{notice.number}\n{intake.base_url}{link}"
        text, link = "notice_confirm", intake.receipts.confirmation_path(notice.number, notice.email)
    send_mail(tx, Mail(text, notice.email, notice.language, link, words, reply_to=notice.reply_to))
