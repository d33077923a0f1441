"""Waits until PostgreSQL answers, before a process opens its sessions.

A standby may wait for its primary before it answers, for as long as the primary is away. Its processes wait as well,
instead of failing and starting again.
"""

import asyncio
import logging

import asyncpg

from folkmoot.base import clock

_log = logging.getLogger(__name__)
_EVERY = 0.2  # seconds
_SAY_AFTER = 3.0
_CONNECT_SECONDS = 10.0
_NOT_YET = (OSError, asyncpg.CannotConnectNowError)  # no socket, no answer in time, or the server still recovers


async def await_database(dsn: str) -> None:
    """Returns when the database answers, or refuses for another reason than that it is starting. Logs one line if that takes long."""
    began, is_said = clock.monotonic(), False
    while True:
        try:
            connection = await asyncpg.connect(dsn, timeout=_CONNECT_SECONDS)
        except _NOT_YET as error:
            if not is_said and clock.monotonic() - began > _SAY_AFTER:
                _log.warning("This process waits until the database answers: %s", error)
                is_said = True
            await asyncio.sleep(_EVERY)
        except asyncpg.PostgresError:
            return
        else:
            await connection.close()
            return
