"""Polls: their rows, votes and tallies."""

from collections.abc import Sequence

from folkmoot.base.db import ReadConn, Row, WriteTx
from folkmoot.network.posts.model import Mark, Poll, Post


async def find_poll_post_id(conn: ReadConn, poll_id: int) -> int | None:
    value = await conn.fetchval("SELECT post_id FROM polls WHERE id = $1", poll_id)
    return int(value) if value else None


async def insert_poll(tx: WriteTx, post: Post) -> None:
    poll = post.poll
    assert poll is not None
    await tx.execute(
        "INSERT INTO polls (id, post_id, account_id, titles, votes, is_multiple, hides_totals, expires_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        poll.id, post.id, post.author.id, list(poll.titles), list(poll.votes), poll.is_multiple, poll.hides_totals, poll.expires_at,
    )


async def update_hides_totals(tx: WriteTx, poll: Poll) -> None:
    await tx.execute("UPDATE polls SET hides_totals = $2 WHERE id = $1 AND hides_totals <> $2", poll.id, poll.hides_totals)


async def delete_poll(tx: WriteTx, poll_id: int, post_id: int) -> None:
    """Deletes a poll with its votes, and the vote from the marks of all voters."""
    await tx.execute("DELETE FROM polls WHERE id = $1", poll_id)
    await tx.execute(
        f"UPDATE marks SET bits = bits & ~{Mark.VOTED:d}, choices = NULL WHERE post_id = $1 AND bits & {Mark.VOTED:d} > 0", post_id
    )


async def list_choices(conn: ReadConn, account_id: int, poll_id: int) -> list[int]:
    """The answers that the account has voted for, by index; none before its first vote."""
    value = await conn.fetchval("SELECT choices FROM poll_votes WHERE account_id = $1 AND poll_id = $2", account_id, poll_id)
    return list(value or ())


async def upsert_vote(tx: WriteTx, account_id: int, poll_id: int, choices: Sequence[int]) -> None:
    """Stores all answers that the account has voted for."""
    await tx.execute(
        "INSERT INTO poll_votes (account_id, poll_id, choices) VALUES ($1, $2, $3)"
        " ON CONFLICT (account_id, poll_id) DO UPDATE SET choices = excluded.choices",
        account_id, poll_id, list(choices),
    )


async def add_to_tally(tx: WriteTx, poll_id: int, choices: Sequence[int], voters: int) -> bool:
    """Counts new votes for these answers, and new voters; returns False when the poll is closed."""
    return bool(await tx.execute(
        """
        UPDATE polls SET voters = voters + $3, votes = (
            SELECT array_agg(count + (place - 1 = ANY ($2::int[]))::int ORDER BY place)
            FROM unnest(votes) WITH ORDINALITY AS t (count, place))
        WHERE id = $1 AND closed_at IS NULL
        """,
        poll_id, list(choices), voters,
    ))


async def mark_voted(tx: WriteTx, account_id: int, post_id: int, choices: Sequence[int]) -> None:
    """Stores the choices in the viewer's marks, and raises the post's version, so that everybody sees the new result."""
    await tx.execute(
        f"INSERT INTO marks (account_id, post_id, bits, choices) VALUES ($1, $2, {Mark.VOTED:d}, $3) ON CONFLICT (account_id, post_id)"
        " DO UPDATE SET bits = marks.bits | excluded.bits, choices = excluded.choices",
        account_id, post_id, list(choices),
    )
    await tx.execute("UPDATE posts SET version = version + 1 WHERE id = $1", post_id)


async def close_expired(tx: WriteTx, most: int) -> Sequence[Row]:
    """Closes expired polls; returns (id, post_id, account_id) of each. Uses the index polls_open."""
    return await tx.fetch(
        "UPDATE polls SET closed_at = now() WHERE id IN ("
        " SELECT id FROM polls WHERE closed_at IS NULL AND expires_at <= now() LIMIT $1 FOR UPDATE SKIP LOCKED)"
        " RETURNING id, post_id, account_id",
        most,
    )
