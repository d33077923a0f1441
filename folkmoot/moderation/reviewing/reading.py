"""Reads what a juror is shown of an item: the words and the conversation, without names, times and counts.

A seat and a gold question take the same statements, so that their pages take the same time.
"""

from datetime import datetime

from folkmoot.base.db import ReadConn
from folkmoot.moderation.cases.model import Case
from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.evidence.actions import read_subject
from folkmoot.moderation.jurors.gold_file import Question
from folkmoot.moderation.jurors.questions import likely_clauses
from folkmoot.moderation.reviewing.model import ItemView
from folkmoot.moderation.workspace.case_view import AnonymousPost
from folkmoot.moderation.workspace.masking import masks_for
from folkmoot.network.accounts.queries import list_accounts
from folkmoot.network.posts.queries import get_surroundings, list_posts_by_ids_unscoped
from folkmoot.network.posts.versions import PostVersion

_NOTHING = 0  # the id of no post and no account


async def view_case(conn: ReadConn, item_id: int, juror_id: int, case: Case) -> ItemView | None:
    """None if nothing is left of the post."""
    version = (await read_subject(conn, case)).newest
    if not isinstance(version, PostVersion):
        return None
    before = (await get_surroundings(conn, case.subject_id, version.reply_to_id)).before
    author = (await list_accounts(conn, [case.account_id])).get(case.account_id)
    masks = masks_for(author.acct if author else "", before)
    return ItemView(
        id=item_id, version=masks.mask_version(version), likely=likely_clauses([case.clause], str(item_id), current(), juror_id),
        seen_key=version.key, before=[
            AnonymousPost(version=masks.mask_version(PostVersion.of(post)), letter=masks.letter_of(post.author.acct)) for post in before
        ],
    )


async def view_question(conn: ReadConn, item_id: int, juror_id: int, question: Question, language: str) -> ItemView | None:
    """A question of the training, in the form of a case. None if it has no words in that language any more."""
    await list_posts_by_ids_unscoped(conn, [_NOTHING])
    await get_surroundings(conn, _NOTHING, None)
    await list_accounts(conn, [_NOTHING])
    version = version_of(question, language)
    return ItemView(
        id=item_id, version=version, before=[], likely=likely_clauses(question.near, str(item_id), current(), juror_id),
        seen_key=version.key,
    ) if version else None


def version_of(question: Question | None, language: str) -> PostVersion | None:
    """The words of a question as those of a post."""
    wording = question.wordings.get(language) if question else None
    return PostVersion(
        text=wording.text, cover="", is_sensitive=False, language=language, poll_titles=(), pictures=(), reply_to_id=None,
        created_at=datetime.min, edited_at=None,
    ) if wording else None
