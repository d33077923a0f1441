"""What a person does with a notice: read it, name what it is about, vouch for its sender, answer in words."""

import msgspec

from folkmoot.base import clock
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import TEXT_TOO_LONG, Conflict, FieldError, Invalid
from folkmoot.base.text import clean, clean_line, count_characters
from folkmoot.moderation.cases.policy import require_moderator
from folkmoot.moderation.contacts.queries import get_contact
from folkmoot.moderation.journal.actions import record_step
from folkmoot.moderation.journal.model import Step
from folkmoot.moderation.notices import queries
from folkmoot.moderation.notices.actions.joining import join_cases
from folkmoot.moderation.notices.actions.receiving import verify_sender
from folkmoot.moderation.notices.addresses import refanged
from folkmoot.moderation.notices.intake import Intake
from folkmoot.moderation.notices.model import (
    LIFECYCLE,
    LONGEST_REASON,
    MOST_PLACES,
    MOST_PLACES_OF_MAIL,
    TOO_MANY_PLACES,
    Door,
    Finding,
    Notice,
    NoticeAnswered,
    Place,
    State,
)
from folkmoot.network.sessions.mails import Mail, send_mail
from folkmoot.network.sessions.model import Viewer


async def read_notice(tx: WriteTx, moderator: Viewer, notice_id: int) -> Notice:
    """A notice with the name and the address of its sender. Moderators. Writes notice.read to the journal."""
    require_moderator(moderator)
    notice = await queries.get_notice(tx, notice_id)
    await record_step(tx, Step.NOTICE_READ, case_id=None, actor_id=moderator.id, notice=notice.id, number=notice.number)
    return notice


async def add_addresses(tx: WriteTx, intake: Intake, moderator: Viewer, notice_id: int, addresses: tuple[str, ...]) -> Notice:
    """Says what a notice is about, where its sender gave no exact address. Moderators; also about posts that not everybody sees.

    Writes notice.joined to the journal. Raises Invalid where nothing is found.
    """
    require_moderator(moderator)
    notice = await queries.lock_notice(tx, notice_id)
    known = {place.address for place in notice.places}
    named = [one for address in addresses if (one := refanged(clean_line(address)))]
    more = [one for one in dict.fromkeys(named) if one not in known]
    most = MOST_PLACES_OF_MAIL if notice.door is Door.MAIL else MOST_PLACES
    if len(known) + len(more) > most:
        raise Invalid(FieldError("addresses", "too_many", TOO_MANY_PLACES, {"limit": most}))
    wider = msgspec.structs.replace(notice, places=(*notice.places, *(Place(one, Finding.UNKNOWN) for one in more)))
    joined = await join_cases(tx, intake, wider, named)
    if joined.state is not State.OPEN:
        raise Invalid(FieldError("addresses", "invalid", "We found nothing there."))
    await queries.update_notice(tx, joined)
    return joined


async def vouch_for_sender(tx: WriteTx, intake: Intake, moderator: Viewer, notice_id: int, contact_id: int) -> Notice:
    """Confirms that a notice comes from a registered contact, because a person has found out, for example by telephone.

    Moderators. Writes notice.confirmed to the journal. Raises NotFound, Conflict for a sender that is verified already.
    """
    require_moderator(moderator)
    notice = await queries.lock_notice(tx, notice_id)
    if notice.contact_id:
        raise Conflict("The sender of this notice is verified.")
    return await verify_sender(tx, intake, notice, await get_contact(tx, contact_id), actor_id=moderator.id)


async def answer_by_hand(tx: WriteTx, intake: Intake, moderator: Viewer, notice_id: int, words: str) -> Notice:
    """Answers a notice without a case in words, for example because nothing of it is here. Moderators.

    Writes notice.answered to the journal and emits it; mails the sender. Raises Invalid, Conflict for one that is answered or
    has a case.
    """
    require_moderator(moderator)
    words = clean(words)
    if not words:
        raise Invalid(FieldError("answer", "blank", "Please write an answer."))
    if count_characters(words) > LONGEST_REASON:
        raise Invalid(FieldError("answer", "too_long", TEXT_TOO_LONG, {"limit": LONGEST_REASON}))
    notice = await queries.lock_notice(tx, notice_id)
    if notice.state is not State.UNREAD:
        raise Conflict("This notice is answered, or its cases are being decided.")
    answered = msgspec.structs.replace(
        notice, state=LIFECYCLE.step(notice.state, State.ANSWERED), answered_at=clock.now(), answer=words
    )
    await queries.update_notice(tx, answered)
    await record_step(tx, Step.NOTICE_ANSWERED, case_id=None, actor_id=moderator.id, notice=notice.id, number=notice.number)
    mail_sender(tx, intake, answered, "notice_answer")
    tx.tell(NoticeAnswered(notice_id=notice.id, number=notice.number))
    return answered


def mail_sender(tx: WriteTx, intake: Intake, notice: Notice, text: str) -> None:
    """Mails a sender who has confirmed the address, or wrote a mail that can be replied to."""
    if notice.email and (notice.is_confirmed or notice.reply_to):
        path = intake.receipts.path(notice.number)
        send_mail(tx, Mail(text, notice.email, notice.language, path, notice.number, reply_to=notice.reply_to))
