"""Deletes for good what was removed, when nobody can appeal any more and no hold keeps it.

What remains: the statement without the quoted words, the verdict, the figures, and hashes by which copies are recognised. Backups keep
what they had until they are deleted themselves (decision 0093).
"""

from datetime import datetime, timedelta

from folkmoot.base import clock
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import Conflict, Forbidden, NotFound
from folkmoot.moderation.appeals import queries
from folkmoot.moderation.appeals.model import OPEN_FOR, Clearable
from folkmoot.moderation.cases.model import Subject
from folkmoot.moderation.detection.queries import blank_reasons
from folkmoot.moderation.evidence.actions import clear_evidence_of
from folkmoot.moderation.hash_lists.actions import remember_cleared
from folkmoot.moderation.journal.actions import record_step
from folkmoot.moderation.journal.model import Step
from folkmoot.moderation.restrictions.model import Kind
from folkmoot.moderation.restrictions.queries import lock_subjects, update_cleared
from folkmoot.moderation.statements.queries import blank_quotes_of_cases
from folkmoot.network.departures.actions import begin_departure
from folkmoot.network.posts.actions import remove_restricted_posts

_AT_ONCE = 50
_GRACE = timedelta(days=1)  # between the end of the time to appeal and the deletion, so that no appeal and no deletion meet


async def clear_removed_posts(tx: WriteTx) -> int:
    """Deletes up to fifty removed posts with everything that hangs on them; returns how many.

    Writes post.cleared to the journal; tells post.deleted for each post and its boosts.
    """
    found = await queries.list_clearable(tx, Kind.REMOVE, _settled_before(), _AT_ONCE)
    post_ids = [one.subject_id for one in found]
    await lock_subjects(tx, Subject.POST, post_ids)
    for one in found:
        await remember_cleared(tx, one.case_id, one.subject_id, one.clause)
        case_ids = await queries.list_case_ids_of(tx, Subject.POST, one.subject_id)
        await clear_evidence_of(tx, Subject.POST, one.subject_id)
        await blank_quotes_of_cases(tx, case_ids)
        await blank_reasons(tx, case_ids)
        await _note(tx, one, Step.POST_CLEARED)
    await remove_restricted_posts(tx, post_ids)
    return len(found)


async def delete_decided_accounts(tx: WriteTx) -> int:
    """Begins the deletion of accounts that two people have decided; returns how many. The job of departures deletes them.

    Writes account.cleared to the journal; tells account.changed. Accounts that have left by themselves are only noted.
    """
    found = await queries.list_clearable(tx, Kind.DELETE, _settled_before(), _AT_ONCE)
    for one in found:
        try:
            await begin_departure(tx, one.subject_id, wait=timedelta(0))
        except (NotFound, Conflict):
            pass  # deleted, or leaving already
        except Forbidden:  # the last operator
            continue
        await _note(tx, one, Step.ACCOUNT_CLEARED)
    return len(found)


def _settled_before() -> datetime:
    return clock.now() - OPEN_FOR - _GRACE


async def _note(tx: WriteTx, one: Clearable, step: Step) -> None:
    await update_cleared(tx, one.subject, one.subject_id, clock.now())
    await record_step(tx, step, case_id=one.case_id, subject=one.subject, subject_id=one.subject_id)
