"""SQL of exact limits: `rate_windows`, an UNLOGGED table. Uses the clock of the database, which is the same for all hosts."""

from collections.abc import Sequence

from folkmoot.base.db import CacheTx, Row

_SKEW = 60  # seconds: the row may be newer than now() of a statement that waited for its lock


async def count_use(cache: CacheTx, key: str, seconds: int) -> tuple[int, int]:
    """Counts a use; returns (uses in this window, its end in seconds since 1970). A window begins with its first use.

    A window that ends later than possible comes from a wrong clock, and is replaced.
    """
    row: Row = await cache.fetchrow(
        f"""
        INSERT INTO rate_windows AS w (key, ends_at, count) VALUES ($1, now() + make_interval(secs => $2), 1)
        ON CONFLICT (key) DO UPDATE SET (count, ends_at) = (
            SELECT CASE WHEN is_open THEN w.count + 1 ELSE 1 END, CASE WHEN is_open THEN w.ends_at ELSE excluded.ends_at END
            FROM (SELECT w.ends_at > now() AND w.ends_at <= excluded.ends_at + interval '{_SKEW} seconds' AS is_open) AS o
        )
        RETURNING count, ceil(extract(epoch FROM ends_at))::bigint AS ends
        """,
        key, float(seconds),
    )
    return row["count"], row["ends"]


async def delete_old_windows(cache: CacheTx) -> None:
    """Deletes expired windows, and those of a clock that was ahead: no window lasts longer than a day."""
    await cache.execute("DELETE FROM rate_windows WHERE ends_at < now() OR ends_at > now() + interval '2 days'")
    await cache.execute("DELETE FROM rate_buckets WHERE window_start < now() - interval '1 day'")  # of the previous release


async def delete_windows(cache: CacheTx, keys: Sequence[str]) -> None:
    """Deletes the windows of these keys, whatever the limit, and of pairs (`key other`) that contain one of them."""
    await cache.execute(
        """
        DELETE FROM rate_windows AS w USING unnest($1::text[]) AS k (key)
        WHERE substr(w.key, strpos(w.key, ':') + 1) = k.key OR starts_with(substr(w.key, strpos(w.key, ':') + 1), k.key || ' ')
           OR right(w.key, length(k.key) + 1) = ' ' || k.key
        """,
        list(keys),
    )
