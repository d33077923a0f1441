"""Limits that hold across processes: log-in, sign-up and mail. Counted in PostgreSQL, in an UNLOGGED table."""

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.base.errors import TooMany

# (name, how many, per seconds)
LOG_IN_BY_ADDRESS = ("log_in_address", 25, 300)
LOG_IN_BY_ACCOUNT = ("log_in_account", 25, 3600)
LOG_IN_BY_DAY = ("log_in_day", 100, 86400)  # of one account, whatever it is called and whoever asks
SIGN_UP_BY_ADDRESS = ("sign_up_address", 5, 1800)
MAIL_BY_ADDRESS = ("mail_address", 25, 86400)
MAIL_TO_ACCOUNT = ("mail_account", 3, 86400)


async def spend(database: Database, limit: tuple[str, int, int], key: str, multiplier: float) -> None:
    """Counts one try by `key`. Raises TooMany once the limit is spent."""
    name, count, seconds = limit
    async with database.cache() as cache:
        row = await cache.fetchrow(
            """
            INSERT INTO rate_buckets (key, window_start, count)
            VALUES ($1, to_timestamp(floor(extract(epoch FROM now()) / $2) * $2), 1)
            ON CONFLICT (key, window_start) DO UPDATE SET count = rate_buckets.count + 1
            RETURNING count, window_start
            """,
            f"{name}:{key}", seconds,
        )
    assert row is not None
    if row["count"] > count * multiplier:
        wait = seconds - (clock.now() - row["window_start"]).total_seconds()
        raise TooMany(retry_after=max(1, wait))


async def forget_old(database: Database) -> None:
    """Drops windows that are over. By the clock."""
    async with database.cache() as cache:
        await cache.execute("DELETE FROM rate_buckets WHERE window_start < now() - interval '1 day'")
