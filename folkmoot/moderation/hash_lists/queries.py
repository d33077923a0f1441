"""All SQL of hash lists, and of the hashes of pictures."""

from collections.abc import Sequence

from folkmoot.base.db import ReadConn, Row, WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.base.file_store import FileName
from folkmoot.moderation.hash_lists.model import MAX_DISTANCE, Effect, Entry, HashList, Kind, Match, chunks_of, near_chunks, turned

_ENTRY = "list, kind, value, clause, note, added_by_id, added_at"
_LIST = "name, effect, about, created_at"


def _entry_from(row: Row) -> Entry:
    return Entry(
        list=row["list"], kind=Kind(row["kind"]), value=row["value"], clause=row["clause"], note=row["note"],
        added_by_id=row["added_by_id"], added_at=row["added_at"],
    )


def _list_from(row: Row) -> HashList:
    return HashList(name=row["name"], effect=Effect(row["effect"]), about=row["about"], created_at=row["created_at"])


async def insert_list(tx: WriteTx, made: HashList) -> bool:
    """False if there is a list of that name."""
    return bool(await tx.fetchval(
        f"INSERT INTO hash_lists ({_LIST}) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING true",
        made.name, made.effect, made.about, made.created_at,
    ))


async def delete_list(tx: WriteTx, name: str) -> bool:
    """Deletes a list with its entries; False if there is none."""
    return bool(await tx.fetchval("DELETE FROM hash_lists WHERE name = $1 RETURNING true", name))


async def lock_list(tx: WriteTx, name: str) -> HashList:
    """Raises NotFound."""
    row = await tx.fetchrow(f"SELECT {_LIST} FROM hash_lists WHERE name = $1 FOR UPDATE", name)
    if row is None:
        raise NotFound
    return _list_from(row)


async def get_list(conn: ReadConn, name: str) -> HashList:
    """Raises NotFound."""
    row = await conn.fetchrow(f"SELECT {_LIST} FROM hash_lists WHERE name = $1", name)
    if row is None:
        raise NotFound
    return _list_from(row)


async def list_lists(conn: ReadConn) -> list[HashList]:
    return [_list_from(row) for row in await conn.fetch(f"SELECT {_LIST} FROM hash_lists ORDER BY name")]


async def count_entries(conn: ReadConn) -> dict[str, dict[Kind, int]]:
    """The number of entries by list and kind."""
    found: dict[str, dict[Kind, int]] = {}
    for row in await conn.fetch("SELECT list, kind, count(*) AS times FROM hash_entries GROUP BY list, kind"):
        found.setdefault(row["list"], {})[Kind(row["kind"])] = row["times"]
    return found


async def insert_entries(tx: WriteTx, entries: Sequence[Entry]) -> int:
    """Returns how many were new."""
    chunks = [
        None if entry.kind is not Kind.PICTURE else "{" + ",".join(map(str, chunks_of(int(entry.value, 16)))) + "}" for entry in entries
    ]
    return len(await tx.fetch(
        f"""
        INSERT INTO hash_entries ({_ENTRY}, chunks)
        SELECT e.list, e.kind, e.value, e.clause, e.note, e.added_by_id, e.added_at, e.chunks::integer[]
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::timestamptz[], $8::text[])
            AS e (list, kind, value, clause, note, added_by_id, added_at, chunks)
        ON CONFLICT DO NOTHING RETURNING true
        """,
        [entry.list for entry in entries], [entry.kind for entry in entries], [entry.value for entry in entries],
        [entry.clause for entry in entries], [entry.note for entry in entries], [entry.added_by_id for entry in entries],
        [entry.added_at for entry in entries], chunks,
    ))


async def delete_entry(tx: WriteTx, name: str, kind: Kind, value: str) -> bool:
    """False if the list has no such entry."""
    return bool(await tx.fetchval(
        "DELETE FROM hash_entries WHERE list = $1 AND kind = $2 AND value = $3 RETURNING true", name, kind, value
    ))


async def list_entries(conn: ReadConn, name: str, limit: int, after: tuple[str, str] = ("", "")) -> list[Entry]:
    """In the order of kind and value, beyond `after`. Index: the primary key."""
    rows = await conn.fetch(
        f"SELECT {_ENTRY} FROM hash_entries WHERE list = $1 AND (kind, value) > ($2, $3) ORDER BY kind, value LIMIT $4",
        name, *after, limit,
    )
    return [_entry_from(row) for row in rows]


async def list_newest_entries(conn: ReadConn, name: str, limit: int) -> list[Entry]:
    """Index: hash_entries_list."""
    rows = await conn.fetch(f"SELECT {_ENTRY} FROM hash_entries WHERE list = $1 ORDER BY added_at DESC, kind, value LIMIT $2", name, limit)
    return [_entry_from(row) for row in rows]


# SQL: whether anything can be held at all. Most networks have no list, and pay no more than this for each post.
MAY_HOLD = (
    f"EXISTS (SELECT FROM hash_lists AS l WHERE l.effect = '{Effect.HOLD}'"
    " AND EXISTS (SELECT FROM hash_entries AS e WHERE e.list = l.name))"
)


async def has_entries(conn: ReadConn) -> bool:
    """Whether anything can be met at all."""
    return bool(await conn.fetchval(
        "SELECT EXISTS (SELECT FROM hash_lists AS l WHERE EXISTS (SELECT FROM hash_entries AS e WHERE e.list = l.name))"
    ))


async def list_exact(conn: ReadConn, sought: Sequence[tuple[Kind, str]]) -> list[Match]:
    """The entries that are equal to one of these. Index: the primary key."""
    rows = await conn.fetch(
        f"""
        SELECT {', '.join(f'e.{name}' for name in _ENTRY.split(', '))}, l.effect
        FROM unnest($1::text[], $2::text[]) AS s (kind, value) JOIN hash_entries AS e USING (kind, value)
        JOIN hash_lists AS l ON l.name = e.list ORDER BY l.effect, e.list, e.kind, e.value LIMIT 100
        """,
        [kind for kind, _ in sought], [value for _, value in sought],
    )
    return [Match(_entry_from(row), Effect(row["effect"])) for row in rows]


async def list_near(conn: ReadConn, picture: int) -> list[Match]:
    """The entries of like pictures, also mirrored and turned ones, the most alike first. Index: hash_entries_chunks, which finds all of
    them: only they have chunks. It is asked for one chunk after the other, because of so many at once the planner expects most rows, and
    reads all."""
    ways = turned(picture)
    rows = await conn.fetch(
        f"""
        SELECT DISTINCT ON (e.list, e.value) {', '.join(f'e.{name}' for name in _ENTRY.split(', '))}, l.effect
        FROM unnest((SELECT array_agg(chunk) FROM unnest($1::integer[]) AS given (chunk))) AS sought (chunk)
        JOIN hash_entries AS e ON e.chunks @> ARRAY[sought.chunk] JOIN hash_lists AS l ON l.name = e.list
        """,
        list({chunk for way in ways for chunk in near_chunks(way)}),
    )
    found = [
        Match(_entry_from(row), Effect(row["effect"]), min((value ^ way).bit_count() for way in ways))
        for row in rows for value in [int(row["value"], 16)]
    ]
    return sorted((match for match in found if (match.distance or 0) <= MAX_DISTANCE), key=lambda match: match.distance or 0)


async def list_files_unscoped(conn: ReadConn, post_ids: Sequence[int]) -> dict[int, list[tuple[list[str], FileName]]]:
    """For each post and each of its pictures: the hashes of its files in hex (as uploaded, if known, and as stored), and the
    preview. Without pictures of private messages, which are never examined."""
    rows = await conn.fetch(
        """
        SELECT m.post_id, m.uploaded_sha256, m.original_sha256, f.sha256, f.extension
        FROM media AS m JOIN media_files AS f ON f.sha256 = m.preview_sha256
        WHERE m.post_id = ANY ((SELECT $1::bigint[])::bigint[]) AND m.preview_width > 0 ORDER BY m.post_id, m.position
        """,
        list(post_ids),
    )
    found: dict[int, list[tuple[list[str], FileName]]] = {}
    for row in rows:
        hashes = [value.hex() for value in (row["uploaded_sha256"], row["original_sha256"]) if value]
        found.setdefault(row["post_id"], []).append((hashes, FileName(row["sha256"], row["extension"])))
    return found


async def list_picture_files_unscoped(conn: ReadConn, account_id: int) -> list[tuple[list[str], FileName]]:
    """The same for the avatar and the header of an account."""
    rows = await conn.fetch(
        """
        SELECT m.uploaded_sha256, m.original_sha256, f.sha256, f.extension
        FROM accounts AS a JOIN media AS m ON m.key IN (a.avatar_key, a.header_key) JOIN media_files AS f ON f.sha256 = m.preview_sha256
        WHERE a.id = $1
        """,
        account_id,
    )
    return [
        ([value.hex() for value in (row["uploaded_sha256"], row["original_sha256"]) if value], FileName(row["sha256"], row["extension"]))
        for row in rows
    ]


async def list_picture_hashes(conn: ReadConn, files: Sequence[bytes]) -> dict[bytes, tuple[int, int]]:
    """(hash, quality) of previews that have been hashed before."""
    rows = await conn.fetch("SELECT sha256, value, quality FROM picture_hashes WHERE sha256 = ANY ($1::bytea[])", list(files))
    return {row["sha256"]: (int(row["value"], 16), row["quality"]) for row in rows}


async def insert_picture_hash(tx: WriteTx, sha256: bytes, value: int, quality: int) -> None:
    await tx.execute(
        "INSERT INTO picture_hashes (sha256, value, quality) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", sha256, f"{value:064x}", quality
    )


async def list_post_ids_before(conn: ReadConn, below: int, limit: int) -> list[int]:
    """The newest posts with an id below this, for a search backwards through all posts. Index: the primary key."""
    rows = await conn.fetch("SELECT id FROM posts WHERE id < $1 AND boost_of_id IS NULL ORDER BY id DESC LIMIT $2", below, limit)
    return [row["id"] for row in rows]
