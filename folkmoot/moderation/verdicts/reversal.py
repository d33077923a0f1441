"""Reverses a settled decision without an appeal, because somebody of the team has found that it was wrong."""

from folkmoot.base.db import WriteTx
from folkmoot.base.errors import Conflict
from folkmoot.moderation.cases.actions import open_case
from folkmoot.moderation.cases.policy import Concerned, require_moderator
from folkmoot.moderation.cases.queries import can_be_decided, find_appeal_case, is_concerned, lock_case
from folkmoot.moderation.clauses.published import clause_of
from folkmoot.moderation.evidence.actions import copy_for_appeal, read_subject
from folkmoot.moderation.proposals.actions import checked_reason
from folkmoot.moderation.verdicts import queries
from folkmoot.moderation.verdicts.actions import reach_verdict
from folkmoot.moderation.verdicts.model import Action, Decider, Decision, Verdict
from folkmoot.network.posts.versions import PostVersion
from folkmoot.network.sessions.model import Viewer


async def reverse_verdict(tx: WriteTx, moderator: Viewer, verdict_id: int, reason: str) -> Verdict:
    """Lifts every measure of a settled decision, as if an appeal had found it wrong: the author and the reporters are told half a
    minute later, and it does not count any more.

    Moderators, also the one who decided. Writes what an appeal writes to the journal, except that nobody has lodged one. Returns the new
    verdict. Raises NotFound, Invalid without a reason, Concerned, Conflict for a decision that restricts nothing, does not stand, can
    still be undone, was appealed against, or whose subject is gone.
    """
    require_moderator(moderator)
    text = checked_reason(reason)
    appeal_case = await find_appeal_case(tx, verdict_id)  # locked before the verdict, and that before its case, as in other steps
    verdict = await queries.lock_verdict(tx, verdict_id)
    first = await lock_case(tx, verdict.case_id)
    if await is_concerned(tx, moderator.id, first.id):
        raise Concerned
    if verdict.undone_at or verdict.overturned_by_id or verdict.action is Action.KEEP:
        raise Conflict("This decision does not stand any more.")
    if verdict.settled_at is None:
        raise Conflict("This decision is half a minute old at most. Whoever decided can still take it back.")
    if first.is_appeal or appeal_case or await queries.was_appealed(tx, verdict.id):
        raise Conflict("Somebody has appealed against this decision, so it is decided there.")
    if not await can_be_decided(tx, first.subject, first.subject_id):
        raise Conflict("What this was about is gone. There is nothing left to decide.")
    case = await open_case(
        tx, first.subject, first.subject_id, first.account_id, clause_of(verdict.clause), appealed_verdict_id=verdict.id,
        barred_ids=first.barred_ids,
    )
    await copy_for_appeal(tx, first, case)
    present = (await read_subject(tx, case)).newest
    return await reach_verdict(tx, Decider.person(moderator.id), await lock_case(tx, case.id), Decision(
        action=Action.KEEP, explanation=text, seen_edited_at=present.edited_at if isinstance(present, PostVersion) else None,
    ))
