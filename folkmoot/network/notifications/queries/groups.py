"""Groups of notifications, and the number of unread ones."""

from collections.abc import Collection, Iterable, Sequence

import msgspec

from folkmoot.base.db import ReadConn, Row, WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.base.ids import MAX_ID
from folkmoot.base.paging import Page
from folkmoot.network.notifications.model import GROUPED, Kind, NotificationGroup, group_key, window_of
from folkmoot.network.notifications.queries.reading import IS_SHOWN, UNREAD, list_rows

GROUPED_FROM = 1000  # notifications that are read to build a page of groups
SAMPLE = 8  # senders listed in a group


def _key(row: Row, grouped: Collection[Kind]) -> str:
    return group_key(row["kind"], row["post_id"], row["id"], row["created_at"], grouped)


async def count_unread(
    conn: ReadConn, viewer_id: int, *, most: int = 100, kinds: Sequence[str] | None = None, without: Sequence[str] = (),
    sender_id: int | None = None, grouped: Collection[Kind] = (),
) -> int:
    """The number of notifications after the marker, at most `most`; with `grouped` kinds, the number of groups."""
    limit = GROUPED_FROM if grouped else most
    filters = (viewer_id, MAX_ID, 0, limit, list(kinds) if kinds is not None else None, list(without), sender_id)
    if not grouped:
        return int(await conn.fetchval(f"SELECT count(*) FROM ({UNREAD} LIMIT $4) AS unread", *filters))
    rows = await conn.fetch(f"{UNREAD} ORDER BY id DESC LIMIT $4", *filters)
    return min(most, len({_key(row, grouped) for row in rows}))


async def list_groups(
    conn: ReadConn, viewer_id: int, page: Page, *, kinds: Sequence[str] | None = None, without: Sequence[str] = (),
    grouped: Collection[Kind] = GROUPED, sender_id: int | None = None, with_filtered: bool = False,
) -> list[NotificationGroup]:
    """A page of groups, newest first: one statement. A group counts only the notifications that were read."""
    window = msgspec.structs.replace(page, limit=max(GROUPED_FROM, page.limit))
    rows = await list_rows(conn, viewer_id, window, kinds, without, sender_id, with_filtered=with_filtered)
    members = _members(rows, grouped)
    if page.min_id is None:
        kept = list(members)[: page.limit]
    else:  # the groups directly after the bound
        nearest = set(sorted(members, key=lambda key: members[key][-1]["id"])[: page.limit])
        kept = [key for key in members if key in nearest]
    return [_group(key, members[key]) for key in kept]


async def get_group(
    conn: ReadConn, viewer_id: int, key: str, *, without: Collection[str] = ()
) -> tuple[NotificationGroup, list[int]]:
    """A group, and all its senders: one statement. Raises NotFound, also for a group of a kind in `without`."""
    rows = [row for row in await _group_rows(conn, viewer_id, key) if row["kind"] not in without]
    members = _members(rows, () if key.startswith("ungrouped-") else GROUPED)
    if not members:
        raise NotFound
    return _group(*next(iter(members.items()))), [row["from_id"] for row in rows]


def _members(rows: Iterable[Row], grouped: Collection[Kind]) -> dict[str, list[Row]]:
    """The rows of each group, in their order; groups are in the order of their first rows."""
    members: dict[str, list[Row]] = {}
    for row in rows:
        members.setdefault(_key(row, grouped), []).append(row)
    return members


def _group(key: str, rows: Sequence[Row]) -> NotificationGroup:
    """A group of these rows, newest first."""
    newest = rows[0]
    return NotificationGroup(
        key=key, kind=Kind(newest["kind"]), count=len(rows), newest_id=newest["id"], oldest_id=rows[-1]["id"],
        newest_at=newest["created_at"], post_id=newest["post_id"], reference_id=newest["reference_id"],
        sender_ids=tuple(dict.fromkeys(row["from_id"] for row in rows[:SAMPLE])),
    )


_GROUP = """
    account_id = $1 AND ($2::bigint IS NULL OR id = $2) AND ($2::bigint IS NOT NULL OR kind = $3
        AND post_id IS NOT DISTINCT FROM $4::bigint AND created_at >= $5 AND created_at < $6)
"""


async def _group_rows(conn: ReadConn, viewer_id: int, key: str) -> list[Row]:
    window = window_of(key)
    if window is None:
        raise NotFound
    return list(await conn.fetch(
        f"SELECT id, kind, from_id, post_id, reference_id, created_at FROM notifications AS n WHERE {_GROUP} AND {IS_SHOWN}"
        f" ORDER BY id DESC LIMIT {GROUPED_FROM}",
        viewer_id, *msgspec.structs.astuple(window),
    ))


async def delete_group(tx: WriteTx, account_id: int, key: str) -> int:
    window = window_of(key)
    return await tx.execute(f"DELETE FROM notifications WHERE {_GROUP}", account_id, *msgspec.structs.astuple(window)) if window else 0
