"""Reads what a juror is shown of an item: the words and the conversation, without names, times and counts.

A seat, a gold question and a post of the daily sample take the same statements, so that their pages take the same time.
"""

from datetime import datetime

from folkmoot.base.db import ReadConn
from folkmoot.moderation.cases.model import Case
from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.evidence.actions import read_subject
from folkmoot.moderation.jurors.gold_file import Question
from folkmoot.moderation.jurors.questions import likely_clauses
from folkmoot.moderation.reviewing.model import ItemView, SampleSeat
from folkmoot.moderation.reviewing.queries.sample import find_post_id
from folkmoot.moderation.workspace.case_view import AnonymousPost
from folkmoot.moderation.workspace.masking import masks_for
from folkmoot.network.accounts.queries import list_accounts
from folkmoot.network.posts.model import Post
from folkmoot.network.posts.queries import get_surroundings, list_posts_by_ids_unscoped, list_versions
from folkmoot.network.posts.versions import PostVersion

_NOTHING = 0  # the id of no post and no account


async def view_case(conn: ReadConn, item_id: int, juror_id: int, case: Case) -> ItemView | None:
    """None if nothing is left of the post."""
    version = (await read_subject(conn, case)).newest
    if not isinstance(version, PostVersion):
        return None
    return await _view_post(conn, version, case.subject_id, case.account_id, item_id, juror_id, case.clause)


async def view_sampled(conn: ReadConn, seat: SampleSeat) -> ItemView | None:
    """A post of the daily sample, in the form of a case. None if its author has deleted it."""
    post, version = await read_sampled(conn, await find_post_id(conn, seat.item_id))
    if post is None or version is None:
        return None
    return await _view_post(conn, version, post.id, post.author.id, seat.id, seat.account_id, seat.suspected)


async def read_sampled(conn: ReadConn, post_id: int) -> tuple[Post | None, PostVersion | None]:
    """A post and its present words, with the statements that read those of a case."""
    post = (await list_posts_by_ids_unscoped(conn, [post_id])).get(post_id)
    return post, (await list_versions(conn, post))[-1] if post else None


async def _view_post(
    conn: ReadConn, version: PostVersion, post_id: int, author_id: int, item_id: int, juror_id: int, suspected: str
) -> ItemView:
    before = (await get_surroundings(conn, post_id, version.reply_to_id)).before
    author = (await list_accounts(conn, [author_id])).get(author_id)
    masks = masks_for(author.acct if author else "", before)
    return ItemView(
        id=item_id, version=masks.mask_version(version), likely=likely_clauses([suspected], str(item_id), current(), juror_id),
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
