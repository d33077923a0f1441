"""Removes an account that leaves: every row and file, in transactions of at most a few hundred rows.

Each step removes what it finds until nothing is left, so it can be interrupted anywhere and run again. The account was hidden
first, so removing its rows changes no count. Its own row is deleted last; until then the departure says that it is being
removed. What stays: records of moderation, without words (decision 0046), and others' posts, which may contain the name as
text (decision 0056).
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from folkmoot.base import clock
from folkmoot.base.db import Database, WriteTx
from folkmoot.base.file_store import FileStore
from folkmoot.network.accounts.actions import delete_account
from folkmoot.network.accounts.model import Account
from folkmoot.network.accounts.queries import get_account, lock_account
from folkmoot.network.conversations.queries import forget_participant
from folkmoot.network.departures import queries
from folkmoot.network.departures.model import LIFECYCLE, REMOVE_JOB, Leaving, State
from folkmoot.network.exports.actions import remove_exports_of
from folkmoot.network.media.actions import remove_some_of
from folkmoot.network.notifications.queries import delete_some_notifications
from folkmoot.network.posts.actions.delete import remove_posts
from folkmoot.network.posts.queries import leaving
from folkmoot.network.posts.queries.counting import lock_effects_shared
from folkmoot.network.posts.queries.removing import lock_posts
from folkmoot.network.recordings.actions import remove_recordings_of
from folkmoot.network.relations.actions import end_some_follows
from folkmoot.network.relations.queries import delete_other_relations
from folkmoot.network.sessions import queries as logins
from folkmoot.network.sessions.actions import forget_viewer
from folkmoot.network.sessions.limits import forget_uses_by
from folkmoot.network.sessions.mails import forget_mails, remove_from_outbox
from folkmoot.network.timelines.queries.homes import delete_home

POSTS_AT_ONCE = 50
ROWS_AT_ONCE = 500
_UNTIL_MAIL_IS_SENT = timedelta(seconds=5)
_LONGEST_RUN = 240.0  # seconds; then the job enqueues itself again, so that others get their turn


class _MailUnderWay(Exception):
    """A mail to the member is being sent. It would be written to the outbox after that is searched."""


@dataclass(frozen=True)
class Remover:
    """Removes accounts. `pictures` and `exports` hold files; `outbox` the mails of a network without SMTP."""

    pictures: FileStore
    exports: FileStore
    outbox: Path
    base_url: str

    async def remove(self, database: Database, wanted: Leaving) -> None:
        """Removes an account whose time to stay is over. A job. Tells post.deleted for each post and account.deleted."""
        try:
            if not await self._begin(database, wanted):
                return
        except _MailUnderWay:
            async with database.write() as tx:
                tx.enqueue(REMOVE_JOB, wanted, _UNTIL_MAIL_IS_SENT)
            return
        ends_at = clock.monotonic() + _LONGEST_RUN
        async for _ in self._steps(database, wanted.account_id):
            if clock.monotonic() > ends_at:
                async with database.write() as tx:
                    tx.enqueue(REMOVE_JOB, wanted)
                return
        async with database.cache() as cache:
            await delete_home(cache, wanted.account_id)
        async with database.write() as tx:
            account = await lock_account(tx, wanted.account_id)  # from here on nobody mentions it any more
            await self._forget_mentions(tx, account)
            await forget_participant(tx, wanted.account_id)
            await delete_account(tx, wanted.account_id)

    async def _forget_mentions(self, tx: WriteTx, account: Account) -> bool:
        return await leaving.forget_mentions_of(tx, account.id, f"{self.base_url}/@{account.acct}", ROWS_AT_ONCE)

    async def _begin(self, database: Database, wanted: Leaving) -> bool:
        """The moment after which nobody can stay. Deletes the log-in and unsent mails. Returns False if there is nothing to remove."""
        async with database.write() as tx:
            departure = await queries.lock_departure(tx, wanted.account_id)
            if departure is None or departure.asked_at != wanted.asked_at:
                return False  # removed, or the member stayed
            if departure.state is State.WAITING and not departure.is_due:  # the clock was set back
                tx.enqueue(REMOVE_JOB, wanted, departure.due_at - departure.asked_at)
                return False
            if departure.state is State.WAITING:
                await queries.update_state(tx, wanted.account_id, LIFECYCLE.step(departure.state, State.REMOVING))
            account = await get_account(tx, wanted.account_id)
            addresses = await logins.delete_login(tx, wanted.account_id)
            if not await forget_mails(tx, addresses):
                raise _MailUnderWay
            forget_viewer(tx, wanted.account_id)
            # Inside the transaction, because the address is not known after it.
            await remove_from_outbox(self.outbox, addresses)
            await forget_uses_by(database, [str(account.id), account.username.lower(), *addresses])
        return True

    async def _steps(self, database: Database, account_id: int) -> AsyncIterator[None]:
        """Runs each step until it finds nothing more; yields after each transaction that removed something."""
        async with database.read() as conn:
            account = await get_account(conn, account_id)
        steps: list[Callable[[WriteTx], Awaitable[bool]]] = [
            lambda tx: _remove_some_posts(tx, account_id),
            lambda tx: remove_recordings_of(tx, self.pictures, account_id, POSTS_AT_ONCE),
            lambda tx: remove_some_of(tx, self.pictures, account_id, POSTS_AT_ONCE),
            lambda tx: leaving.delete_marks_of(tx, account_id, ROWS_AT_ONCE),
            lambda tx: self._forget_mentions(tx, account),
            lambda tx: leaving.forget_parents_of(tx, account_id, ROWS_AT_ONCE),
            lambda tx: end_some_follows(tx, account_id, ROWS_AT_ONCE),
            lambda tx: delete_some_notifications(tx, account_id, ROWS_AT_ONCE),
            lambda tx: remove_exports_of(tx, self.exports, account_id),
            lambda tx: _forget_relations(tx, account_id),
        ]
        for step in steps:
            has_more = True
            while has_more:
                async with database.write() as tx:
                    has_more = await step(tx)
                if has_more:  # so that a run always comes further
                    yield


async def _remove_some_posts(tx: WriteTx, account_id: int) -> bool:
    await lock_effects_shared(tx)
    post_ids = await leaving.list_ids_of(tx, account_id, POSTS_AT_ONCE)
    await remove_posts(tx, await lock_posts(tx, post_ids))
    return bool(post_ids)


async def _forget_relations(tx: WriteTx, account_id: int) -> bool:
    await delete_other_relations(tx, account_id)
    await forget_participant(tx, account_id)
    return False
