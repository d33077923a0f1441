"""Creates notifications, and deletes those of undone acts: one idempotent subscriber per event. `app.py` registers them."""

from collections.abc import Sequence

from folkmoot.base.db import Database
from folkmoot.base.gathering import Gathering
from folkmoot.network.notifications import queries
from folkmoot.network.notifications.actions import accept_senders, announce, stop_allowing, tell_from_network
from folkmoot.network.notifications.model import Kind, topic
from folkmoot.network.posts.events import PollClosed, PostCreated, PostDeleted, PostEdited, PostFavourited, PostUnfavourited
from folkmoot.network.posts.model import Visibility
from folkmoot.network.posts.queries import list_quoting_posts_unscoped
from folkmoot.network.relations.model import FollowEnded, FollowRequested, FollowRequestEnded, FollowStarted
from folkmoot.network.sessions.model import SignUpDecided, SignUpWaiting
from folkmoot.network.sessions.queries import count_waiting, list_operators

_BATCH = 1000


async def tell(database: Database, account_ids: Sequence[int], kind: Kind, sender_id: int, post_id: int | None) -> None:
    """Notifies accounts, a thousand per transaction, and publishes to their open pages."""
    for start in range(0, len(account_ids), _BATCH):
        async with database.write() as tx:
            announce(tx, await queries.insert_notifications(tx, account_ids[start : start + _BATCH], kind, sender_id, post_id))


async def tell_of_act(database: Database, account_id: int, kind: Kind, sender_id: int, post_id: int | None = None) -> None:
    """Notifies of an act that can be undone, unless it has been undone."""
    async with database.write() as tx:
        if await queries.lock_act(tx, account_id, kind, sender_id, post_id):
            announce(tx, await queries.insert_notifications(tx, [account_id], kind, sender_id, post_id))


async def forget_act(database: Database, account_id: int, kind: Kind, sender_id: int, post_id: int | None = None) -> None:
    """Deletes the notification of an act that was undone, unless it has been done again."""
    async with database.write() as tx:
        is_done = await queries.lock_act(tx, account_id, kind, sender_id, post_id)
        if not is_done and await queries.delete_of_act(tx, account_id, kind, sender_id, post_id):
            tx.publish(topic(account_id), 0)


async def _list_notified(database: Database, account_ids: list[int]) -> dict[int, list[int]]:
    async with database.read() as conn:
        return await queries.list_notified_followers_unscoped(conn, account_ids)


_notified = Gathering(_list_notified)


async def tell_of_post(database: Database, post: PostCreated) -> None:
    """Of a boost, notifies the author of the boosted post; of a post, the author of the quoted one, the mentioned and answered
    accounts, and followers who want a notification of every post. A quoted author who is also mentioned is notified once."""
    if post.boost_of_id:
        await tell_of_act(database, post.origin_id, Kind.BOOST, post.account_id, post.boost_of_id)
        return
    addressed = list(dict.fromkeys([*post.mentioned_ids, *filter(None, [post.reply_to_account_id])]))
    quoted = [post.quoted_account_id] if post.quoted_account_id and post.visibility < Visibility.DIRECT else []
    await tell(database, quoted, Kind.QUOTE, post.account_id, post.post_id)
    await tell(database, [id_ for id_ in addressed if id_ not in quoted], Kind.MENTION, post.account_id, post.post_id)
    notified = await _notified.add(database, post.account_id)
    others = [id_ for id_ in notified or () if id_ not in addressed and id_ not in quoted]
    if others and post.reply_to_account_id in (None, post.account_id):
        await tell(database, others, Kind.POST, post.account_id, post.post_id)


async def tell_of_favourite(database: Database, event: PostFavourited) -> None:
    await tell_of_act(database, event.author_id, Kind.FAVOURITE, event.account_id, event.post_id)


async def forget_favourite(database: Database, event: PostUnfavourited) -> None:
    await forget_act(database, event.author_id, Kind.FAVOURITE, event.account_id, event.post_id)


async def forget_boost(database: Database, event: PostDeleted) -> None:
    if event.boost_of_id:
        await forget_act(database, event.origin_id, Kind.BOOST, event.account_id, event.boost_of_id)


async def tell_of_follow(database: Database, event: FollowStarted) -> None:
    """Notifies of a follow. The request that it may have begun with is over."""
    await forget_act(database, event.target_id, Kind.FOLLOW_REQUEST, event.account_id)
    await tell_of_act(database, event.target_id, Kind.FOLLOW, event.account_id)


async def accept_followed(database: Database, event: FollowStarted) -> None:
    """Merges what waits of somebody whom its recipient follows now: a policy does not apply to them as long as the follow lasts."""
    async with database.read() as conn:
        waits = await queries.has_request(conn, event.account_id, event.target_id)
    if waits:
        async with database.write() as tx:
            await accept_senders(tx, event.account_id, [event.target_id])
            await stop_allowing(tx, event.account_id, event.target_id)


async def forget_follow(database: Database, event: FollowEnded) -> None:
    await forget_act(database, event.target_id, Kind.FOLLOW, event.account_id)


async def tell_of_request(database: Database, event: FollowRequested) -> None:
    await tell_of_act(database, event.target_id, Kind.FOLLOW_REQUEST, event.account_id)


async def forget_request(database: Database, event: FollowRequestEnded) -> None:
    await forget_act(database, event.target_id, Kind.FOLLOW_REQUEST, event.account_id)


async def tell_of_edit(database: Database, event: PostEdited) -> None:
    """Notifies those who boosted or quoted the post, and newly mentioned accounts."""
    await tell(database, event.newly_mentioned_ids, Kind.MENTION, event.account_id, event.post_id)
    async with database.read() as conn:
        boosters = await queries.list_boosters_unscoped(conn, event.post_id)
    await tell(database, boosters, Kind.UPDATE, event.account_id, event.post_id)
    await _tell_quoting(database, event)


async def _tell_quoting(database: Database, event: PostEdited) -> None:
    """Notifies those who quote an edited post, each of their own post."""
    above = 0
    while True:
        async with database.write() as tx:
            found = await list_quoting_posts_unscoped(tx, event.post_id, above, _BATCH)
            for account_id, quoting_id in found:
                announce(tx, await queries.insert_notifications(tx, [account_id], Kind.QUOTED_UPDATE, event.account_id, quoting_id))
        if len(found) < _BATCH:
            return
        above = found[-1][1]


async def tell_of_poll(database: Database, event: PollClosed) -> None:
    """Notifies the author and the voters of the result."""
    async with database.read() as conn:
        voters = await queries.list_voters_unscoped(conn, event.poll_id)
    await tell(database, list({event.account_id, *voters}), Kind.POLL, event.account_id, event.post_id)


async def tell_of_sign_up(database: Database, _event: SignUpWaiting) -> None:
    """Notifies the operators that people wait for approval: one notification for all of them, which moves to the top."""
    async with database.write() as tx:
        for operator in await list_operators(tx):
            await tell_from_network(tx, operator.account_id, Kind.SIGN_UP, operator.account_id)


async def forget_sign_ups(database: Database, _event: SignUpDecided) -> None:
    """Deletes the operators' notifications of sign-ups when nobody waits any more."""
    async with database.write() as tx:
        if await count_waiting(tx):
            return
        for operator in await list_operators(tx):
            await queries.delete_from_network(tx, operator.account_id, Kind.SIGN_UP, operator.account_id)


async def clear_requests(database: Database) -> None:
    """Deletes empty requests. A timed job."""
    has_more = True
    while has_more:
        async with database.write() as tx:
            has_more = await queries.delete_empty_requests_unscoped(tx, _BATCH) == _BATCH
