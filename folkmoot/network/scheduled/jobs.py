"""Publishes scheduled posts that are due, each in a transaction of its own: post and draft change together, or not at all.

A timed job reads the times from the table, so nothing is lost by a restart or a move, and a clock that was set back publishes
nothing again. The clock of the host decides when a post is due.
"""

import logging

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.base.errors import Forbidden, Invalid, NotFound
from folkmoot.base.queue.faults import is_database_fault
from folkmoot.network.accounts.queries import get_account
from folkmoot.network.notifications.actions import tell_from_network
from folkmoot.network.notifications.model import Kind
from folkmoot.network.posts.actions import PostLimits
from folkmoot.network.posts.screening import Screener
from folkmoot.network.scheduled import queries
from folkmoot.network.scheduled.actions import publish_scheduled
from folkmoot.network.scheduled.model import MOST_TRIES, Failure, ScheduledPost

_log = logging.getLogger(__name__)


async def publish_due(database: Database, limits: PostLimits, screener: Screener) -> None:
    """Publishes all posts that are due. One that cannot be published stays as a draft, and its author is told. A timed job."""
    done: list[int] = []
    while scheduled := await _publish_next(database, limits, screener, done):
        done.append(scheduled.id)


async def _publish_next(database: Database, limits: PostLimits, screener: Screener, done: list[int]) -> ScheduledPost | None:
    """Publishes the next post, without those in `done`. Returns it, also if it failed; None if there is no more."""
    scheduled = None
    try:
        async with database.write() as tx:
            found = await queries.lock_next_due(tx, clock.now(), done)
            if found is None:
                return None
            scheduled, can_log_in = found
            if not can_log_in:
                raise Forbidden
            await publish_scheduled(tx, await get_account(tx, scheduled.account_id), scheduled, limits, screener)
    except Exception as error:
        if scheduled is None or is_database_fault(error):
            raise
        await _remember(database, scheduled, error)
    return scheduled


async def _remember(database: Database, scheduled: ScheduledPost, error: Exception) -> None:
    """Stores why a post was not published. After an unexpected error it is tried again, a few times."""
    failure = _failure_of(error)
    if failure is Failure.ERROR:
        _log.error("scheduled post %d was not published", scheduled.id, exc_info=error)
    async with database.write() as tx:
        if failure is Failure.ERROR and scheduled.tries + 1 < MOST_TRIES:
            await queries.add_try(tx, scheduled)
        elif await queries.update_failure(tx, scheduled, failure):
            await tell_from_network(tx, scheduled.account_id, Kind.UNPUBLISHED, scheduled.id)


def _failure_of(error: Exception) -> Failure:
    match error:
        case Forbidden():
            return Failure.FROZEN
        case NotFound():
            return Failure.REPLY
        case Invalid() if any(one.field == "media_ids" for one in error.errors):
            return Failure.PICTURES
        case Invalid():
            return Failure.INVALID
    return Failure.ERROR
