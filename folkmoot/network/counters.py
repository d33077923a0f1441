"""Counters as deltas: a change adds a row, a timed job folds the rows into totals.

So a thousand people who favourite one post do not wait for each other's row lock. Readers of a page take the totals,
which lag by about a second; the answer to one's own change adds the deltas that are waiting.
"""

from collections.abc import Iterable
from enum import IntEnum

from folkmoot.base.db import Database, WriteTx


class Counter(IntEnum):
    """What is counted, of which subject. Stored."""

    ACCOUNT_POSTS = 1
    ACCOUNT_FOLLOWERS = 2
    ACCOUNT_FOLLOWING = 3
    POST_REPLIES = 11
    POST_BOOSTS = 12
    POST_FAVOURITES = 13


_OF_ACCOUNTS = {Counter.ACCOUNT_POSTS: "posts", Counter.ACCOUNT_FOLLOWERS: "followers", Counter.ACCOUNT_FOLLOWING: "following"}
_OF_POSTS = {Counter.POST_REPLIES: "replies", Counter.POST_BOOSTS: "boosts", Counter.POST_FAVOURITES: "favourites"}


async def add_deltas(tx: WriteTx, deltas: Iterable[tuple[int, Counter, int]]) -> None:
    """Counts (subject id, counter, delta) in the transaction of the change."""
    rows = list(deltas)
    await tx.execute(
        "INSERT INTO counter_deltas (subject_id, counter, delta) SELECT * FROM unnest($1::bigint[], $2::smallint[], $3::int[])",
        [subject for subject, _, _ in rows], [int(counter) for _, counter, _ in rows], [delta for _, _, delta in rows],
    )


async def fold_counters(database: Database) -> None:
    """Folds the waiting deltas into the totals, in one transaction. By the clock, about once a second."""
    async with database.write() as tx:
        rows = await tx.fetch(
            """
            WITH taken AS (DELETE FROM counter_deltas RETURNING subject_id, counter, delta, at)
            SELECT subject_id, counter, sum(delta)::int AS delta, max(at) AS at FROM taken
            GROUP BY subject_id, counter ORDER BY subject_id
            """
        )
        for table, key, counters in (
            ("account_counts", "account_id", _OF_ACCOUNTS),
            ("post_counts", "post_id", _OF_POSTS),
        ):
            sums: dict[int, dict[str, int]] = {}
            for row in rows:
                if row["counter"] in counters:
                    sums.setdefault(row["subject_id"], {})[counters[row["counter"]]] = row["delta"]
            if sums:
                await _add(tx, table, key, list(counters.values()), sums)
        posted = [row for row in rows if row["counter"] == Counter.ACCOUNT_POSTS and row["delta"] > 0]
        if posted:
            await tx.execute(
                "UPDATE account_counts SET last_post_at = greatest(last_post_at, t.at)"
                " FROM unnest($1::bigint[], $2::timestamptz[]) AS t (id, at) WHERE account_id = t.id",
                [row["subject_id"] for row in posted], [row["at"] for row in posted],
            )


async def _add(tx: WriteTx, table: str, key: str, names: list[str], sums: dict[int, dict[str, int]]) -> None:
    """Adds to the totals; what is gone in the meantime is left out."""
    subject = "accounts" if table == "account_counts" else "posts"
    t_names = ", ".join(f"t.{name}" for name in names)
    await tx.execute(
        f"""
        INSERT INTO {table} ({key}, {", ".join(names)})
        SELECT t.id, {t_names} FROM unnest($1::bigint[], $2::int[], $3::int[], $4::int[]) AS t (id, {", ".join(names)})
        JOIN {subject} ON {subject}.id = t.id FOR KEY SHARE OF {subject}
        ON CONFLICT ({key}) DO UPDATE SET {", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in names)}
        """,
        list(sums), *[[values.get(name, 0) for values in sums.values()] for name in names],
    )
