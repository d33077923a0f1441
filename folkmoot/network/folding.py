"""Folds counter deltas into the totals that pages read. Separate from `counters.py`, because it reads posts."""

from folkmoot.base.db import Database, WriteTx
from folkmoot.network.counters import Counter
from folkmoot.network.posts.visibility import open_sql

_OF_ACCOUNTS = {Counter.ACCOUNT_POSTS: "posts", Counter.ACCOUNT_FOLLOWERS: "followers", Counter.ACCOUNT_FOLLOWING: "following"}
_OF_POSTS = {
    Counter.POST_REPLIES: "replies", Counter.POST_BOOSTS: "boosts", Counter.POST_FAVOURITES: "favourites", Counter.POST_QUOTES: "quotes",
}

# The time of the newest post that counts. Uses the index posts_account, only for accounts whose posts changed.
_UPDATE_LAST_POSTS = f"""
    UPDATE account_counts SET last_post_at = (
        SELECT p.created_at FROM posts AS p JOIN accounts AS a ON a.id = p.account_id
        LEFT JOIN posts AS s ON s.id = p.boost_of_id LEFT JOIN accounts AS sa ON sa.id = s.account_id
        WHERE p.account_id = account_counts.account_id AND {open_sql("p", "a")} AND (p.boost_of_id IS NULL OR {open_sql("s", "sa")})
        ORDER BY p.id DESC LIMIT 1)
    WHERE account_id = ANY ($1::bigint[])
"""


async def fold_counters(database: Database) -> None:
    """Folds all deltas into the totals, in one transaction. A timed job, about once a second."""
    async with database.write() as tx:
        rows = await tx.fetch(
            """
            WITH taken AS (DELETE FROM counter_deltas RETURNING subject_id, counter, delta)
            SELECT subject_id, counter, sum(delta)::int AS delta FROM taken
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
        writers = [row["subject_id"] for row in rows if row["counter"] == Counter.ACCOUNT_POSTS]
        if writers:
            await tx.execute(_UPDATE_LAST_POSTS, writers)


async def _add(tx: WriteTx, table: str, key: str, names: list[str], sums: dict[int, dict[str, int]]) -> None:
    """Adds to the totals. Subjects deleted in the meantime are left out."""
    subject = "accounts" if table == "account_counts" else "posts"
    t_names = ", ".join(f"t.{name}" for name in names)
    arrays = ", ".join(f"${place}::int[]" for place in range(2, len(names) + 2))
    await tx.execute(
        f"""
        INSERT INTO {table} ({key}, {", ".join(names)})
        SELECT t.id, {t_names} FROM unnest($1::bigint[], {arrays}) AS t (id, {", ".join(names)})
        JOIN {subject} ON {subject}.id = t.id ORDER BY t.id FOR KEY SHARE OF {subject}
        ON CONFLICT ({key}) DO UPDATE SET {", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in names)}
        """,
        list(sums), *[[values.get(name, 0) for values in sums.values()] for name in names],
    )
