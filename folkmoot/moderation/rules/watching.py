"""Keeps rules and policy of a process up to date, in the way of `clauses/watching.py`: one small statement a second each."""

import asyncio
import logging

from folkmoot.base.db import Database
from folkmoot.base.errors import Unavailable
from folkmoot.moderation.clauses.watching import PolicyWatch
from folkmoot.moderation.rules import published
from folkmoot.moderation.rules.queries import versions as queries

_ANSWER_SECONDS = 2.0  # of a database that may not answer yet; it must not delay the start of a process
log = logging.getLogger(__name__)


class RuleWatch(PolicyWatch):
    """Reads the network's own rules and policies at the start and whenever they have changed."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._newest_switch: int | None = None

    async def refresh(self) -> None:
        """Changes nothing while the database does not answer."""
        await super().refresh()
        try:
            async with asyncio.timeout(_ANSWER_SECONDS), self._database.read() as conn:
                newest = await queries.get_newest_switch(conn)
                if newest == self._newest_switch:
                    return
                if newest:
                    own = await queries.list_rules(conn), await queries.list_switches(conn), await queries.find_trial(conn)
                    published.replace_own(*own)
                else:
                    published.replace_own((), ())
        except (Unavailable, TimeoutError) as error:
            log.debug("rules were not read: %r", error)
            return
        if self._newest_switch is not None:
            log.info("the rules in force are %s", published.in_force().version)
        self._newest_switch = newest
