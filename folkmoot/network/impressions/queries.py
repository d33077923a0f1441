"""All SQL of impressions: an UNLOGGED table, which is empty after a crash and does not exist on a standby."""

from collections.abc import Mapping
from datetime import date

from folkmoot.base.db import CacheTx
from folkmoot.network.posts.model import Visibility


async def add_impressions(cache: CacheTx, day: date, views: Mapping[int, int]) -> None:
    """Adds views of posts that everybody may see; other posts are not counted. Ordered, so that two processes do not deadlock."""
    await cache.execute(
        f"""
        INSERT INTO impressions (day, post_id, views)
        SELECT $1, t.id, t.views FROM unnest($2::bigint[], $3::int[]) AS t (id, views)
        JOIN posts AS p ON p.id = t.id WHERE p.visibility <= {Visibility.UNLISTED:d} ORDER BY t.id
        ON CONFLICT (day, post_id) DO UPDATE SET views = impressions.views + excluded.views
        """,
        day, list(views), list(views.values()),
    )


async def list_impressions(cache: CacheTx, day: date) -> list[tuple[int, int]]:
    """(post id, views) of a day."""
    rows = await cache.fetch("SELECT post_id, views FROM impressions WHERE day = $1 ORDER BY post_id", day)
    return [(row["post_id"], row["views"]) for row in rows]


async def delete_impressions(cache: CacheTx, before: date) -> None:
    await cache.execute("DELETE FROM impressions WHERE day < $1", before)
