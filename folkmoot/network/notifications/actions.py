"""Reading and dismissing notifications."""

from collections.abc import Sequence

from folkmoot.base.db import WriteTx
from folkmoot.base.errors import FieldError, Invalid, NotFound
from folkmoot.network.notifications import queries
from folkmoot.network.notifications.model import Inserted, Kind, Marker, NotificationsArrived, topic

TIMELINES = ("home", "notifications")


async def dismiss(tx: WriteTx, account_id: int, notification_id: int) -> None:
    """Deletes a notification of the account. Raises NotFound."""
    if not await queries.delete_notifications(tx, account_id, [notification_id]):
        raise NotFound


async def dismiss_several(tx: WriteTx, account_id: int, notification_ids: Sequence[int]) -> None:
    """Deletes the account's own among these notifications; ignores others."""
    await queries.delete_notifications(tx, account_id, notification_ids)


async def dismiss_group(tx: WriteTx, account_id: int, key: str) -> None:
    """Deletes the notifications of a group, if there are any."""
    await queries.delete_group(tx, account_id, key)


async def clear(tx: WriteTx, account_id: int) -> None:
    """Deletes all notifications of an account."""
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
