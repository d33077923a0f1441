"""Polls: voting, and closing expired ones."""

from collections.abc import Sequence, Set

from folkmoot.base import clock
from folkmoot.base.db import Database, WriteTx
from folkmoot.base.errors import FieldError, Invalid, NotFound
from folkmoot.network.accounts.model import Account
from folkmoot.network.posts.actions.mark import begin
from folkmoot.network.posts.events import PollClosed, PollVoted
from folkmoot.network.posts.model import Poll, Post, PostView
from folkmoot.network.posts.queries import find_poll_post_id, get_fresh_view, polls

_CLOSED_AT_ONCE = 100


async def vote_in_poll(tx: WriteTx, viewer: Account, poll_id: int, choices: Sequence[int]) -> PostView:
    """Stores a vote. In a poll with several answers, a later vote adds further ones. A vote raises the post's version, so
    that everybody sees the result at the next read.

    Tells poll.voted. Raises NotFound; Forbidden; Invalid when the poll is over, is the viewer's own, has no such answer, or
    the viewer has voted for it before: then nothing of the vote counts.
    """
    post_id = await find_poll_post_id(tx, poll_id)
    if post_id is None:
        raise NotFound
    post = await begin(tx, viewer, post_id, is_public=True, lock="NO KEY UPDATE")
    if post.poll is None or post.poll.id != poll_id:  # an edit has replaced the poll
        raise NotFound
    chosen, earlier = list(dict.fromkeys(choices)), await polls.list_choices(tx, viewer.id, poll_id)
    _check_vote(viewer, post, post.poll, set(chosen), set(earlier))

    if not await polls.add_to_tally(tx, poll_id, chosen, voters=0 if earlier else 1):
        raise Invalid(FieldError("choices", "expired", "The poll has already ended."))
    await polls.upsert_vote(tx, viewer.id, poll_id, [*earlier, *chosen])  # in the order of voting, as apps show them
    await polls.mark_voted(tx, viewer.id, post.id, [*earlier, *chosen])

    tx.tell(PollVoted(poll_id=poll_id, post_id=post.id, account_id=viewer.id))
    return await get_fresh_view(tx, post.id, viewer.id)


def _check_vote(viewer: Account, post: Post, poll: Poll, chosen: Set[int], earlier: Set[int]) -> None:
    if poll.is_expired(clock.now()):
        raise Invalid(FieldError("choices", "expired", "The poll has already ended."))
    if post.author.id == viewer.id:
        raise Invalid(FieldError("choices", "own", "You cannot vote in your own poll."))
    if not chosen:
        raise Invalid(FieldError("choices", "blank", "Please choose an answer first."))
    if not all(0 <= choice < len(poll.titles) for choice in chosen):
        raise Invalid(FieldError("choices", "invalid", "There is no such answer."))
    if len(chosen) > 1 and not poll.is_multiple:
        raise Invalid(FieldError("choices", "too_many", "This poll takes one answer."))
    if earlier and (not poll.is_multiple or chosen & earlier):
        raise Invalid(FieldError("choices", "taken", "You have already voted in this poll."))


async def close_polls(database: Database) -> None:
    """Closes expired polls, at most a hundred. A timed job. Tells poll.closed."""
    async with database.write() as tx:
        rows = await polls.close_expired(tx, _CLOSED_AT_ONCE)
        tx.tell(*(PollClosed(poll_id=row["id"], post_id=row["post_id"], account_id=row["account_id"]) for row in rows))
