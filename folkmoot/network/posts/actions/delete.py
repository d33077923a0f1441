"""Deleting a post: really. Rows, marks, boosts and history go at once; picture files follow by a job."""

from folkmoot.base.db import Database, WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.network.accounts.model import Account
from folkmoot.network.counters import Counter, add_deltas
from folkmoot.network.posts.actions.restrict import WITHDRAWN_TOPIC
from folkmoot.network.posts.model import PostDeleted, PostView, Visibility, Withdrawn
from folkmoot.network.posts.queries import get_post_view


async def delete_post(tx: WriteTx, author: Account, post_id: int, *, keeps_pictures: bool = False) -> PostView:
    """Deletes one's own post and gives it back a last time, so that its author can write it anew.

    `keeps_pictures`: uploads stay for a day, to be attached again. Tells post.deleted, for its boosts too. Raises
    NotFound for a post that is not one's own.
    """
    view = await get_post_view(tx, post_id, author.id)
    if view.post.author.id != author.id or view.post.boost_of_id:
        raise NotFound
    if keeps_pictures:
        await tx.execute("UPDATE media SET post_id = NULL, created_at = now() WHERE post_id = $1", post_id)
    await remove_posts(tx, [post_id])
    return view


async def remove_posts(tx: WriteTx, post_ids: list[int]) -> None:
    """Removes posts with their boosts, wherever they are referred to. Answers to them stay, as answers to nobody."""
    rows = await tx.fetch(
        """
        WITH gone AS (
            DELETE FROM posts WHERE id = ANY ($1::bigint[]) OR boost_of_id = ANY ($1::bigint[])
            RETURNING id, account_id, boost_of_id, reply_to_id, visibility
        ), unattached AS (
            UPDATE media SET post_id = NULL, created_at = '-infinity' WHERE post_id = ANY ($1::bigint[])
        ), orphaned AS (
            UPDATE posts SET reply_to_id = NULL, version = version + 1 WHERE reply_to_id = ANY ($1::bigint[])
        ), forgotten AS (
            DELETE FROM idempotency_keys WHERE post_id = ANY ($1::bigint[])
        )
        SELECT id, account_id, boost_of_id, reply_to_id, visibility FROM gone
        """,
        post_ids,
    )
    deltas = [(row["account_id"], Counter.ACCOUNT_POSTS, -1) for row in rows]
    deltas += [(row["reply_to_id"], Counter.POST_REPLIES, -1) for row in rows if row["reply_to_id"]]
    deltas += [(row["boost_of_id"], Counter.POST_BOOSTS, -1) for row in rows if row["boost_of_id"] and row["boost_of_id"] not in post_ids]
    await add_deltas(tx, deltas)
    for row in rows:
        tx.publish(WITHDRAWN_TOPIC, Withdrawn(row["id"], row["account_id"], row["visibility"] <= Visibility.UNLISTED))
    tx.tell(*(PostDeleted(post_id=row["id"], account_id=row["account_id"]) for row in rows))


async def forget_hashtags(database: Database) -> None:
    """Drops the names of hashtags that no post has any more: they were words of a deleted post. By the clock.

    A post that takes up such a hashtag in this very moment can lose its name; then it is not suggested by search until
    the next post with it.
    """
    async with database.write() as tx:
        await tx.execute(
            "DELETE FROM hashtags AS h WHERE created_at < now() - interval '1 hour'"
            " AND NOT EXISTS (SELECT FROM post_hashtags AS ph WHERE ph.key = h.key)"
        )
