"""Groups of notifications, and the number of unread ones."""

from collections.abc import Collection, Sequence

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
    return group_key(Kind(row["kind"]), row["post_id"], row["id"], row["created_at"], grouped)


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
    if page.min_id is not None:  # the groups directly after the bound
        kept = list(dict.fromkeys(_key(row, grouped) for row in reversed(rows)))[: page.limit]
    else:
        kept = list(dict.fromkeys(_key(row, grouped) for row in rows))[: page.limit]
    return _groups([row for row in rows if _key(row, grouped) in kept], grouped)


async def get_group(
    conn: ReadConn, viewer_id: int, key: str, *, without: Collection[str] = ()
) -> tuple[NotificationGroup, list[int]]:
    """A group, and all its senders: one statement. Raises NotFound, also for a group of a kind in `without`."""
    rows = [row for row in await _group_rows(conn, viewer_id, key) if row["kind"] not in without]
    found = _groups(rows, () if key.startswith("ungrouped-") else GROUPED)
    if not found:
        raise NotFound
    return found[0], [row["from_id"] for row in rows]


def _groups(rows: Sequence[Row], grouped: Collection[Kind]) -> list[NotificationGroup]:
    members: dict[str, list[Row]] = {}
    for row in rows:
        members.setdefault(_key(row, grouped), []).append(row)
    return [
        NotificationGroup(
            key=key, kind=Kind(group[0]["kind"]), count=len(group), newest_id=group[0]["id"], oldest_id=group[-1]["id"],
            newest_at=group[0]["created_at"], post_id=group[0]["post_id"], reference_id=group[0]["reference_id"],
            sender_ids=tuple(dict.fromkeys(row["from_id"] for row in group[:SAMPLE])),
        )
        for key, group in members.items()
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
        f"SELECT id, kind, from_id, post_id, reference_id, created_at FROM notifications AS n WHERE {_GROUP} AND {IS_SHOWN}"
        f" ORDER BY id DESC LIMIT {GROUPED_FROM}",
        viewer_id, *msgspec.structs.astuple(window),
    ))


async def delete_group(tx: WriteTx, account_id: int, key: str) -> int:
    window = window_of(key)
    return await tx.execute(f"DELETE FROM notifications WHERE {_GROUP}", account_id, *msgspec.structs.astuple(window)) if window else 0
