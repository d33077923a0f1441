"""The facts about posts that rules ask for: one statement, whatever the number of posts and rules.

Everything is counted as it was when this version of the post was written: only earlier posts count, so a backtest on stored posts
asks exactly what was asked about each new one. Each count ends at a bound.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache

from folkmoot.base import ids
from folkmoot.base.db import ReadConn, Row
from folkmoot.moderation.cases.model import Subject
from folkmoot.moderation.rules.attributes import (
    ATTRIBUTES,
    EVERYTHING,
    MOST_COPIES,
    MOST_PEOPLE,
    MOST_POSTS,
    MOST_SIGN_UPS,
    REPEATS_REMOVED,
    Dear,
)
from folkmoot.moderation.rules.material import Material
from folkmoot.moderation.rules.model import Facts
from folkmoot.network.posts.model import PostEffect, Visibility

_HOUR, _DAY, _WEEK = (ids.span(timedelta(hours=hours)) for hours in (1, 24, 24 * 7))
_MOST_ADDRESSED = 10  # accounts whose mentions are counted
_REMOVE = "remove"  # `restrictions.model.Kind.REMOVE`, which stands a layer above
_OLD = 10 * 365 * 86400  # seconds; the age of an author at an imported post

_OF_NO_COPIES = {"same text by the author": 1, "accounts with the same text": 1, REPEATS_REMOVED: False}
_OF_NOBODY = {
    "mentions": 0, "strangers mentioned": 0, "answers a stranger": False, "is a reply": False, "posts at one person in the last hour": 0,
    "accounts at one person in the last hour": 0, "new accounts at one person in the last hour": 0,
}


def _asked(dear: Dear) -> str:
    """SQL: whether this is asked for the post."""
    return f"(e.dear & {dear:d}) > 0"


# A stranger to the author: does not follow the author.
_STRANGER = "NOT EXISTS (SELECT FROM follows AS f WHERE f.account_id = {0} AND f.target_id = e.account_id)"
# Each array stands in a sub-select: the planner would look into it, and plan this statement anew for each batch, for longer than it runs.
# Copies of a text are read once for all posts of a batch with that text: the newest ones up to the first of them, and all up to the
# last. `moment` bounds the latter, since a post that was delivered late may stand beside new ones. Mentions of a post are looked for
# where it shows some, or has shown some before an edit.
_MOMENT = ids.span(timedelta(seconds=10))
_FACTS = f"""
    WITH e AS (
        SELECT p.*, w.key, w.until, w.dear, coalesce(p.edited_at, p.created_at) AS at,
            p.mentions <> '[]' OR p.edited_at IS NOT NULL AS may_mention
        FROM unnest((SELECT $1::bigint[]), (SELECT $2::bigint[]), (SELECT $3::bigint[]), (SELECT $6::integer[])) AS w (id, key, until, dear)
        JOIN posts AS p ON p.id = w.id
    ), known AS MATERIALIZED (
        SELECT k.key, k.moment, b.id, b.account_id, b.effect FROM (
            SELECT key, until / {_MOMENT} AS moment, min(until) AS low, max(until) AS high FROM e WHERE key IS NOT NULL GROUP BY 1, 2
        ) AS k CROSS JOIN LATERAL (
            SELECT t.post_id FROM list_copies(k.key, k.low, 0, {MOST_COPIES + 1}) AS t (post_id)
            UNION ALL SELECT t.post_id FROM post_traces AS t WHERE t.text_key = k.key AND t.post_id > k.low AND t.post_id <= k.high
        ) AS t JOIN posts AS b ON b.id = t.post_id
        WHERE (SELECT count(*) FROM (SELECT FROM post_traces AS t WHERE t.text_key = k.key LIMIT 2) AS two) = 2
    ), removed AS MATERIALIZED (
        SELECT DISTINCT key FROM known WHERE effect = {PostEffect.REMOVED:d}
    )
    SELECT e.id, e.visibility, e.language, e.cover <> '' AS has_cover, e.media_count > 0 AS has_picture, e.poll_id IS NOT NULL AS has_poll,
        e.reply_to_id IS NOT NULL AS is_reply, e.edited_at IS NOT NULL AS is_edited, cardinality(e.hashtags) AS hashtags,
        extract(epoch FROM e.at - a.created_at)::float8 AS age, coalesce(c.followers, 0) AS followers,
        own.posts, (
            SELECT count(DISTINCT m.account_id) FROM mentions AS m WHERE m.post_id = ANY (own.addressing) AND m.account_id <> e.account_id
        ) AS people, crowd.accounts AS crowd_accounts, crowd.young AS crowd_young, crowd.own AS crowd_own,
        told.mentions, told.strangers,
        copies.own AS copies_own, copies.accounts AS copies_accounts, copies.removed_clause, hosts.new AS new_hosts,
        e.reply_to_account_id IS NOT NULL AND e.reply_to_account_id <> e.account_id AND {_STRANGER.format('e.reply_to_account_id')}
            AND NOT EXISTS (SELECT FROM mentions AS m WHERE m.account_id = e.account_id AND m.post_id = e.reply_to_id) AS answers_stranger,
        CASE WHEN {_asked(Dear.SIGN_UPS)} AND e.id - a.id BETWEEN 0 AND {_WEEK} THEN (
            SELECT count(*) FROM (
                SELECT FROM accounts AS o
                WHERE o.id BETWEEN a.id - {_HOUR} AND least(a.id + {_HOUR}, e.until) AND o.domain = '' AND o.id <> a.id
                LIMIT {MOST_SIGN_UPS}
            ) AS near) ELSE 0 END AS sign_ups
    FROM e JOIN accounts AS a ON a.id = e.account_id LEFT JOIN account_counts AS c ON c.account_id = e.account_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS posts, array_agg(b.id) FILTER (WHERE b.mentions <> '[]' OR b.edited_at IS NOT NULL) AS addressing FROM (
            SELECT b.id, b.mentions, b.edited_at FROM posts AS b
            WHERE {_asked(Dear.POSTS)} AND b.account_id = e.account_id AND b.id BETWEEN e.until - {_HOUR} AND e.until
                AND b.boost_of_id IS NULL AND b.visibility < {Visibility.DIRECT:d}
            ORDER BY b.id DESC LIMIT {MOST_POSTS}
        ) AS b
    ) AS own
    CROSS JOIN LATERAL (
        SELECT coalesce(max(one.accounts), 0) AS accounts, coalesce(max(one.young), 0) AS young, coalesce(max(one.own), 0) AS own FROM (
            SELECT m.account_id FROM mentions AS m
            WHERE {_asked(Dear.CROWD)} AND e.may_mention AND m.post_id = e.id AND m.account_id <> e.account_id
            UNION SELECT e.reply_to_account_id WHERE {_asked(Dear.CROWD)} AND e.reply_to_account_id <> e.account_id
            ORDER BY 1 LIMIT {_MOST_ADDRESSED}
        ) AS addressed CROSS JOIN LATERAL (
            SELECT count(DISTINCT b.account_id) AS accounts, count(*) FILTER (WHERE b.account_id = e.account_id) AS own,
                count(DISTINCT b.account_id) FILTER (WHERE o.created_at > e.at - interval '7 days') AS young
            FROM (
                SELECT m.post_id FROM mentions AS m
                WHERE m.account_id = addressed.account_id AND m.post_id BETWEEN e.until - {_HOUR} AND e.until
                ORDER BY m.post_id DESC LIMIT {MOST_PEOPLE}
            ) AS r JOIN posts AS b ON b.id = r.post_id AND b.visibility < {Visibility.DIRECT:d} AND b.account_id <> addressed.account_id
                JOIN accounts AS o ON o.id = b.account_id
        ) AS one
    ) AS crowd
    CROSS JOIN LATERAL (
        SELECT count(*) AS mentions, count(*) FILTER (
            WHERE m.account_id IS DISTINCT FROM e.reply_to_account_id AND {_STRANGER.format('m.account_id')}
                AND NOT EXISTS (SELECT FROM mentions AS o WHERE o.account_id = m.account_id AND o.post_id = e.reply_to_id)
        ) AS strangers
        FROM mentions AS m WHERE e.may_mention AND m.post_id = e.id AND m.account_id <> e.account_id
    ) AS told
    CROSS JOIN LATERAL (
        SELECT 1 + count(*) FILTER (WHERE b.account_id = e.account_id AND b.id >= e.until - {_DAY}) AS own,
            1 + count(DISTINCT b.account_id) FILTER (WHERE b.account_id <> e.account_id AND b.id >= e.until - {_HOUR}) AS accounts,
            max(CASE WHEN b.effect = {PostEffect.REMOVED:d} THEN (
                SELECT r.clause FROM restrictions AS r
                WHERE r.subject = '{Subject.POST}' AND r.subject_id = b.id AND r.kind = '{_REMOVE}' AND r.lifted_at IS NULL
                    AND r.imposed_at < e.at
                LIMIT 1
            ) END) AS removed_clause
        FROM (
            SELECT b.id, b.account_id, b.effect FROM known AS b
            WHERE ({_asked(Dear.COPIES)} OR e.key IN (SELECT key FROM removed))
                AND b.key = e.key AND b.moment = e.until / {_MOMENT} AND b.id <= e.until AND b.id <> e.id
            ORDER BY b.id DESC LIMIT {MOST_COPIES}
        ) AS b
    ) AS copies
    CROSS JOIN LATERAL (
        SELECT count(*) AS new FROM unnest((SELECT $4::bigint[]), (SELECT $5::text[])) AS u (id, host)
        JOIN seen_hosts AS h ON h.host = u.host
        WHERE u.id = e.id AND h.first_seen_at > e.at - interval '1 day'
    ) AS hosts
"""


async def list_facts_unscoped(
    conn: ReadConn, materials: Sequence[Material], dear: Sequence[Dear] | None = None
) -> dict[int, tuple[Facts, str | None]]:
    """The facts about posts, and the clause for which a post with the same text was removed. What was deleted meanwhile is missing.
    `dear`: what is asked for each of them; None: everything. Other facts of that kind are missing.

    Indexes: posts_account, mentions, mentions_post, post_traces_text, follows, restrictions_standing.
    """
    asked = [EVERYTHING] * len(materials) if dear is None else dear
    rows = await conn.fetch(
        _FACTS, [one.post_id for one in materials], [one.text_key for one in materials], [one.until for one in materials],
        [one.post_id for one in materials for _ in one.hosts], [host for one in materials for host in one.hosts], list(map(int, asked)),
    )
    by_id = {one.post_id: (one, wanted) for one, wanted in zip(materials, asked, strict=True)}
    return {row["id"]: (_facts_from(row, *by_id[row["id"]]), row["removed_clause"]) for row in rows}


def facts_of_text(material: Material) -> Facts:
    """The facts that follow from the text alone, without a statement."""
    facts: dict[str, int | float | bool | str] = {
        "addresses": len(material.addresses), "hosts": len(material.hosts), "words": len(material.words),
        "has a picture": material.text.has_pictures, "was edited": material.text.edited_at is not None,
        "language": material.text.language or "",
    }
    if not material.hosts:
        facts["new hosts"] = 0
    if material.text_key is None:
        facts |= _OF_NO_COPIES
    if not material.text.may_address:
        facts |= _OF_NOBODY
    return facts


def _facts_from(row: Row, material: Material, asked: Dear) -> Facts:
    facts = _all_facts(row, material)
    for name in _missing(asked):
        del facts[name]
    return facts


@lru_cache(maxsize=64)
def _missing(asked: Dear) -> list[str]:
    """The facts that were not counted."""
    return [name for name, attribute in ATTRIBUTES.items() if attribute.dear and not attribute.dear & asked]


def _all_facts(row: Row, material: Material) -> dict[str, int | float | bool | str]:
    return {
        "account age": int(row["age"]) if row["age"] >= 0 else _OLD,
        "followers": row["followers"],
        "neighbouring sign-ups": row["sign_ups"],
        "posts in the last hour": row["posts"],
        "people addressed in the last hour": row["people"],
        "posts at one person in the last hour": row["crowd_own"],
        "accounts at one person in the last hour": row["crowd_accounts"],
        "new accounts at one person in the last hour": row["crowd_young"],
        "addresses": len(material.addresses),
        "hosts": len(material.hosts),
        "new hosts": row["new_hosts"],
        "mentions": row["mentions"],
        "strangers mentioned": row["strangers"],
        "same text by the author": row["copies_own"],
        "accounts with the same text": row["copies_accounts"],
        "words": len(material.words),
        "hashtags": row["hashtags"],
        "has a picture": row["has_picture"],
        "has a poll": row["has_poll"],
        "has a cover": row["has_cover"],
        "is a reply": row["is_reply"],
        "answers a stranger": bool(row["answers_stranger"]),
        "was edited": row["is_edited"],
        REPEATS_REMOVED: row["removed_clause"] is not None,
        "visibility": Visibility(row["visibility"]).word,
        "language": row["language"] or "",
    }
