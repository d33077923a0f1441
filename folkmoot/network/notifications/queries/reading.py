"""Lists notifications; which of them the viewer may see now."""

from collections.abc import Mapping, Sequence

from folkmoot.base.db import ReadConn, Row
from folkmoot.base.errors import NotFound
from folkmoot.base.paging import Page
from folkmoot.network.accounts.model import Account, AccountEffect
from folkmoot.network.accounts.queries import STAMP_COLUMNS, list_accounts, stamp_from
from folkmoot.network.notifications.model import Kind, Line, Notification
from folkmoot.network.posts.model import PostView, Visibility
from folkmoot.network.posts.queries import list_post_views
from folkmoot.network.posts.visibility import visible_sql
from folkmoot.network.relations.queries import domain_blocked_sql

# SQL: whether the viewer ($1) may see the notification `n` now. Notifications about hidden posts or from suspended accounts
# are neither listed nor counted. The sender of a notification from the network is the viewer, who may be suspended.
# Scalar subqueries, because for EXISTS PostgreSQL would hash a whole table.
IS_SHOWN = f"""
    NOT EXISTS (SELECT FROM blocks WHERE blocks.account_id = $1 AND blocks.target_id = n.from_id)
    AND NOT EXISTS (SELECT FROM mutes WHERE mutes.account_id = $1 AND mutes.target_id = n.from_id
                    AND mutes.hides_notifications AND (mutes.expires_at IS NULL OR mutes.expires_at > now()))
    AND (n.from_id = $1 OR (SELECT s.effect < {AccountEffect.SUSPENDED:d} AND NOT {domain_blocked_sql("$1", "s.domain")}
                            FROM accounts AS s WHERE s.id = n.from_id))
    AND (n.post_id IS NULL OR (SELECT {visible_sql("p", "a", "$1")} FROM posts AS p JOIN accounts AS a ON a.id = p.account_id
                               WHERE p.id = n.post_id))
"""
# SQL: what the lists read: the notifications, or these and the filtered ones.
_ARRIVED = "notifications"
_ALL = """(
    SELECT account_id, id, kind, from_id, post_id, reference_id, created_at FROM notifications WHERE account_id = $1
    UNION ALL
    SELECT account_id, id, kind, from_id, post_id, NULL, created_at FROM filtered_notifications WHERE account_id = $1)"""


def _list_sql(source: str) -> str:
    """$1: the viewer, $2 and $3: the bounds, $4: the limit, $5: kinds (or NULL), $6: excluded kinds, $7: a sender (or NULL)."""
    return f"""
        SELECT id, kind, from_id, post_id, reference_id, created_at FROM {source} AS n
        WHERE account_id = $1 AND id < $2 AND id > $3
          AND ($5::text[] IS NULL OR kind = ANY ($5)) AND kind <> ALL ($6::text[]) AND ($7::bigint IS NULL OR from_id = $7)
          AND {IS_SHOWN}
    """


LIST = _list_sql(_ARRIVED)
_LIST_OF_ALL = _list_sql(_ALL)
_IS_UNREAD = "id > coalesce((SELECT last_read_id FROM markers WHERE account_id = $1 AND timeline = 'notifications'), 0)"
UNREAD = f"{LIST} AND {_IS_UNREAD}"
# Pages show messages in a place of their own, so a mention in a direct post is no notice there.
_IS_NO_MESSAGE = f"""
    (n.kind <> '{Kind.MENTION}' OR (SELECT p.visibility FROM posts AS p WHERE p.id = n.post_id) < {Visibility.DIRECT:d})
"""
_UNREAD_NOTICES = f"FROM notifications AS n WHERE account_id = $1 AND {_IS_UNREAD} AND {IS_SHOWN} AND {_IS_NO_MESSAGE}"
UNREAD_ON_PAGES = f"SELECT {_UNREAD_NOTICES}"


async def list_rows(
    conn: ReadConn, viewer_id: int, page: Page, kinds: Sequence[str] | None, without: Sequence[str], sender_id: int | None,
    *, with_filtered: bool = False,
) -> list[Row]:
    return page.newest_first(await conn.fetch(
        f"{_LIST_OF_ALL if with_filtered else LIST} ORDER BY id {page.order} LIMIT $4",
        viewer_id, page.below, page.above, page.limit, list(kinds) if kinds is not None else None, list(without), sender_id,
    ))


async def list_lines(
    conn: ReadConn, viewer_id: int, page: Page, *, kinds: Sequence[str] | None = None, without: Sequence[str] = (),
    sender_id: int | None = None, with_messages: bool = True, with_filtered: bool = False,
) -> list[Line]:
    """The same as `list_notifications`, for whom renders senders and posts from memory: one statement. Without deleted senders."""
    source = _LIST_OF_ALL if with_filtered else LIST
    rows = await conn.fetch(
        f"""
        SELECT {STAMP_COLUMNS}, n.id, n.kind, n.post_id, n.reference_id, n.created_at
        FROM ({source} {'' if with_messages else f'AND {_IS_NO_MESSAGE}'} ORDER BY id {page.order} LIMIT $4) AS n
        JOIN accounts AS a ON a.id = n.from_id LEFT JOIN account_counts AS ac ON ac.account_id = a.id ORDER BY n.id {page.order}
        """,
        viewer_id, page.below, page.above, page.limit, list(kinds) if kinds is not None else None, list(without), sender_id,
    )
    return [
        Line(id=id_, kind=Kind(kind), sender=stamp_from(stamp), post_id=post_id, reference_id=reference_id, created_at=created_at)
        for *stamp, id_, kind, post_id, reference_id, created_at in page.newest_first(rows)
    ]


async def list_notifications(
    conn: ReadConn, viewer_id: int, page: Page, *, kinds: Sequence[str] | None = None, without: Sequence[str] = (),
    sender_id: int | None = None, with_filtered: bool = False,
) -> list[Notification]:
    """A page of the viewer's notifications, newest first: four statements. Uses the primary key."""
    rows = await list_rows(conn, viewer_id, page, kinds, without, sender_id, with_filtered=with_filtered)
    senders = await list_accounts(conn, [row["from_id"] for row in rows])
    return joined(rows, senders, await list_post_views(conn, list({row["post_id"] for row in rows if row["post_id"]}), viewer_id))


def of_lines(lines: Sequence[Line], senders: Mapping[int, Account], views: Sequence[PostView]) -> list[Notification]:
    """The notifications of `list_lines` whose senders and posts are among these."""
    posts = {view.post.id: view for view in views}
    return [
        Notification(
            id=line.id, kind=line.kind, sender=senders[line.sender.id], post=posts[line.post_id] if line.post_id else None,
            reference_id=line.reference_id, created_at=line.created_at,
        )
        for line in lines
        if line.sender.id in senders and (line.post_id is None or line.post_id in posts)
    ]


def joined(rows: Sequence[Row], senders: Mapping[int, Account], views: Sequence[PostView]) -> list[Notification]:
    """The notifications of `list_rows` whose senders and posts are among these."""
    posts = {view.post.id: view for view in views}
    return [
        Notification(
            id=row["id"], kind=Kind(row["kind"]), sender=senders[row["from_id"]],
            post=posts[row["post_id"]] if row["post_id"] else None, reference_id=row["reference_id"], created_at=row["created_at"],
        )
        for row in rows
        if row["from_id"] in senders and (row["post_id"] is None or row["post_id"] in posts)
    ]


async def list_unread_on_pages(conn: ReadConn, viewer_id: int, most: int) -> list[tuple[int, int, int]]:
    """Of the newest unread notices that are about a post: (post, its version, its author's version). One row for each notice."""
    rows = await conn.fetch(
        "SELECT p.id, p.version, a.version AS author_version FROM"
        f" (SELECT n.post_id {_UNREAD_NOTICES} ORDER BY id DESC LIMIT $2) AS unread"
        " JOIN posts AS p ON p.id = unread.post_id JOIN accounts AS a ON a.id = p.account_id",
        viewer_id, most,
    )
    return [(row["id"], row["version"], row["author_version"]) for row in rows]


async def get_notification(conn: ReadConn, viewer_id: int, notification_id: int, *, with_filtered: bool = False) -> Notification:
    found = await list_notifications(conn, viewer_id, Page(limit=1, min_id=notification_id - 1), with_filtered=with_filtered)
    if not found or found[0].id != notification_id:
        raise NotFound
    return found[0]
