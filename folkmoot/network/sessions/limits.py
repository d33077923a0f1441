"""Exact limits: counted in PostgreSQL, for all processes and hosts, and across restarts.

`base/limits.py` defines them. They protect log-in, sign-up, mail and reports.
"""

import math
from collections.abc import Sequence

from folkmoot.base.db import Database
from folkmoot.base.errors import TooMany
from folkmoot.base.limits import Allowance, limit_of
from folkmoot.network.sessions import queries
from folkmoot.network.sessions.addresses import email_key


async def count(database: Database, name: str, key: str, multiplier: float) -> Allowance:
    """Counts one use of a limit by `key`. Raises WritesPaused on a standby."""
    limit = limit_of(name, multiplier)
    async with database.cache() as cache:
        used, end = await queries.count_use(cache, f"{name}:{key}", limit.seconds)
    return Allowance(limit.times, limit.times - used, end)


async def spend(database: Database, name: str, key: str, multiplier: float, message: str | None = None) -> None:
    """Counts one use of a limit by `key`. Raises TooMany when none is left, WritesPaused on a standby.

    `message` may say how long to wait: `%(minutes)d`.
    """
    allowance = await count(database, name, key, multiplier)
    if allowance.is_spent:
        seconds = allowance.retry_after
        if message:
            raise TooMany(message, retry_after=seconds, minutes=math.ceil(seconds / 60))
        raise TooMany(retry_after=seconds)


async def spend_mail(database: Database, mailbox: str, caller: str, multiplier: float) -> None:
    """Counts a mail to a mailbox that a caller (an address or an account) asks for. One caller cannot use up those of all."""
    await spend(database, "mail_by_pair", f"{mailbox} {caller}", multiplier)
    await spend(database, "mail_to_mailbox", mailbox, multiplier)


async def forget_old(database: Database) -> None:
    """Deletes expired windows. A timed job."""
    async with database.cache() as cache:
        await queries.delete_old_windows(cache)


async def forget_uses_by(database: Database, keys: Sequence[str]) -> None:
    """Deletes the windows of these keys (account ids, names, e-mail addresses), for an account that is removed."""
    async with database.cache() as cache:
        await queries.delete_windows(cache, [*dict.fromkeys([*keys, *map(email_key, keys)])])
