"""Removing what points to an account that leaves, except its own posts: its marks and votes, and its name in others' posts.

Each statement takes a batch, so that no lock is held for long, and may be repeated after an interruption. Nothing is counted
here: an account that leaves was hidden first, and since then nothing of it counts.
"""

from collections.abc import Sequence

import msgspec

from folkmoot.base.db import Row, WriteTx
from folkmoot.base.formatting import without_mention
from folkmoot.network.posts.model import Mention

GONE = 0  # as `reply_to_account_id`: the answered account is deleted. The post stays a reply


async def list_ids_of(tx: WriteTx, account_id: int, most: int) -> list[int]:
    """Posts and boosts of an account. Uses the index posts_account."""
    rows = await tx.fetch("SELECT id FROM posts WHERE account_id = $1 ORDER BY id DESC LIMIT $2", account_id, most)
    return [row["id"] for row in rows]


async def delete_marks_of(tx: WriteTx, account_id: int, most: int) -> bool:
    """Deletes favourites, bookmarks and other marks, and takes votes back. Returns False when none are left."""
    rows = await tx.fetch("SELECT post_id FROM marks WHERE account_id = $1 ORDER BY post_id LIMIT $2 FOR UPDATE", account_id, most)
    post_ids = [row["post_id"] for row in rows]
    await _take_votes_back(tx, account_id, post_ids)
    await tx.execute(
        """
        WITH no_favourites AS (DELETE FROM favourites WHERE account_id = $1 AND post_id = ANY ($2::bigint[])),
            no_bookmarks AS (DELETE FROM bookmarks WHERE account_id = $1 AND post_id = ANY ($2::bigint[])),
            no_mutes AS (DELETE FROM muted_conversations WHERE account_id = $1 AND conversation_id = ANY ($2::bigint[]))
        DELETE FROM marks WHERE account_id = $1 AND post_id = ANY ($2::bigint[])
        """,
        account_id, post_ids,
    )
    return bool(post_ids)


async def _take_votes_back(tx: WriteTx, account_id: int, post_ids: Sequence[int]) -> None:
    """Removes the votes of an account from the tallies. Locks the polls in one order."""
    await tx.execute(
        "SELECT FROM polls WHERE post_id = ANY ($1::bigint[]) AND EXISTS ("
        " SELECT FROM poll_votes WHERE account_id = $2 AND poll_id = polls.id) ORDER BY id FOR UPDATE",
        list(post_ids), account_id,
    )
    await tx.execute(
        """
        WITH withdrawn AS (
            DELETE FROM poll_votes AS v USING polls AS p
            WHERE v.account_id = $1 AND p.id = v.poll_id AND p.post_id = ANY ($2::bigint[]) RETURNING v.poll_id, v.choices, p.post_id
        ), tallied AS (
            UPDATE polls SET voters = voters - 1, votes = (
                SELECT array_agg(count - (place - 1 = ANY (withdrawn.choices))::int ORDER BY place)
                FROM unnest(votes) WITH ORDINALITY AS t (count, place))
            FROM withdrawn WHERE polls.id = withdrawn.poll_id
        )
        UPDATE posts SET version = version + 1 FROM withdrawn WHERE posts.id = withdrawn.post_id
        """,
        account_id, list(post_ids),
    )


async def forget_mentions_of(tx: WriteTx, account_id: int, address: str, most: int) -> bool:
    """Turns mentions of an account in others' posts into plain text. Returns False when none are left."""
    rows = await tx.fetch(
        "SELECT id, html, mentions FROM posts WHERE id IN (SELECT post_id FROM mentions WHERE account_id = $1 LIMIT $2)"
        " ORDER BY id FOR UPDATE",
        account_id, most,
    )
    for row in rows:
        await _forget_mention(tx, row, account_id, address)
    await tx.execute(
        "DELETE FROM mentions WHERE account_id = $1 AND post_id = ANY ($2::bigint[])", account_id, [row["id"] for row in rows]
    )
    return bool(rows)


async def _forget_mention(tx: WriteTx, row: Row, account_id: int, address: str) -> None:
    mentions = [one for one in msgspec.json.decode(row["mentions"], type=list[Mention]) if one.account_id != account_id]
    await tx.execute(
        "UPDATE posts SET html = $2, mentions = $3, version = version + 1 WHERE id = $1",
        row["id"], without_mention(row["html"], address), msgspec.json.encode(mentions).decode(),
    )
    for edit in await tx.fetch("SELECT version, html FROM post_edits WHERE post_id = $1", row["id"]):
        await tx.execute(
            "UPDATE post_edits SET html = $3 WHERE post_id = $1 AND version = $2",
            row["id"], edit["version"], without_mention(edit["html"], address),
        )


async def forget_parents_of(tx: WriteTx, account_id: int, most: int) -> bool:
    """Removes an account from the replies to its deleted posts. Returns False when none are left. Uses the index posts_parentless."""
    return bool(await tx.execute(
        f"UPDATE posts SET reply_to_account_id = {GONE}, version = version + 1 WHERE id IN ("
        " SELECT id FROM posts WHERE reply_to_account_id = $1 AND reply_to_id IS NULL ORDER BY id LIMIT $2 FOR UPDATE)",
        account_id, most,
    ))
