"""Repeats a decision about posts with exactly the same words: at once up to fifty, beyond that after a second moderator has agreed
(`two_people.py`).

Each post keeps its own case, verdict and statement, so each author is told and can appeal. Only texts are compared: posts with
pictures or polls are decided one by one.
"""

from folkmoot.base import clock, ids
from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.moderation.cases.actions import open_case
from folkmoot.moderation.cases.model import Case, Subject
from folkmoot.moderation.cases.queries import get_case, is_concerned
from folkmoot.moderation.clauses.published import clause_of
from folkmoot.moderation.evidence.actions import read_subject
from folkmoot.moderation.evidence.queries import list_evidence
from folkmoot.moderation.proposals.actions import propose
from folkmoot.moderation.proposals.model import Kind
from folkmoot.moderation.restrictions.queries import lock_post
from folkmoot.moderation.verdicts import queries
from folkmoot.moderation.verdicts.actions import decide_case, reach_verdict, undo_repeated, undo_verdict
from folkmoot.moderation.verdicts.model import Action, Decision, Verdict
from folkmoot.network.posts.model import Post
from folkmoot.network.posts.queries import list_posts_by_ids_unscoped
from folkmoot.network.posts.versions import PostVersion
from folkmoot.network.sessions.model import Viewer

MOST_ALONE = 50  # posts about which one moderator decides at once
MOST_COUNTED = 10_000


async def decide_alike(tx: WriteTx, moderator: Viewer, case_id: int, decision: Decision) -> Verdict:
    """Decides a case as `decide_case` does, and other posts with the same words in the same way.

    Beyond `MOST_ALONE` posts the repetition is proposed to the other moderators; the case itself is decided at once.
    """
    verdict = await decide_case(tx, moderator, case_id, decision)
    case = await get_case(tx, case_id)
    version = await _decided_version(tx, case)
    if version is None or verdict.action is Action.KEEP:
        return verdict
    count = await queries.count_alike(tx, version, case.subject_id, MOST_COUNTED)
    if count > MOST_ALONE:
        await propose(tx, moderator, Kind.REPEAT, case, verdict_id=verdict.id, count=count)
    else:
        await repeat_verdict(tx, verdict, ids.MAX_ID)
    return verdict


async def list_alike_posts(conn: ReadConn, version: PostVersion, without: int) -> list[Post]:
    """The first posts that `decide_alike` would decide, for the preview."""
    found = await queries.list_alike(conn, version, without, limit=MOST_ALONE)
    posts = await list_posts_by_ids_unscoped(conn, [post_id for post_id, _ in found])
    return [posts[post_id] for post_id, _ in found if post_id in posts]


async def repeat_verdict(tx: WriteTx, verdict: Verdict, below: int, above: int = 0) -> int | None:
    """Decides up to `MOST_ALONE` posts with the same words, whose ids are between these, in the same way; returns the last one, None
    if there are no more. Cases that somebody else holds or the decider is concerned by stay open for others."""
    case = await get_case(tx, verdict.case_id)
    version = await _decided_version(tx, case)
    found = await queries.list_alike(tx, version, case.subject_id, above=above, below=below, limit=MOST_ALONE) if version else []
    for post_id, author_id in found:
        await _repeat(tx, verdict, case, version, post_id, author_id)
    return found[-1][0] if found else None


async def _repeat(tx: WriteTx, verdict: Verdict, first: Case, version: PostVersion | None, post_id: int, author_id: int) -> None:
    try:
        case = await open_case(tx, Subject.POST, post_id, author_id, clause_of(verdict.clause))
    except NotFound:
        return  # deleted meanwhile
    decider_id = verdict.decider.id or 0
    if case.is_held(clock.now()) or await is_concerned(tx, decider_id, case.id):
        return
    await lock_post(tx, post_id)
    present = (await read_subject(tx, case)).newest
    if not isinstance(present, PostVersion) or version is None or (present.text, present.cover) != (version.text, version.cover):
        return  # edited meanwhile
    also = tuple(kind for kind in verdict.measures if kind not in verdict.action.kinds(first.subject))
    days = (verdict.until - verdict.made_at).days if verdict.until else 1
    await reach_verdict(tx, verdict.decider, case, Decision(
        action=verdict.action, also=also, clause=verdict.clause, explanation=verdict.explanation, days=max(1, days),
        seen_edited_at=present.edited_at,
    ), batch_id=verdict.id)


async def undo_alike(tx: WriteTx, moderator: Viewer, verdict_id: int) -> Case:
    """Undoes the moderator's own verdict and its repetitions, as `undo_verdict` does."""
    case = await undo_verdict(tx, moderator, verdict_id)
    for repeated in await queries.list_repeated(tx, verdict_id):
        await undo_repeated(tx, moderator, repeated)
    return case


async def _decided_version(conn: ReadConn, case: Case) -> PostVersion | None:
    """The text that a case was decided about; None for an account, and for a post with pictures, a poll or a quote."""
    decided = [one.version for one in await list_evidence(conn, case.id) if one.decided_at and isinstance(one.version, PostVersion)]
    if case.subject is not Subject.POST or not decided or decided[-1].pictures or decided[-1].poll_titles or decided[-1].quoted:
        return None
    return decided[-1]
