"""Who may quote a post, and taking one's post out of a quote. A post that quotes is written by `create_post`."""

from collections.abc import Sequence

from folkmoot.base import clock
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.network.accounts.model import Account
from folkmoot.network.posts.events import QuoteRevoked
from folkmoot.network.posts.model import PostView, QuotePolicy, Visibility
from folkmoot.network.posts.queries import get_fresh_view, get_post_view, get_view_taken_back
from folkmoot.network.posts.queries.counting import count_posts, lock_effects_shared
from folkmoot.network.posts.queries.quoting import find_quoting, revoke_quotes, update_quote_policy
from folkmoot.network.posts.queries.removing import lock_posts
from folkmoot.network.posts.queries.writing import lock_own_post


async def set_quote_policy(tx: WriteTx, author: Account, post_id: int, policy: QuotePolicy | None) -> PostView:
    """Changes who may quote a post from now on (None leaves it); quotes that exist stay. Posts that are not for everybody stay as
    they are: only their author may quote them. Raises NotFound for a post of another account, and for a boost."""
    if not await lock_own_post(tx, author.id, post_id):
        raise NotFound
    post = (await get_post_view(tx, post_id, author.id)).post
    if post.boost_of_id:
        raise NotFound
    if policy is not None and post.visibility <= Visibility.UNLISTED:
        await update_quote_policy(tx, post_id, policy)
    return await get_fresh_view(tx, post_id, author.id)


async def revoke_quote(tx: WriteTx, author: Account, post_id: int, quoting_id: int) -> PostView:
    """Takes a post of the author out of a post that quotes it, for good; returns the quoting post. A second call changes nothing.

    Tells quote.revoked. Raises NotFound for a post of another account, and for one that `quoting_id` does not quote.
    """
    await lock_effects_shared(tx)  # before any post: see decision 0045
    if not await lock_own_post(tx, author.id, post_id) or not await find_quoting(tx, post_id, quoting_id):
        raise NotFound
    await end_quotes(tx, [quoting_id])
    return await get_view_taken_back(tx, quoting_id, author.id)


async def end_quotes(tx: WriteTx, quoting_ids: Sequence[int]) -> None:
    """Revokes the quotes in these posts. Tells quote.revoked for each."""
    await lock_effects_shared(tx)
    await lock_posts(tx, quoting_ids)
    await count_posts(tx, quoting_ids, -1)
    revoked = await revoke_quotes(tx, quoting_ids, clock.now())
    await count_posts(tx, quoting_ids, 1)
    tx.tell(*(QuoteRevoked(post_id=post_id, account_id=account_id) for post_id, account_id in revoked))
