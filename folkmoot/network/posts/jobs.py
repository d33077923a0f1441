"""A job of posts: making their words for search and their hashtags again, after a release has changed how they are made."""

import msgspec

from folkmoot.base.db import Database
from folkmoot.base.tokens import hashtag_key
from folkmoot.network.posts.queries import list_posts_by_ids_unscoped
from folkmoot.network.posts.queries.writing import lock_next_posts, update_words

INDEX_JOB = "posts.index_again"
_STEP = 200  # posts that are locked for a moment


class IndexAgain(msgspec.Struct, frozen=True):
    """`after`: the last post that is done."""

    after: int = 0


async def index_again(database: Database, wanted: IndexAgain) -> None:
    """A step of the job: the next posts, and a job for those behind them. The texts themselves do not change."""
    async with database.write() as tx:
        ids = await lock_next_posts(tx, wanted.after, _STEP)
        for post in (await list_posts_by_ids_unscoped(tx, ids)).values():
            await update_words(tx, msgspec.structs.replace(post, hashtags=tuple(map(hashtag_key, post.hashtag_names))))
        if len(ids) == _STEP:
            tx.enqueue(INDEX_JOB, IndexAgain(ids[-1]))
