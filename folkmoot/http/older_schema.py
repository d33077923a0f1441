"""A schema that is older than the code: a standby may be upgraded before its primary (decision 0071)."""

import asyncio
import contextlib

from folkmoot.base.database_facts import get_schema_number
from folkmoot.base.db import Database
from folkmoot.base.errors import Unavailable
from folkmoot.base.migrate import migrate, newest_number
from folkmoot.config import Settings
from folkmoot.http.writing_host import WritingHost
from folkmoot.portability.host import Host

_SCHEMA_SECONDS = 1.0  # between looks at an old schema
_ANSWER_SECONDS = 5.0  # of a database that may not answer yet


async def wait_for_schema(settings: Settings, database: Database, hosts: WritingHost) -> "asyncio.Task[None]":
    """Looks until the schema has arrived; the primary answers meanwhile. If this host is promoted before, it brings the schema up
    to date itself."""
    needed = newest_number()

    async def is_older() -> bool | None:
        """None if it is not known, because the database does not answer yet."""
        with contextlib.suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(_ANSWER_SECONDS), database.read() as conn:
                return await get_schema_number(conn) < needed
        return None

    async def wait() -> None:
        while (found := await is_older()) is not False:
            hosts.lacks_schema = bool(found)
            if found and not database.is_standby and hosts.is_primary:
                await migrate(settings.dsn, Host(settings.data).writing_epoch)
            await asyncio.sleep(_SCHEMA_SECONDS)
        hosts.lacks_schema = False

    hosts.lacks_schema = bool(await is_older())
    return asyncio.create_task(wait(), name="schema")
