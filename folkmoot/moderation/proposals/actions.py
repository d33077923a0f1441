"""Proposes what needs two people, and closes proposals. What follows from an agreement is decided by the callers
(`verdicts/two_people.py`)."""

from datetime import datetime

import msgspec

from folkmoot.base import clock, ids
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import TEXT_TOO_LONG, Conflict, FieldError, Forbidden, Invalid
from folkmoot.base.text import clean, count_characters
from folkmoot.moderation.cases.model import Case
from folkmoot.moderation.cases.policy import Concerned, require_moderator
from folkmoot.moderation.cases.queries import is_concerned
from folkmoot.moderation.journal.actions import record_step
from folkmoot.moderation.journal.model import Step
from folkmoot.moderation.proposals import queries
from folkmoot.moderation.proposals.model import EXPIRES_AFTER, LIFECYCLE, LONGEST_REASON, Kind, Proposal, State
from folkmoot.network.sessions.mails import Mail, send_mail
from folkmoot.network.sessions.model import Role, Viewer
from folkmoot.network.sessions.queries import list_staff

_MOST_EXPIRED = 100  # in one transaction


async def propose(
    tx: WriteTx, moderator: Viewer, kind: Kind, case: Case, *, verdict_id: int | None = None, count: int = 1, reason: str = "",
    until: datetime | None = None,
) -> Proposal:
    """Proposes something that takes effect when another moderator agrees, and mails the others.

    Moderators. Writes proposal.made to the journal. Raises Concerned, Invalid for a missing or too long reason (a repetition needs
    none, because its verdict has one), Conflict if the same is proposed already.
    """
    require_moderator(moderator)
    if await is_concerned(tx, moderator.id, case.id):
        raise Concerned
    now = clock.now()
    made = Proposal(
        id=ids.make_id(ids.shard_of(case.account_id), now), kind=kind, case_id=case.id, state=LIFECYCLE.first,
        proposed_by_id=moderator.id, proposed_at=now, expires_at=now + EXPIRES_AFTER, verdict_id=verdict_id, count=count,
        reason=reason if kind is Kind.REPEAT else checked_reason(reason), until=until,
    )
    if not await queries.insert_proposal(tx, made):
        raise Conflict("This is proposed already. Somebody else has to agree.")
    await record_step(
        tx, Step.PROPOSAL_MADE, case_id=case.id, actor_id=moderator.id, proposal=made.id, what=kind, verdict=verdict_id, count=count,
        until=until.isoformat(timespec="seconds") if until else None,
    )
    for login in await list_staff(tx, [Role.MODERATOR, Role.OPERATOR]):
        if login.account_id != moderator.id:
            send_mail(tx, Mail("second_person", login.email, login.language, f"/moderate/proposals/{made.id}"))
    return made


async def close_proposal(tx: WriteTx, moderator: Viewer, proposal_id: int, *, agrees: bool) -> Proposal:
    """Agrees to a proposal or refuses it. Returns it as it is now.

    Another moderator than the one who proposed it. Writes proposal.closed to the journal. Raises Forbidden for the proposer, Concerned,
    Conflict when somebody else was faster or a day has passed; NotFound.
    """
    require_moderator(moderator)
    found = await queries.lock_proposal(tx, proposal_id)
    if moderator.id == found.proposed_by_id:
        raise Forbidden("Somebody else has to agree.")
    if await is_concerned(tx, moderator.id, found.case_id):
        raise Concerned
    if found.state is not State.PROPOSED:
        raise Conflict("Somebody else has answered this already.")
    if not found.is_waiting(clock.now()):
        raise Conflict("A day has passed, so this proposal has expired. It can be made again.")
    return await _close(tx, found, State.AGREED if agrees else State.REFUSED, moderator.id)


async def drop_proposals(tx: WriteTx, verdict_id: int, by_id: int | None) -> None:
    """Withdraws what was proposed about a verdict that does not stand any more. Writes proposal.closed to the journal."""
    for one in await queries.lock_waiting_of_verdict(tx, verdict_id):
        await _close(tx, one, State.DROPPED, by_id)


async def expire_proposals(tx: WriteTx) -> list[Proposal]:
    """Closes proposals that nobody has answered within a day, at most a hundred. Writes proposal.closed to the journal."""
    now = clock.now()
    return [await _close(tx, one, State.EXPIRED, None) for one in await queries.lock_expired(tx, now, _MOST_EXPIRED)]


def checked_reason(reason: str) -> str:
    """Raises Invalid for a reason that is missing or too long."""
    text = clean(reason)
    if not text:
        raise Invalid(FieldError("reason", "blank", "Please say why."))
    if count_characters(text) > LONGEST_REASON:
        raise Invalid(FieldError("reason", "too_long", TEXT_TOO_LONG, {"limit": LONGEST_REASON}))
    return text


async def _close(tx: WriteTx, found: Proposal, state: State, by_id: int | None) -> Proposal:
    closed = msgspec.structs.replace(found, state=LIFECYCLE.step(found.state, state), closed_by_id=by_id, closed_at=clock.now())
    await queries.update_closed(tx, closed.id, closed.state, by_id, clock.now())
    await record_step(
        tx, Step.PROPOSAL_CLOSED, case_id=found.case_id, actor_id=by_id, proposal=found.id, what=found.kind, verdict=found.verdict_id,
        state=state,
    )
    return closed
