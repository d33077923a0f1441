"""Keeps the policies of a process up to date. Every web process and worker runs it.

It polls, because a standby has no live messages: one small statement a second. While the database does not answer, the
policies that were read last stay in force.
"""

import asyncio
import logging

from folkmoot.base.db import Database
from folkmoot.base.errors import Unavailable
from folkmoot.moderation.clauses import published, queries

SECONDS = 1.0
_ANSWER_SECONDS = 2.0  # of a database that may not answer yet; it must not delay the start of a process
log = logging.getLogger(__name__)


class PolicyWatch:
    """Reads the network's own policies at the start and whenever they have changed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen: list[tuple[str, object]] | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        await self.refresh()
        self._task = asyncio.create_task(self._run(), name="policies")

    async def __aexit__(self, *_error: object) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def refresh(self) -> None:
        """Reads the policies if they have changed. Changes nothing while the database does not answer."""
        try:
            async with asyncio.timeout(_ANSWER_SECONDS), self._database.read() as conn:
                seen = await queries.list_stamps(conn)
                if seen == self._seen:
                    return
                published.replace_own(await queries.list_policies(conn) if seen else ())
        except (Unavailable, TimeoutError) as error:
            log.debug("policies were not read: %r", error)
            return
        if self._seen is not None:
            log.info("the policy in force is %s", published.current().version)
        self._seen = seen

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(SECONDS)
            try:
                await self.refresh()
            except Exception:  # the next attempt may succeed, and the process must not go on with old rules for ever
                log.exception("policies could not be read")
