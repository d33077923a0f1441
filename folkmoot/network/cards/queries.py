"""All SQL of cards. Posts read theirs with the post: `posts/queries/reading.py`."""

from collections.abc import Sequence
from datetime import datetime

from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.network.cards.model import Known, Preview


async def find_known(conn: ReadConn, url: str) -> Known | None:
    row = await conn.fetchrow("SELECT id, is_found, fetched_at FROM cards WHERE url = $1", url)
    return Known(**dict(row)) if row else None


async def insert_card(tx: WriteTx, id_: int, url: str) -> Known:
    """A card that is not fetched yet. If somebody else has just inserted the address: that one."""
    row = await tx.fetchrow(
        "INSERT INTO cards (id, url) VALUES ($1, $2) ON CONFLICT (url) DO UPDATE SET url = excluded.url RETURNING id, is_found, fetched_at",
        id_, url,
    )
    assert row is not None
    return Known(**dict(row))


async def attach_card(tx: WriteTx, post_id: int, card_id: int) -> bool:
    """Gives a post this card. Returns whether that changed something; not if post or card are deleted."""
    return bool(await tx.execute(
        """
        WITH there AS (
            SELECT p.id FROM posts AS p, cards AS c WHERE p.id = $1 AND c.id = $2 FOR KEY SHARE
        )
        INSERT INTO post_cards (post_id, card_id) SELECT id, $2 FROM there
        ON CONFLICT (post_id) DO UPDATE SET card_id = excluded.card_id WHERE post_cards.card_id <> excluded.card_id
        """,
        post_id, card_id,
    ))


async def detach_card(tx: WriteTx, post_id: int) -> bool:
    """Returns whether the post had a card."""
    return bool(await tx.execute("DELETE FROM post_cards WHERE post_id = $1", post_id))


async def claim_fetch(tx: WriteTx, card_id: int, now: datetime, before: datetime) -> str | None:
    """The address, if it was not fetched since `before`. Then this is its fetch, also if the process is killed during it."""
    value = await tx.fetchval(
        "UPDATE cards SET fetched_at = $2 WHERE id = $1 AND (fetched_at IS NULL OR fetched_at < $3) RETURNING url", card_id, now, before
    )
    return str(value) if value else None


async def lock_card(tx: WriteTx, card_id: int) -> tuple[str, int | None] | None:
    """(address, id of the picture) of a card, which is locked; None if it does not exist any more."""
    row = await tx.fetchrow("SELECT url, picture_id FROM cards WHERE id = $1 FOR UPDATE", card_id)
    return (row["url"], row["picture_id"]) if row else None


async def update_card(
    tx: WriteTx, card_id: int, preview: Preview, picture_id: int | None, creator_id: int | None, hosts: Sequence[str]
) -> None:
    """Stores what the page says now. A page without a title is none to show. `hosts`: that the creator has to list."""
    await tx.execute(
        """
        UPDATE cards SET is_found = $2 <> '', title = $2, description = $3, author_name = $4, author_url = $5, provider_name = $6,
            published_at = $7, language = $8, picture_id = $9, creator_id = $10, creator_hosts = $11
        WHERE id = $1
        """,
        card_id, preview.title, preview.description, preview.author_name, preview.author_url, preview.provider_name,
        preview.published_at, preview.language, picture_id, creator_id, list(hosts),
    )


async def list_posts_with(conn: ReadConn, card_id: int, limit: int) -> list[int]:
    """The newest posts with a card. Uses the index post_cards_card."""
    rows = await conn.fetch("SELECT post_id FROM post_cards WHERE card_id = $1 ORDER BY post_id DESC LIMIT $2", card_id, limit)
    return [row["post_id"] for row in rows]


async def delete_unused(tx: WriteTx, before: datetime, limit: int) -> list[int | None]:
    """Deletes cards that no post has, and that were last fetched before; returns the ids of their pictures."""
    rows = await tx.fetch(
        """
        DELETE FROM cards WHERE id IN (
            SELECT c.id FROM cards AS c
            WHERE c.fetched_at < $1 AND NOT EXISTS (SELECT FROM post_cards WHERE card_id = c.id)
            LIMIT $2 FOR UPDATE SKIP LOCKED)
        RETURNING picture_id
        """,
        before, limit,
    )
    return [row["picture_id"] for row in rows]
