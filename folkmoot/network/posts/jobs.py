"""Jobs of posts: making their words for search and their hashtags again, after a release has changed how they are made; ending
quotes between accounts of which one has blocked the other."""

import msgspec

from folkmoot.base.db import Database
from folkmoot.base.tokens import hashtag_key
from folkmoot.network.posts.actions.quote import end_quotes
from folkmoot.network.posts.queries import list_posts_by_ids_unscoped
from folkmoot.network.posts.queries.quoting import list_standing_between
from folkmoot.network.posts.queries.writing import lock_next_posts, update_words
from folkmoot.network.relations.model import AccountBlocked

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


async def revoke_between(database: Database, event: AccountBlocked) -> None:
    """Revokes the quotes between two accounts after a block. Since the block nobody is shown them; now they stay revoked after its
    end, and are no longer counted."""
    while True:
        async with database.write() as tx:
            post_ids = await list_standing_between(tx, event.account_id, event.target_id, _STEP)
            if not post_ids:
                return
            await end_quotes(tx, post_ids)
