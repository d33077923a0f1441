"""Copies of what a case is about: the preview of a decision about all of them, and recognising later ones."""

from datetime import datetime

import msgspec

from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.base.errors import Forbidden, NotFound
from folkmoot.moderation.cases.model import Case, State, Subject
from folkmoot.moderation.cases.policy import Concerned, require_moderator
from folkmoot.moderation.cases.queries import get_case, is_concerned
from folkmoot.moderation.evidence.actions import read_subject
from folkmoot.moderation.hash_lists.actions import SCAN_JOB, recognise_post
from folkmoot.moderation.hash_lists.jobs import Scan
from folkmoot.moderation.verdicts.alike import MOST_COUNTED, list_alike_posts
from folkmoot.moderation.verdicts.model import Decider
from folkmoot.moderation.verdicts.queries import count_alike, list_verdicts_of_cases
from folkmoot.moderation.workspace.masking import Masks
from folkmoot.network.posts.versions import PostVersion
from folkmoot.network.sessions.model import Viewer


class Copies(msgspec.Struct, frozen=True):
    """The other posts with exactly the same words. `listed`: the letter of the author and the time of each of the oldest ones."""

    case: Case
    text: str
    count: int
    listed: list[tuple[str, datetime]]


async def read_copies(conn: ReadConn, moderator: Viewer, case_id: int) -> Copies:
    """Moderators who are not concerned by the case. Raises NotFound, also for a profile and on appeal; Concerned."""
    require_moderator(moderator)
    case = await get_case(conn, case_id)
    if await is_concerned(conn, moderator.id, case.id):
        raise Concerned
    version = (await read_subject(conn, case)).newest
    if not isinstance(version, PostVersion) or case.is_appeal:
        raise NotFound
    count = await count_alike(conn, version, case.subject_id, MOST_COUNTED)
    masks = Masks("")
    listed = [(masks.letter_of(post.author.acct), post.created_at) for post in await list_alike_posts(conn, version, case.subject_id)]
    return Copies(case, masks.mask(version.text), count, listed)


async def recognise_copies(tx: WriteTx, moderator: Viewer, case_id: int) -> int:
    """Holds later copies of a removed post, and searches for earlier ones; returns how many hashes are new.

    Moderators who are not concerned by the case, or have decided it. Writes hash_list.changed to the journal. Raises NotFound,
    Concerned, Forbidden for a post that was not removed, Invalid for one by which nothing can be recognised.
    """
    require_moderator(moderator)
    case = await get_case(tx, case_id)
    verdict = (await list_verdicts_of_cases(tx, [case.id])).get(case.id)
    own = verdict is not None and verdict.decider == Decider.person(moderator.id)
    if not own and await is_concerned(tx, moderator.id, case.id):
        raise Concerned
    if verdict is None or case.state is not State.DECIDED or case.subject is not Subject.POST or not verdict.is_removal:
        raise Forbidden("Only what was removed can be recognised again.")
    added = await recognise_post(tx, moderator, case, verdict.clause)
    if added:
        tx.enqueue(SCAN_JOB, Scan())
    return added

