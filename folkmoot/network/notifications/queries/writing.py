"""Inserts and deletes notifications, and lists who is to be told."""

from collections.abc import Sequence

from folkmoot.base import clock, ids
from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.network.notifications.model import Inserted, Kind, Treatment
from folkmoot.network.notifications.queries.requests import delete_empty_request, delete_some_requests
from folkmoot.network.notifications.queries.treatment import treatment_sql
from folkmoot.network.posts.visibility import visible_sql
from folkmoot.network.relations.queries import domain_blocked_sql

# SQL: whether the account of an inserted row has a subscription to web push.
_WAKES = "EXISTS (SELECT FROM web_push_subscriptions AS s WHERE s.account_id = notifications.account_id) AS wakes"
# Recipients have a log-in here, are not the sender (except of polls), have not muted or blocked the sender or its domain or muted the
# conversation, are not blocked by the sender, and may see the post. Their policies decide what is filtered or dropped. A row of
# `allowed` locks the request, so that an acceptance at the same moment is seen; rows are locked in the order of their key.
# $1: the accounts, $2: kind, $3: sender, $4: post (may be NULL), $5: ids, $6: time.
_INSERT = f"""
    WITH told AS MATERIALIZED (
        SELECT told.account_id, told.id, {treatment_sql("np", "told.account_id", "sender", "$2::text", "p")} AS treatment
        FROM unnest($1::bigint[], $5::bigint[]) AS told (account_id, id)
        JOIN logins ON logins.account_id = told.account_id
        JOIN accounts AS sender ON sender.id = $3
        LEFT JOIN notification_policies AS np ON np.account_id = told.account_id
        LEFT JOIN posts AS p ON p.id = $4 LEFT JOIN accounts AS a ON a.id = p.account_id
        WHERE (told.account_id <> $3 OR $2 = '{Kind.POLL}')
          AND ($4::bigint IS NULL OR p.id IS NOT NULL AND {visible_sql("p", "a", "told.account_id")})
          AND NOT EXISTS (SELECT FROM mutes WHERE mutes.account_id = told.account_id AND mutes.target_id = $3
                          AND mutes.hides_notifications AND (mutes.expires_at IS NULL OR mutes.expires_at > now()))
          AND NOT EXISTS (SELECT FROM blocks WHERE blocks.account_id = told.account_id AND blocks.target_id = $3)
          AND NOT {domain_blocked_sql("told.account_id", "sender.domain")}
          AND NOT EXISTS (SELECT FROM blocks WHERE blocks.account_id = $3 AND blocks.target_id = told.account_id)
          AND NOT EXISTS (SELECT FROM muted_conversations AS m
                          WHERE m.account_id = told.account_id AND m.conversation_id = p.conversation_id)
          AND (np.account_id IS NULL OR NOT EXISTS (SELECT FROM notifications AS n WHERE n.account_id = told.account_id
                    AND n.kind = $2 AND n.from_id = $3 AND n.post_id IS NOT DISTINCT FROM $4 AND n.reference_id IS NULL)
                AND NOT EXISTS (SELECT FROM filtered_notifications AS fn WHERE fn.account_id = told.account_id
                    AND fn.kind = $2 AND fn.from_id = $3 AND fn.post_id IS NOT DISTINCT FROM $4))
    ), requests AS (
        INSERT INTO notification_requests (account_id, sender_id, id)
        SELECT account_id, $3, id FROM told WHERE treatment = {Treatment.FILTER:d} ORDER BY account_id
        ON CONFLICT (account_id, sender_id) DO UPDATE SET allowed_at = notification_requests.allowed_at
        RETURNING account_id, allowed_at IS NOT NULL AS is_allowed
    ), filtered AS (
        INSERT INTO filtered_notifications (account_id, id, kind, from_id, post_id, created_at)
        SELECT account_id, id, $2, $3, $4, $6 FROM told JOIN requests USING (account_id) WHERE NOT is_allowed
        ON CONFLICT ON CONSTRAINT filtered_notifications_once DO NOTHING
        RETURNING account_id
    ), inserted AS (
        INSERT INTO notifications (account_id, id, kind, from_id, post_id, created_at)
        SELECT account_id, id, $2, $3, $4, $6 FROM told LEFT JOIN requests USING (account_id)
        WHERE treatment = {Treatment.ACCEPT:d} OR is_allowed
        ON CONFLICT ON CONSTRAINT notifications_once DO NOTHING -- a random clash of ids fails, and the job is retried
        RETURNING account_id, id, {_WAKES}
    )
    SELECT account_id, id, wakes FROM inserted UNION ALL SELECT account_id, 0, false FROM filtered
"""


async def insert_notifications(
    tx: WriteTx, account_ids: Sequence[int], kind: Kind, sender_id: int, post_id: int | None
) -> list[Inserted]:
    """Inserts notifications for the accounts that may and want to get one, or filters them. Returns the new ones."""
    now = clock.now()
    rows = await tx.fetch(
        _INSERT, list(account_ids), kind, sender_id, post_id, [ids.make_id(ids.shard_of(id_), now) for id_ in account_ids], now
    )
    return [Inserted(**dict(row)) for row in rows]


# Of each kind of act that can be undone: what it left. `told` has the recipient, the sender and the post.
_DONE = {
    Kind.FAVOURITE: "SELECT FROM favourites AS f WHERE f.account_id = told.sender_id AND f.post_id = told.post_id",
    Kind.BOOST: "SELECT FROM posts AS p WHERE p.account_id = told.sender_id AND p.boost_of_id = told.post_id",
    Kind.FOLLOW: "SELECT FROM follows AS f WHERE f.account_id = told.sender_id AND f.target_id = told.account_id",
    Kind.FOLLOW_REQUEST: "SELECT FROM follow_requests AS r WHERE r.requester_id = told.sender_id AND r.account_id = told.account_id",
}
_ACT_LOCKS = 7024  # seed of the keys of advisory locks


async def lock_act(tx: WriteTx, account_id: int, kind: Kind, sender_id: int, post_id: int | None) -> bool:
    """Whether an act is done now. Until the transaction ends, no other job tells of this act or of its undoing, so the last
    one of them leaves the right notification, in whichever order they run."""
    await tx.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended($1, $2))", f"{kind}:{account_id}:{sender_id}:{post_id}", _ACT_LOCKS
    )
    return bool(await tx.fetchval(
        f"SELECT EXISTS ({_DONE[kind]}) FROM (SELECT $1::bigint AS account_id, $2::bigint AS sender_id, $3::bigint AS post_id) AS told",
        account_id, sender_id, post_id,
    ))


async def delete_of_act(tx: WriteTx, account_id: int, kind: Kind, sender_id: int, post_id: int | None) -> bool:
    """Deletes it wherever it is, and a request that is empty then. Uses the constraints notifications_once and
    filtered_notifications_once."""
    act = (account_id, kind, sender_id, post_id)
    is_gone = bool(await tx.execute(
        "DELETE FROM notifications WHERE account_id = $1 AND kind = $2 AND from_id = $3 AND post_id IS NOT DISTINCT FROM $4::bigint"
        " AND reference_id IS NULL",
        *act,
    ))
    if not is_gone and await tx.execute(
        "DELETE FROM filtered_notifications"
        " WHERE account_id = $1 AND kind = $2 AND from_id = $3 AND post_id IS NOT DISTINCT FROM $4::bigint",
        *act,
    ):
        is_gone = True
        await delete_empty_request(tx, account_id, sender_id)
    return is_gone


async def insert_from_network(tx: WriteTx, account_id: int, kind: Kind, reference_id: int) -> list[Inserted]:
    """Inserts a notification from the network to a member, or replaces the earlier one about the same thing. Returns it; nothing
    for an account without a log-in."""
    now = clock.now()
    rows = await tx.fetch(
        "INSERT INTO notifications (account_id, id, kind, from_id, reference_id, created_at)"
        " SELECT account_id, $2, $3, account_id, $4, $5 FROM logins WHERE account_id = $1"
        " ON CONFLICT ON CONSTRAINT notifications_once DO UPDATE SET id = excluded.id, created_at = excluded.created_at"
        f" RETURNING account_id, id, {_WAKES}",
        account_id, ids.make_id(ids.shard_of(account_id), now), kind, reference_id, now,
    )
    return [Inserted(**dict(row)) for row in rows]


async def insert_several_from_network(tx: WriteTx, kind: Kind, told: Sequence[tuple[int, int]]) -> list[Inserted]:
    """Inserts notifications from the network, each (account, reference); returns those of accounts with a log-in."""
    now = clock.now()
    rows = await tx.fetch(
        "INSERT INTO notifications (account_id, id, kind, from_id, reference_id, created_at)"
        " SELECT l.account_id, one.id, $1, l.account_id, one.reference_id, $2"
        " FROM unnest($3::bigint[], $4::bigint[], $5::bigint[]) AS one (account_id, id, reference_id)"
        " JOIN logins AS l USING (account_id) ON CONFLICT DO NOTHING"
        f" RETURNING account_id, id, {_WAKES}",
        kind, now, [account_id for account_id, _ in told], [ids.make_id(ids.shard_of(account_id), now) for account_id, _ in told],
        [reference_id for _, reference_id in told],
    )
    return [Inserted(**dict(row)) for row in rows]


async def delete_from_network(tx: WriteTx, account_id: int, kind: Kind, reference_id: int) -> None:
    await tx.execute(
        "DELETE FROM notifications WHERE account_id = $1 AND kind = $2 AND from_id = $1 AND post_id IS NULL AND reference_id = $3",
        account_id, kind, reference_id,
    )


async def delete_several_from_network(tx: WriteTx, kind: Kind, told: Sequence[tuple[int, int]]) -> None:
    """The same for several (account, reference)."""
    await tx.execute(
        "DELETE FROM notifications AS n USING unnest($2::bigint[], $3::bigint[]) AS one (account_id, reference_id)"
        " WHERE n.account_id = one.account_id AND n.kind = $1 AND n.from_id = one.account_id AND n.post_id IS NULL"
        " AND n.reference_id = one.reference_id",
        kind, [account_id for account_id, _ in told], [reference_id for _, reference_id in told],
    )


async def delete_notifications(tx: WriteTx, account_id: int, only: Sequence[int] | None = None) -> int:
    return await tx.execute(
        "DELETE FROM notifications WHERE account_id = $1 AND ($2::bigint[] IS NULL OR id = ANY ($2))",
        account_id, list(only) if only is not None else None,
    )


async def delete_filtered(tx: WriteTx, account_id: int, only: Sequence[int]) -> int:
    """Deletes filtered notifications of the account among these, and requests that are empty then."""
    rows = await tx.fetch(
        "DELETE FROM filtered_notifications WHERE account_id = $1 AND id = ANY ($2::bigint[]) RETURNING from_id", account_id, list(only)
    )
    for sender_id in sorted({row["from_id"] for row in rows}):
        await delete_empty_request(tx, account_id, sender_id)
    return len(rows)


async def delete_some_notifications(tx: WriteTx, account_id: int, most: int) -> bool:
    """Deletes notifications to and from an account that leaves, then the requests; returns False when none are left. Uses the primary
    keys and the indexes notifications_from and notification_requests_sender."""
    return bool(await tx.execute(
        "DELETE FROM notifications AS n USING ("
        " (SELECT account_id, id FROM notifications WHERE account_id = $1 LIMIT $2)"
        " UNION (SELECT account_id, id FROM notifications WHERE from_id = $1 LIMIT $2)) AS batch"
        " WHERE n.account_id = batch.account_id AND n.id = batch.id",
        account_id, most,
    ) or await delete_some_requests(tx, account_id, most))


async def list_voters_unscoped(conn: ReadConn, poll_id: int) -> list[int]:
    rows = await conn.fetch("SELECT account_id FROM poll_votes WHERE poll_id = $1", poll_id)
    return [row["account_id"] for row in rows]


async def list_boosters_unscoped(conn: ReadConn, post_id: int) -> list[int]:
    rows = await conn.fetch("SELECT account_id FROM posts WHERE boost_of_id = $1", post_id)
    return [row["account_id"] for row in rows]


async def list_notified_followers_unscoped(conn: ReadConn, account_ids: Sequence[int]) -> dict[int, list[int]]:
    """For each account the followers who want a notification of every post. Index: follows_notifying."""
    rows = await conn.fetch(
        "SELECT f.target_id AS account_id, f.account_id AS follower_id FROM follows AS f"
        " WHERE f.notifies AND f.target_id = ANY ((SELECT $1::bigint[])::bigint[])",
        list(account_ids),
    )
    found: dict[int, list[int]] = {}
    for row in rows:
        found.setdefault(row["account_id"], []).append(row["follower_id"])
    return found
