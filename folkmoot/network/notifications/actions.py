"""Reading and dismissing notifications; policies and requests."""

from collections.abc import Mapping, Sequence

import msgspec

from folkmoot.base.db import WriteTx
from folkmoot.base.errors import FieldError, Invalid, NotFound
from folkmoot.network.notifications import queries
from folkmoot.network.notifications.model import (
    MERGED,
    Inserted,
    Kind,
    Marker,
    NotificationsArrived,
    Policy,
    RequestsAccepted,
    Treatment,
    topic,
)

TIMELINES = ("home", "notifications")


async def dismiss(tx: WriteTx, account_id: int, notification_id: int) -> None:
    """Deletes a notification of the account, also a filtered one. Raises NotFound."""
    if not await dismiss_several(tx, account_id, [notification_id]):
        raise NotFound


async def dismiss_several(tx: WriteTx, account_id: int, notification_ids: Sequence[int]) -> int:
    """Deletes the account's own among these notifications; ignores others. Returns how many."""
    deleted = await queries.delete_notifications(tx, account_id, notification_ids)
    return deleted + await queries.delete_filtered(tx, account_id, notification_ids)


async def dismiss_group(tx: WriteTx, account_id: int, key: str) -> None:
    """Deletes the notifications of a group, if there are any."""
    await queries.delete_group(tx, account_id, key)


async def clear(tx: WriteTx, account_id: int) -> None:
    """Deletes all notifications of an account. Those that were filtered stay in their requests."""
    await queries.delete_notifications(tx, account_id)
    tx.publish(topic(account_id), 0)


async def tell_from_network(tx: WriteTx, account_id: int, kind: Kind, reference_id: int) -> None:
    """Notifies a member of a statement, a report or an appeal. Replaces an earlier notification about the same one."""
    announce(tx, await queries.insert_from_network(tx, account_id, kind, reference_id))


async def tell_several_from_network(tx: WriteTx, kind: Kind, told: Sequence[tuple[int, int]]) -> None:
    """The same for several (account, reference) that nobody was told of before."""
    announce(tx, await queries.insert_several_from_network(tx, kind, told))


async def take_back_from_network(tx: WriteTx, kind: Kind, told: Sequence[tuple[int, int]]) -> None:
    """Deletes notifications from the network, each (account, reference), that are not true any more."""
    if told:
        await queries.delete_several_from_network(tx, kind, told)
    for account_id, _ in told:
        tx.publish(topic(account_id), 0)


def announce(tx: WriteTx, inserted: Sequence[Inserted]) -> None:
    """Tells open pages and streams of new notifications, and sleeping devices through notifications.arrived."""
    for account_id, notification_id, _ in inserted:
        tx.publish(topic(account_id), notification_id)
    waking = tuple((one.account_id, one.id) for one in inserted if one.wakes)
    if waking:
        tx.tell(NotificationsArrived(arrived=waking))


async def mark_read(tx: WriteTx, account_id: int, timeline: str, last_read_id: int) -> Marker:
    """Stores how far the account has read. Raises Invalid for a timeline without a marker."""
    if timeline not in TIMELINES:
        raise Invalid(FieldError("timeline", "inclusion", "There is no such timeline."))
    marker = await queries.upsert_marker(tx, account_id, timeline, last_read_id)
    if timeline == "notifications":
        tx.publish(topic(account_id), 0)
    return marker


async def change_policy(tx: WriteTx, account_id: int, changes: Mapping[str, Treatment]) -> Policy:
    """Changes the fields of `changes`, and returns the whole policy. What waits in requests goes on waiting."""
    policy = msgspec.structs.replace(await queries.lock_policy(tx, account_id), **changes)
    if policy == Policy():
        await queries.delete_policy(tx, account_id)
    else:
        await queries.update_policy(tx, account_id, policy)
    return policy


async def accept_request(tx: WriteTx, account_id: int, request_id: int) -> None:
    """Accepts one request; see `accept_requests`. Raises NotFound."""
    if not await accept_requests(tx, account_id, [request_id]):
        raise NotFound


async def accept_requests(tx: WriteTx, account_id: int, request_ids: Sequence[int]) -> int:
    """Merges the notifications of these requests of the account into the others, and lets their senders through from now on.

    Tells notifications.accepted. Returns how many requests were accepted; ignores others.
    """
    sender_ids = await queries.list_waiting_senders(tx, account_id, request_ids)
    await accept_senders(tx, account_id, sender_ids)
    return len(sender_ids)


async def accept_senders(tx: WriteTx, account_id: int, sender_ids: Sequence[int]) -> None:
    """The same for the requests of these senders."""
    if not sender_ids:
        return
    await queries.allow_senders(tx, account_id, sender_ids)
    message_ids = await queries.merge_filtered(tx, account_id, sender_ids)
    tx.publish(topic(account_id), MERGED)
    tx.tell(RequestsAccepted(account_id=account_id, message_ids=tuple(message_ids)))


async def dismiss_request(tx: WriteTx, account_id: int, request_id: int) -> None:
    """Deletes a request with its notifications. The sender's next one makes a new request. Raises NotFound."""
    if not await dismiss_requests(tx, account_id, [request_id]):
        raise NotFound


async def dismiss_requests(tx: WriteTx, account_id: int, request_ids: Sequence[int]) -> int:
    """The same for the account's own among these requests; ignores others. Returns how many."""
    deleted = await queries.delete_requests(tx, account_id, request_ids)
    if deleted:
        tx.publish(topic(account_id), 0)
    return deleted


async def stop_allowing(tx: WriteTx, account_id: int, sender_id: int) -> None:
    """The policy applies again to a sender whose request was accepted. Raises NotFound for others."""
    if not await queries.delete_allowed(tx, account_id, sender_id):
        raise NotFound
