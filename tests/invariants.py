"""What must always be true of posts and relations, whoever did what at the same moment; and what the counts must be.

The rule of the counts stands here a second time, in plain SQL over all rows, without the code that keeps them.
"""

from folkmoot.base.db import ReadConn

# Who and what counts (decision 0045): what everybody may see. o: the boosted post of a boost.
_OPEN = """
    open_posts AS (
        SELECT p.id, p.account_id, p.reply_to_id, p.boost_of_id, p.created_at FROM posts AS p JOIN accounts AS a ON a.id = p.account_id
        LEFT JOIN posts AS o ON o.id = p.boost_of_id LEFT JOIN accounts AS oa ON oa.id = o.account_id
        WHERE p.visibility <= 1 AND p.effect < 2 AND a.effect < 3
          AND (p.boost_of_id IS NULL OR o.visibility <= 1 AND o.effect < 2 AND oa.effect < 3)
    ), open_follows AS (
        SELECT f.account_id, f.target_id FROM follows AS f JOIN accounts AS a ON a.id = f.account_id
        JOIN accounts AS t ON t.id = f.target_id WHERE a.effect < 3 AND t.effect < 3
    )
"""
_ACCOUNTS = f"""
    WITH {_OPEN}
    SELECT a.id, coalesce(c.posts, 0) + coalesce(d.posts, 0) AS posts, coalesce(c.followers, 0) + coalesce(d.followers, 0) AS followers,
        coalesce(c.following, 0) + coalesce(d.following, 0) AS following,
        coalesce(p.number, 0) AS posts_there, coalesce(t.number, 0) AS followers_there, coalesce(f.number, 0) AS following_there
    FROM accounts AS a LEFT JOIN account_counts AS c ON c.account_id = a.id
    LEFT JOIN (
        SELECT subject_id, sum(delta) FILTER (WHERE counter = 1) AS posts, sum(delta) FILTER (WHERE counter = 2) AS followers,
            sum(delta) FILTER (WHERE counter = 3) AS following FROM counter_deltas GROUP BY subject_id) AS d ON d.subject_id = a.id
    LEFT JOIN (SELECT account_id, count(*) AS number FROM open_posts GROUP BY account_id) AS p ON p.account_id = a.id
    LEFT JOIN (SELECT target_id, count(*) AS number FROM open_follows GROUP BY target_id) AS t ON t.target_id = a.id
    LEFT JOIN (SELECT account_id, count(*) AS number FROM open_follows GROUP BY account_id) AS f ON f.account_id = a.id
"""
_POSTS = f"""
    WITH {_OPEN}
    SELECT p.id, coalesce(c.replies, 0) + coalesce(d.replies, 0) AS replies, coalesce(c.boosts, 0) + coalesce(d.boosts, 0) AS boosts,
        coalesce(c.favourites, 0) + coalesce(d.favourites, 0) AS favourites, coalesce(c.quotes, 0) + coalesce(d.quotes, 0) AS quotes,
        (SELECT count(*) FROM quotes AS q JOIN open_posts AS o ON o.id = q.post_id WHERE q.quoted_id = p.id AND q.revoked_at IS NULL)
            AS quotes_there,
        coalesce(r.number, 0) AS replies_there, coalesce(b.number, 0) AS boosts_there, coalesce(f.number, 0) AS favourites_there
    FROM posts AS p LEFT JOIN post_counts AS c ON c.post_id = p.id
    LEFT JOIN (
        SELECT subject_id, sum(delta) FILTER (WHERE counter = 11) AS replies, sum(delta) FILTER (WHERE counter = 12) AS boosts,
            sum(delta) FILTER (WHERE counter = 13) AS favourites, sum(delta) FILTER (WHERE counter = 14) AS quotes
        FROM counter_deltas GROUP BY subject_id) AS d ON d.subject_id = p.id
    LEFT JOIN (SELECT reply_to_id, count(*) AS number FROM open_posts GROUP BY reply_to_id) AS r ON r.reply_to_id = p.id
    LEFT JOIN (SELECT boost_of_id, count(*) AS number FROM open_posts GROUP BY boost_of_id) AS b ON b.boost_of_id = p.id
    LEFT JOIN (
        SELECT f.post_id, count(*) AS number FROM favourites AS f JOIN accounts AS a ON a.id = f.account_id
        WHERE a.effect < 3 GROUP BY f.post_id) AS f ON f.post_id = p.id
"""
_BROKEN = {
    "a follow where a block stands": """
        SELECT f.* FROM follows AS f JOIN blocks AS b
        ON (b.account_id, b.target_id) IN ((f.account_id, f.target_id), (f.target_id, f.account_id))""",
    "a request where a block stands": """
        SELECT r.* FROM follow_requests AS r JOIN blocks AS b
        ON (b.account_id, b.target_id) IN ((r.account_id, r.requester_id), (r.requester_id, r.account_id))""",
    "a request beside a follow": """
        SELECT r.* FROM follow_requests AS r JOIN follows AS f ON f.account_id = r.requester_id AND f.target_id = r.account_id""",
    "follows and followers differ": """
        SELECT account_id, target_id FROM follows EXCEPT SELECT follower_id, account_id FROM followers
        UNION ALL (SELECT follower_id, account_id FROM followers EXCEPT SELECT account_id, target_id FROM follows)""",
    "a reply to a post that is gone": """
        SELECT id FROM posts AS p WHERE reply_to_id IS NOT NULL AND NOT EXISTS (SELECT FROM posts WHERE id = p.reply_to_id)""",
    "a boost of a post that is gone": """
        SELECT id FROM posts AS p WHERE boost_of_id IS NOT NULL AND NOT EXISTS (SELECT FROM posts WHERE id = p.boost_of_id)""",
    "favourites and marks differ": """
        SELECT account_id, post_id FROM favourites EXCEPT SELECT account_id, post_id FROM marks WHERE bits & 1 > 0
        UNION ALL (SELECT account_id, post_id FROM marks WHERE bits & 1 > 0 EXCEPT SELECT account_id, post_id FROM favourites)""",
    "boosts and marks differ": """
        SELECT account_id, boost_of_id FROM posts WHERE boost_of_id IS NOT NULL
        EXCEPT SELECT account_id, post_id FROM marks WHERE bits & 2 > 0
        UNION ALL (SELECT account_id, post_id FROM marks WHERE bits & 2 > 0
                   EXCEPT SELECT account_id, boost_of_id FROM posts WHERE boost_of_id IS NOT NULL)""",
    "bookmarks and marks differ": """
        SELECT account_id, post_id FROM bookmarks EXCEPT SELECT account_id, post_id FROM marks WHERE bits & 4 > 0
        UNION ALL (SELECT account_id, post_id FROM marks WHERE bits & 4 > 0 EXCEPT SELECT account_id, post_id FROM bookmarks)""",
    "mutes and marks differ": """
        SELECT m.account_id, m.conversation_id FROM muted_conversations AS m JOIN posts AS p ON p.id = m.conversation_id
        EXCEPT SELECT account_id, post_id FROM marks WHERE bits & 8 > 0
        UNION ALL (SELECT account_id, post_id FROM marks WHERE bits & 8 > 0
                   EXCEPT SELECT account_id, conversation_id FROM muted_conversations)""",
    "votes and marks differ": """
        SELECT v.account_id, p.post_id FROM poll_votes AS v JOIN polls AS p ON p.id = v.poll_id
        EXCEPT SELECT account_id, post_id FROM marks WHERE bits & 32 > 0
        UNION ALL (SELECT account_id, post_id FROM marks WHERE bits & 32 > 0
                   EXCEPT SELECT v.account_id, p.post_id FROM poll_votes AS v JOIN polls AS p ON p.id = v.poll_id)""",
    "the tally of a poll is wrong": """
        SELECT id FROM polls AS p WHERE voters <> (SELECT count(*) FROM poll_votes WHERE poll_id = p.id)
        OR (SELECT sum(v) FROM unnest(votes) AS v)
            <> (SELECT coalesce(sum(cardinality(choices)), 0) FROM poll_votes WHERE poll_id = p.id)""",
    "a poll that its post does not show": """
        SELECT id FROM polls AS p WHERE NOT EXISTS (SELECT FROM posts WHERE posts.id = p.post_id AND posts.poll_id = p.id)""",
    "more than five pinned": """
        SELECT account_id FROM marks WHERE bits & 16 > 0 GROUP BY account_id HAVING count(*) > 5""",
    "a quote without its two authors": """
        SELECT post_id FROM quotes AS q JOIN posts AS p ON p.id = q.post_id LEFT JOIN posts AS s ON s.id = q.quoted_id
        WHERE q.account_id <> p.account_id OR q.quoted_account_id IS DISTINCT FROM s.account_id""",
    "a quote that everybody may see of a post that not everybody may": """
        SELECT post_id FROM quotes AS q JOIN posts AS p ON p.id = q.post_id JOIN posts AS s ON s.id = q.quoted_id
        WHERE s.visibility > 2 OR s.visibility = 2 AND (p.visibility < 2 OR p.account_id <> s.account_id)""",
    "a policy that lets others quote what not everybody may see": """
        SELECT id FROM posts WHERE visibility > 1 AND quote_policy < 2 AND boost_of_id IS NULL""",
    "a picture of a post that is gone": """
        SELECT id FROM media AS m WHERE post_id IS NOT NULL AND NOT EXISTS (SELECT FROM posts WHERE posts.id = m.post_id)""",
}


_ALL = " UNION ALL ".join(
    f"SELECT '{rule}' AS rule, (SELECT to_jsonb(t)::text FROM ({sql} LIMIT 1) AS t) AS found" for rule, sql in _BROKEN.items()
)


async def list_broken(conn: ReadConn) -> list[str]:
    """The rules that do not hold, each with a row that breaks it."""
    rows = await conn.fetch(_ALL)
    return [f"{row['rule']}: {row['found']}" for row in rows if row["found"]] + await list_miscounted(conn)


async def list_miscounted(conn: ReadConn) -> list[str]:
    """Counts that are not what a recount gives, with the deltas that wait."""
    return [
        f"{table} {row['id']}: {name} is {row[name]} and should be {row[f'{name}_there']}"
        for table, sql, names in (
            ("account", _ACCOUNTS, ("posts", "followers", "following")), ("post", _POSTS, ("replies", "boosts", "favourites", "quotes"))
        )
        for row in await conn.fetch(sql)
        for name in names
        if row[name] != row[f"{name}_there"]
    ]
