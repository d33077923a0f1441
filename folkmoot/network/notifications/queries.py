"""All SQL of notifications and markers."""

from collections.abc import Collection, Sequence

import msgspec

from folkmoot.base import clock, ids
from folkmoot.base.db import ReadConn, Row, WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.base.ids import MAX_ID
from folkmoot.base.paging import Page
from folkmoot.network.accounts.model import Account, AccountEffect
from folkmoot.network.accounts.queries import list_accounts
from folkmoot.network.notifications.model import GROUPED, Kind, Marker, Notification, NotificationGroup, group_key, window_of
from folkmoot.network.posts.model import Visibility
from folkmoot.network.posts.queries import list_post_views
from folkmoot.network.posts.visibility import visible_sql

GROUPED_FROM = 1000  # notifications that are read to build a page of groups
SAMPLE = 8  # senders listed in a group

# Recipients have a log-in here, are not the sender (except of polls), have not muted or blocked the sender or muted the
# conversation, are not blocked by the sender, and may see the post.
# $1: the accounts, $2: kind, $3: sender, $4: post (may be NULL), $5: ids, $6: time.
_INSERT = f"""
    INSERT INTO notifications (account_id, id, kind, from_id, post_id, created_at)
    SELECT told.account_id, told.id, $2, $3, $4, $6
    FROM unnest($1::bigint[], $5::bigint[]) AS told (account_id, id)
    JOIN logins ON logins.account_id = told.account_id
    LEFT JOIN posts AS p ON p.id = $4 LEFT JOIN accounts AS a ON a.id = p.account_id
    WHERE (told.account_id <> $3 OR $2 = '{Kind.POLL}')
      AND ($4::bigint IS NULL OR p.id IS NOT NULL AND {visible_sql("p", "a", "told.account_id")})
      AND NOT EXISTS (SELECT FROM mutes WHERE mutes.account_id = told.account_id AND mutes.target_id = $3
                      AND mutes.hides_notifications AND (mutes.expires_at IS NULL OR mutes.expires_at > now()))
      AND NOT EXISTS (SELECT FROM blocks WHERE blocks.account_id = told.account_id AND blocks.target_id = $3)
      AND NOT EXISTS (SELECT FROM blocks WHERE blocks.account_id = $3 AND blocks.target_id = told.account_id)
      AND NOT EXISTS (SELECT FROM muted_conversations AS m
                      WHERE m.account_id = told.account_id AND m.conversation_id = p.conversation_id)
    ON CONFLICT ON CONSTRAINT notifications_once DO NOTHING -- a random clash of ids fails, and the job is retried
    RETURNING account_id, id
"""


async def insert_notifications(
    tx: WriteTx, account_ids: Sequence[int], kind: Kind, sender_id: int, post_id: int | None
) -> list[tuple[int, int]]:
    """Inserts notifications for the accounts that may and want to get one. Returns (account id, notification id) of new ones."""
    now = clock.now()
    rows = await tx.fetch(
        _INSERT, list(account_ids), kind, sender_id, post_id, [ids.make_id(ids.shard_of(id_), now) for id_ in account_ids], now
    )
    return [(row["account_id"], row["id"]) for row in rows]


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
    """Uses the constraint notifications_once."""
    return bool(await tx.execute(
        "DELETE FROM notifications WHERE account_id = $1 AND kind = $2 AND from_id = $3 AND post_id IS NOT DISTINCT FROM $4::bigint"
        " AND reference_id IS NULL",
        account_id, kind, sender_id, post_id,
    ))


# SQL: whether the viewer ($1) may see the notification `n` now. Notifications about hidden posts or from suspended accounts
# are neither listed nor counted. The sender of a notification from the network is the viewer, who may be suspended.
# Scalar subqueries, because for EXISTS PostgreSQL would hash a whole table.
_IS_SHOWN = f"""
    NOT EXISTS (SELECT FROM blocks WHERE blocks.account_id = $1 AND blocks.target_id = n.from_id)
    AND NOT EXISTS (SELECT FROM mutes WHERE mutes.account_id = $1 AND mutes.target_id = n.from_id
                    AND mutes.hides_notifications AND (mutes.expires_at IS NULL OR mutes.expires_at > now()))
    AND (n.from_id = $1 OR (SELECT s.effect FROM accounts AS s WHERE s.id = n.from_id) < {AccountEffect.SUSPENDED:d})
    AND (n.post_id IS NULL OR (SELECT {visible_sql("p", "a", "$1")} FROM posts AS p JOIN accounts AS a ON a.id = p.account_id
                               WHERE p.id = n.post_id))
"""

# $1: the viewer, $2 and $3: the bounds, $4: the limit, $5: kinds (or NULL), $6: excluded kinds, $7: a sender (or NULL).
_LIST = f"""
    SELECT id, kind, from_id, post_id, reference_id, created_at FROM notifications AS n
    WHERE account_id = $1 AND id < $2 AND id > $3
      AND ($5::text[] IS NULL OR kind = ANY ($5)) AND kind <> ALL ($6::text[]) AND ($7::bigint IS NULL OR from_id = $7)
      AND {_IS_SHOWN}
"""
_IS_UNREAD = "id > coalesce((SELECT last_read_id FROM markers WHERE account_id = $1 AND timeline = 'notifications'), 0)"
_UNREAD = f"{_LIST} AND {_IS_UNREAD}"
# Pages show messages in a place of their own, so a mention in a direct post is no notice there.
_IS_NO_MESSAGE = f"""
    (n.kind <> '{Kind.MENTION}' OR (SELECT p.visibility FROM posts AS p WHERE p.id = n.post_id) < {Visibility.DIRECT:d})
"""
UNREAD_ON_PAGES = f"SELECT FROM notifications AS n WHERE account_id = $1 AND {_IS_UNREAD} AND {_IS_SHOWN} AND {_IS_NO_MESSAGE}"


async def _list_rows(
    conn: ReadConn, viewer_id: int, page: Page, kinds: Sequence[str] | None, without: Sequence[str], sender_id: int | None,
    *, with_messages: bool = True,
) -> list[Row]:
    return page.newest_first(await conn.fetch(
        f"{_LIST} {'' if with_messages else f'AND {_IS_NO_MESSAGE}'} ORDER BY id {page.order} LIMIT $4",
        viewer_id, page.below, page.above, page.limit, list(kinds) if kinds is not None else None, list(without), sender_id,
    ))


async def insert_from_network(tx: WriteTx, account_id: int, kind: Kind, reference_id: int) -> int | None:
    """Inserts a notification from the network to a member, or replaces the earlier one about the same thing. Returns its id,
    None for an account without a log-in."""
    now = clock.now()
    value = await tx.fetchval(
        "INSERT INTO notifications (account_id, id, kind, from_id, reference_id, created_at)"
        " SELECT account_id, $2, $3, account_id, $4, $5 FROM logins WHERE account_id = $1"
        " ON CONFLICT ON CONSTRAINT notifications_once DO UPDATE SET id = excluded.id, created_at = excluded.created_at RETURNING id",
        account_id, ids.make_id(ids.shard_of(account_id), now), kind, reference_id, now,
    )
    return int(value) if value else None


async def delete_from_network(tx: WriteTx, account_id: int, kind: Kind, reference_id: int) -> None:
    await tx.execute(
        "DELETE FROM notifications WHERE account_id = $1 AND kind = $2 AND from_id = $1 AND post_id IS NULL AND reference_id = $3",
        account_id, kind, reference_id,
    )


async def list_notifications(
    conn: ReadConn, viewer_id: int, page: Page, *, kinds: Sequence[str] | None = None, without: Sequence[str] = (),
    sender_id: int | None = None, with_messages: bool = True,
) -> list[Notification]:
    """A page of the viewer's notifications, newest first: four statements. Uses the primary key. Pages of notices are without
    those about messages."""
    rows = await _list_rows(conn, viewer_id, page, kinds, without, sender_id, with_messages=with_messages)
    senders = await list_accounts(conn, [row["from_id"] for row in rows])
    views = await list_post_views(conn, list({row["post_id"] for row in rows if row["post_id"]}), viewer_id)
    posts = {view.post.id: view for view in views}
    return [
        Notification(
            id=row["id"], kind=Kind(row["kind"]), sender=senders[row["from_id"]],
            post=posts[row["post_id"]] if row["post_id"] else None, reference_id=row["reference_id"], created_at=row["created_at"],
        )
        for row in rows
        if row["from_id"] in senders and (row["post_id"] is None or row["post_id"] in posts)
    ]


async def get_notification(conn: ReadConn, viewer_id: int, notification_id: int) -> Notification:
    found = await list_notifications(conn, viewer_id, Page(limit=1, min_id=notification_id - 1))
    if not found or found[0].id != notification_id:
        raise NotFound
    return found[0]


async def count_unread(
    conn: ReadConn, viewer_id: int, *, most: int = 100, kinds: Sequence[str] | None = None, without: Sequence[str] = (),
    sender_id: int | None = None, grouped: Collection[Kind] = (),
) -> int:
    """The number of notifications after the marker, at most `most`; with `grouped` kinds, the number of groups."""
    limit = GROUPED_FROM if grouped else most
    filters = (viewer_id, MAX_ID, 0, limit, list(kinds) if kinds is not None else None, list(without), sender_id)
    if not grouped:
        return int(await conn.fetchval(f"SELECT count(*) FROM ({_UNREAD} LIMIT $4) AS unread", *filters))
    rows = await conn.fetch(f"{_UNREAD} ORDER BY id DESC LIMIT $4", *filters)
    return min(most, len({_key(row, grouped) for row in rows}))


def _key(row: Row, grouped: Collection[Kind]) -> str:
    return group_key(Kind(row["kind"]), row["post_id"], row["id"], row["created_at"], grouped)


async def list_groups(
    conn: ReadConn, viewer_id: int, page: Page, *, kinds: Sequence[str] | None = None, without: Sequence[str] = (),
    grouped: Collection[Kind] = GROUPED, sender_id: int | None = None,
) -> list[NotificationGroup]:
    """A page of groups, newest first: three statements. A group counts only the notifications that were read."""
    window = msgspec.structs.replace(page, limit=max(GROUPED_FROM, page.limit))
    rows = await _list_rows(conn, viewer_id, window, kinds, without, sender_id)
    if page.min_id is not None:  # the groups directly after the bound
        kept = list(dict.fromkeys(_key(row, grouped) for row in reversed(rows)))[: page.limit]
    else:
        kept = list(dict.fromkeys(_key(row, grouped) for row in rows))[: page.limit]
    return await _groups(conn, viewer_id, [row for row in rows if _key(row, grouped) in kept], grouped)


async def get_group(
    conn: ReadConn, viewer_id: int, key: str, *, without: Collection[str] = ()
) -> tuple[NotificationGroup, list[Account]]:
    """A group with all its senders. Raises NotFound, also for a group of a kind in `without`."""
    rows = [row for row in await _group_rows(conn, viewer_id, key) if row["kind"] not in without]
    found = await _groups(conn, viewer_id, rows, () if key.startswith("ungrouped-") else GROUPED)
    if not found:
        raise NotFound
    senders = await list_accounts(conn, [row["from_id"] for row in rows])
    return found[0], [senders[row["from_id"]] for row in rows if row["from_id"] in senders]


async def _groups(conn: ReadConn, viewer_id: int, rows: Sequence[Row], grouped: Collection[Kind]) -> list[NotificationGroup]:
    members: dict[str, list[Row]] = {}
    for row in rows:
        members.setdefault(_key(row, grouped), []).append(row)
    shown = {key: group[:SAMPLE] for key, group in members.items()}
    senders = await list_accounts(conn, list({row["from_id"] for group in shown.values() for row in group}))
    views = await list_post_views(conn, list({row["post_id"] for row in rows if row["post_id"]}), viewer_id)
    posts = {view.post.id: view for view in views}
    return [
        NotificationGroup(
            key=key, kind=Kind(group[0]["kind"]), count=len(group), newest_id=group[0]["id"], oldest_id=group[-1]["id"],
            newest_at=group[0]["created_at"], post=posts.get(group[0]["post_id"]), reference_id=group[0]["reference_id"],
            senders=tuple({row["from_id"]: senders[row["from_id"]] for row in shown[key] if row["from_id"] in senders}.values()),
        )
        for key, group in members.items()
        if group[0]["post_id"] is None or group[0]["post_id"] in posts
    ]


_GROUP = """
    account_id = $1 AND ($2::bigint IS NULL OR id = $2) AND ($2::bigint IS NOT NULL OR kind = $3
        AND post_id IS NOT DISTINCT FROM $4::bigint AND created_at >= $5 AND created_at < $6)
"""


async def _group_rows(conn: ReadConn, viewer_id: int, key: str) -> list[Row]:
    window = window_of(key)
    if window is None:
        raise NotFound
    return list(await conn.fetch(
        f"SELECT id, kind, from_id, post_id, reference_id, created_at FROM notifications AS n WHERE {_GROUP} AND {_IS_SHOWN}"
        f" ORDER BY id DESC LIMIT {GROUPED_FROM}",
        viewer_id, *msgspec.structs.astuple(window),
    ))


async def delete_group(tx: WriteTx, account_id: int, key: str) -> int:
    window = window_of(key)
    return await tx.execute(f"DELETE FROM notifications WHERE {_GROUP}", account_id, *msgspec.structs.astuple(window)) if window else 0


async def delete_notifications(tx: WriteTx, account_id: int, only: Sequence[int] | None = None) -> int:
    return await tx.execute(
        "DELETE FROM notifications WHERE account_id = $1 AND ($2::bigint[] IS NULL OR id = ANY ($2))",
        account_id, list(only) if only is not None else None,
    )


async def list_markers(conn: ReadConn, account_id: int, timelines: Sequence[str]) -> list[Marker]:
    rows = await conn.fetch(
        "SELECT timeline, last_read_id, version, updated_at FROM markers WHERE account_id = $1 AND timeline = ANY ($2::text[])",
        account_id, list(timelines),
    )
    return [Marker(**dict(row)) for row in rows]


async def upsert_marker(tx: WriteTx, account_id: int, timeline: str, last_read_id: int) -> Marker:
    row = await tx.fetchrow(
        """
        INSERT INTO markers (account_id, timeline, last_read_id, updated_at) VALUES ($1, $2, $3, now())
        ON CONFLICT (account_id, timeline) DO UPDATE
            SET last_read_id = excluded.last_read_id, version = markers.version + 1, updated_at = now()
        RETURNING timeline, last_read_id, version, updated_at
        """,
        account_id, timeline, last_read_id,
    )
    assert row is not None
    return Marker(**dict(row))


async def list_voters_unscoped(conn: ReadConn, poll_id: int) -> list[int]:
    rows = await conn.fetch("SELECT account_id FROM poll_votes WHERE poll_id = $1", poll_id)
    return [row["account_id"] for row in rows]


async def list_boosters_unscoped(conn: ReadConn, post_id: int) -> list[int]:
    rows = await conn.fetch("SELECT account_id FROM posts WHERE boost_of_id = $1", post_id)
    return [row["account_id"] for row in rows]


async def list_notified_followers_unscoped(conn: ReadConn, account_id: int) -> list[int]:
    """Followers who want a notification of every post of an account."""
    rows = await conn.fetch(
        "SELECT f.account_id FROM followers AS fo JOIN follows AS f ON f.account_id = fo.follower_id AND f.target_id = fo.account_id"
        " WHERE fo.account_id = $1 AND f.notifies",
        account_id,
    )
    return [row["account_id"] for row in rows]


async def delete_some_notifications(tx: WriteTx, account_id: int, most: int) -> bool:
    """Deletes notifications to and from an account that leaves; returns False when none are left. Uses the primary key and the
    index notifications_from."""
    return bool(await tx.execute(
        "DELETE FROM notifications AS n USING ("
        " (SELECT account_id, id FROM notifications WHERE account_id = $1 LIMIT $2)"
        " UNION (SELECT account_id, id FROM notifications WHERE from_id = $1 LIMIT $2)) AS batch"
        " WHERE n.account_id = batch.account_id AND n.id = batch.id",
        account_id, most,
    ))
