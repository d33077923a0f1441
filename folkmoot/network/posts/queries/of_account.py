"""The posts and boosts of one account, by the index posts_account; those with a rare hashtag by the hashtag."""

from folkmoot.base.db import ReadConn
from folkmoot.base.paging import Page
from folkmoot.network.posts.model import Mark, Visibility
from folkmoot.network.posts.visibility import visible_sql

_FEW = 1000  # uses of a hashtag that are looked through before the posts of the account
# An array, so that the few pinned posts are looked up: the planner would go through all posts of the account, in the order of the page.
_IS_PINNED = f"p.id = ANY (ARRAY(SELECT post_id FROM marks WHERE account_id = $1 AND bits & {Mark.PINNED:d} > 0))"


async def list_account_post_ids(
    conn: ReadConn,
    account_id: int,
    viewer_id: int | None,
    page: Page,
    *,
    only_media: bool = False,
    without_replies: bool = False,
    without_boosts: bool = False,
    only_pinned: bool = False,
    hashtag: str | None = None,
    without_direct: bool = False,
) -> list[int]:
    """The posts and boosts of an account that the viewer may see. Uses the indexes posts_account, posts_pictures and marks_pinned, and
    the primary key of post_hashtags.

    Only the wanted conditions are in the statement: with a parameter for each, it would be planned anew at each call.
    """
    wanted = {
        "p.media_count > 0": only_media,
        "(p.reply_to_account_id IS NULL OR p.reply_to_account_id = p.account_id)": without_replies,
        "p.boost_of_id IS NULL": without_boosts,
        _IS_PINNED: only_pinned,
        "p.hashtags @> ARRAY[$6::text]": hashtag is not None,
        f"p.visibility < {Visibility.DIRECT:d}": without_direct,
    }
    only = "".join(f" AND {condition}" for condition, is_wanted in wanted.items() if is_wanted)
    condition = f"""
        p.account_id = $1 AND p.id < $3 AND p.id > $4 AND {visible_sql("p", "a", "$2")}
        AND (p.boost_of_id IS NULL OR {visible_sql("s", "sa", "$2")}) {only}
    """
    sql = _page_sql("posts AS p", condition, page.order)
    rows = await conn.fetch(
        sql if hashtag is None else _tagged_sql(sql, condition, page.order),
        account_id, viewer_id, page.below, page.above, page.limit, *([] if hashtag is None else [hashtag]),
    )
    return page.newest_first([row["id"] for row in rows])


def _page_sql(source: str, condition: str, order: str) -> str:
    return f"""
        SELECT p.id FROM {source} JOIN accounts AS a ON a.id = p.account_id
        LEFT JOIN posts AS s ON s.id = p.boost_of_id LEFT JOIN accounts AS sa ON sa.id = s.account_id
        WHERE {condition} ORDER BY p.id {order} LIMIT $5
    """


def _tagged_sql(by_account: str, condition: str, order: str) -> str:
    """The posts among the next uses of the hashtag by anybody, if these are all or fill the page; else `by_account`, which reads
    posts of the account. So what is rare is found by itself, and what the account often writes among the posts of the account."""
    by_hashtag = _page_sql("uses JOIN posts AS p ON p.id = uses.post_id", condition, order)
    return f"""
        WITH uses AS MATERIALIZED (
            SELECT post_id FROM post_hashtags WHERE key = $6 AND post_id < $3 AND post_id > $4 ORDER BY post_id {order} LIMIT {_FEW}
        ), found AS MATERIALIZED ({by_hashtag}), known AS MATERIALIZED (
            SELECT (SELECT count(*) FROM uses) < {_FEW} OR (SELECT count(*) FROM found) = $5 AS is_enough
        )
        SELECT id FROM (
            SELECT id FROM found WHERE (SELECT is_enough FROM known)
            UNION ALL
            SELECT id FROM ({by_account}) AS written WHERE NOT (SELECT is_enough FROM known)
        ) AS p ORDER BY id {order}
    """


async def list_withheld_boosts(conn: ReadConn, viewer_id: int, below: int, above: int, *, most: int = 20) -> list[int]:
    """The posts that the viewer has boosted and may no longer see, newest boost first. Uses the index posts_account."""
    rows = await conn.fetch(
        f"""
        SELECT s.id FROM posts AS p JOIN posts AS s ON s.id = p.boost_of_id JOIN accounts AS sa ON sa.id = s.account_id
        WHERE p.account_id = $1 AND p.id < $2 AND p.id > $3 AND NOT {visible_sql("s", "sa", "$1")} ORDER BY p.id DESC LIMIT $4
        """,
        viewer_id, below, above, most,
    )
    return [row["id"] for row in rows]
