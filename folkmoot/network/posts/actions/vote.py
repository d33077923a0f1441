"""Polls: voting, and closing those whose time is over."""

from collections.abc import Sequence

from folkmoot.base import clock
from folkmoot.base.db import Database, WriteTx
from folkmoot.base.errors import FieldError, Invalid, NotFound
from folkmoot.network.accounts.model import Account
from folkmoot.network.posts.model import Mark, PollClosed, PollVoted, PostView
from folkmoot.network.posts.policy import require_can_write
from folkmoot.network.posts.queries import find_poll_post_id, get_fresh_view, get_post_view


async def vote_in_poll(tx: WriteTx, viewer: Account, poll_id: int, choices: Sequence[int]) -> PostView:
    """Votes, once. The tally is part of the post's version, so that everybody sees it at the next read.

    Tells poll.voted. Raises NotFound; Invalid when the poll is over, is one's own, was voted in, or has no such answer.
    """
    require_can_write(viewer)
    post_id = await find_poll_post_id(tx, poll_id)
    view = await get_post_view(tx, post_id, viewer.id) if post_id else None
    if view is None or view.post.poll is None:
        raise NotFound
    poll = view.post.poll
    chosen = sorted(set(choices))
    if poll.is_expired(clock.now()):
        raise Invalid(FieldError("choices", "expired", "The poll has already ended."))
    if view.post.author.id == viewer.id:
        raise Invalid(FieldError("choices", "own", "You cannot vote in your own poll."))
    if not chosen or not all(0 <= choice < len(poll.titles) for choice in chosen):
        raise Invalid(FieldError("choices", "invalid", "There is no such answer."))
    if len(chosen) > 1 and not poll.is_multiple:
        raise Invalid(FieldError("choices", "too_many", "This poll takes one answer."))

    is_first = await tx.execute(
        "INSERT INTO poll_votes (account_id, poll_id, choices) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", viewer.id, poll_id, chosen
    )
    if not is_first:
        raise Invalid(FieldError("choices", "taken", "You have already voted in this poll."))
    await tx.execute(
        """
        UPDATE polls SET voters = voters + 1, votes = (
            SELECT array_agg(count + (place - 1 = ANY ($2::int[]))::int ORDER BY place)
            FROM unnest(votes) WITH ORDINALITY AS t (count, place))
        WHERE id = $1
        """,
        poll_id, chosen,
    )
    await tx.execute("UPDATE posts SET version = version + 1 WHERE id = $1", view.post.id)
    await tx.execute(
        "INSERT INTO marks (account_id, post_id, bits, choices) VALUES ($1, $2, $3, $4) ON CONFLICT (account_id, post_id)"
        " DO UPDATE SET bits = marks.bits | excluded.bits, choices = excluded.choices",
        viewer.id, view.post.id, int(Mark.VOTED), chosen,
    )

    tx.tell(PollVoted(poll_id=poll_id, post_id=view.post.id, account_id=viewer.id))
    return await get_fresh_view(tx, view.post.id, viewer.id)


async def close_polls(database: Database) -> None:
    """Closes polls whose time is over, a hundred at a time. By the clock. Tells poll.closed."""
    async with database.write() as tx:
        rows = await tx.fetch(
            "UPDATE polls SET closed_at = now() WHERE id IN ("
            " SELECT id FROM polls WHERE closed_at IS NULL AND expires_at <= now() LIMIT 100 FOR UPDATE SKIP LOCKED)"
            " RETURNING id, post_id, account_id"
        )
        tx.tell(*(PollClosed(poll_id=row["id"], post_id=row["post_id"], account_id=row["account_id"]) for row in rows))
