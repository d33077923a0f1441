"""Inserts, changes, deletes and counts follows and follow requests."""

from datetime import datetime

from folkmoot.base import clock
from folkmoot.base.db import WriteTx
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.counters import Counter, insert_deltas_sql
from folkmoot.network.relations.model import FollowOptions

_COUNT_FOLLOWS = insert_deltas_sql(f"""
    SELECT t.subject_id, t.counter, ($2 * count(*))::int
    FROM (SELECT account_id, target_id FROM follows WHERE account_id = $1
          UNION SELECT follower_id, account_id FROM followers WHERE account_id = $1) AS f
    JOIN accounts AS a ON a.id = f.account_id JOIN accounts AS ta ON ta.id = f.target_id
    CROSS JOIN LATERAL (VALUES (f.account_id, {Counter.ACCOUNT_FOLLOWING:d}), (f.target_id, {Counter.ACCOUNT_FOLLOWERS:d}))
        AS t (subject_id, counter)
    WHERE a.effect < {AccountEffect.SUSPENDED:d} AND ta.effect < {AccountEffect.SUSPENDED:d}
    GROUP BY 1, 2
""")


async def count_follows(tx: WriteTx, account_id: int, sign: int) -> None:
    """Counts an account's follows and followers with `sign`; only follows between accounts that are not suspended."""
    await tx.execute(_COUNT_FOLLOWS, account_id, sign)


async def insert_follow(tx: WriteTx, account_id: int, target_id: int, row_id: int, options: FollowOptions) -> bool:
    """Stores both directions. Returns False when the follow exists; it stays as it is."""
    return bool(await tx.fetchval(
        """
        WITH made AS (
            INSERT INTO follows (account_id, target_id, id, shows_boosts, notifies, languages, is_pulled)
            VALUES ($1, $2, $3, $4, $5, $6, EXISTS (SELECT FROM pulled_authors WHERE account_id = $2)) ON CONFLICT DO NOTHING RETURNING true
        ), other_side AS (
            INSERT INTO followers (account_id, follower_id, id) SELECT $2, $1, $3 FROM made ON CONFLICT DO NOTHING
        )
        SELECT true FROM made
        """,
        account_id, target_id, row_id, *_columns_of(options),
    ))


async def update_follow(tx: WriteTx, account_id: int, target_id: int, options: FollowOptions) -> None:
    await tx.execute(
        "UPDATE follows SET shows_boosts = $3, notifies = $4, languages = $5 WHERE account_id = $1 AND target_id = $2",
        account_id, target_id, *_columns_of(options),
    )


async def delete_follow(tx: WriteTx, account_id: int, target_id: int) -> bool:
    """Deletes both directions, and stores when the follow ended; returns whether there was one."""
    await tx.execute("DELETE FROM followers WHERE account_id = $1 AND follower_id = $2", target_id, account_id)
    return bool(await tx.execute(
        """
        WITH deleted AS (DELETE FROM follows WHERE account_id = $1 AND target_id = $2 RETURNING account_id, target_id)
        INSERT INTO ended_follows (account_id, target_id, ended_at) SELECT account_id, target_id, $3 FROM deleted
        ON CONFLICT (account_id, target_id) DO UPDATE SET ended_at = excluded.ended_at
        """,
        account_id, target_id, clock.now(),
    ))


async def delete_ended_follows(tx: WriteTx, before: datetime) -> None:
    await tx.execute("DELETE FROM ended_follows WHERE ended_at < $1", before)


async def upsert_request(tx: WriteTx, account_id: int, requester_id: int, row_id: int, options: FollowOptions) -> bool:
    """Inserts a request, or changes the options of an existing one. Returns True when it is new."""
    return bool(await tx.fetchval(
        "INSERT INTO follow_requests (account_id, requester_id, id, shows_boosts, notifies, languages) VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT (account_id, requester_id) DO UPDATE SET shows_boosts = $4, notifies = $5, languages = $6 RETURNING xmax = 0",
        account_id, requester_id, row_id, *_columns_of(options),
    ))


async def delete_request(tx: WriteTx, account_id: int, requester_id: int) -> FollowOptions | None:
    """Deletes a request; returns its options, None when there was none."""
    row = await tx.fetchrow(
        "DELETE FROM follow_requests WHERE account_id = $1 AND requester_id = $2 RETURNING shows_boosts, notifies, languages",
        account_id, requester_id,
    )
    if row is None:
        return None
    languages = tuple(row["languages"]) if row["languages"] else None
    return FollowOptions(shows_boosts=row["shows_boosts"], notifies=row["notifies"], languages=languages)


def _columns_of(options: FollowOptions) -> tuple[bool, bool, list[str] | None]:
    return options.shows_boosts, options.notifies, list(options.languages) if options.languages else None


async def insert_pulled_authors(tx: WriteTx, most_followers: int) -> None:
    """Marks authors with more followers than this as pulled, and every follow of them too."""
    await tx.execute(
        "INSERT INTO pulled_authors SELECT account_id FROM account_counts WHERE followers > $1 ON CONFLICT DO NOTHING", most_followers
    )
    await tx.execute(
        """
        UPDATE follows SET is_pulled = true FROM pulled_authors AS author JOIN followers AS fo USING (account_id)
        WHERE follows.account_id = fo.follower_id AND follows.target_id = fo.account_id AND NOT follows.is_pulled
        """
    )


async def delete_pulled_authors(tx: WriteTx, followers: int) -> list[int]:
    """Returns authors with at most this many followers to push. Returns their followers, whose homes now have gaps."""
    rows = await tx.fetch(
        """
        WITH deleted AS (
            DELETE FROM pulled_authors AS author USING account_counts AS c
            WHERE c.account_id = author.account_id AND c.followers <= $1 RETURNING author.account_id
        )
        UPDATE follows SET is_pulled = false FROM deleted JOIN followers AS fo USING (account_id)
        WHERE follows.account_id = fo.follower_id AND follows.target_id = fo.account_id AND follows.is_pulled
        RETURNING follows.account_id
        """,
        followers,
    )
    return [row["account_id"] for row in rows]


async def delete_some_follows(tx: WriteTx, account_id: int, most: int) -> list[tuple[int, int]]:
    """Deletes follows by and of an account that leaves. Returns (follower, target) of each, none when none are left. Uses the
    primary keys of both tables."""
    rows = await tx.fetch(
        """
        WITH batch AS (
            (SELECT account_id AS follower_id, target_id FROM follows WHERE account_id = $1 LIMIT $2)
            UNION (SELECT follower_id, account_id FROM followers WHERE account_id = $1 LIMIT $2)
        ), gone AS (
            DELETE FROM followers USING batch WHERE followers.account_id = batch.target_id AND followers.follower_id = batch.follower_id
        )
        DELETE FROM follows USING batch WHERE follows.account_id = batch.follower_id AND follows.target_id = batch.target_id
        RETURNING follows.account_id, follows.target_id
        """,
        account_id, most,
    )
    return [(row["account_id"], row["target_id"]) for row in rows]
