"""Which accounts are concerned by a case and therefore barred from deciding it.

The rule is SQL, because the queue must leave such cases out, and because it is evaluated at each step: relations can change
after the case was opened. Relations count in both directions, but only between moderator and author, because deciders do
not learn who reported. Whoever has judged the same post on a jury is concerned by further cases about it.
"""

from collections.abc import Sequence

from folkmoot.base.db import ReadConn
from folkmoot.moderation.cases.model import State, Subject
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.sessions.model import Role

_RELATIONS = (("follows", "target_id"), ("follow_requests", "requester_id"), ("mutes", "target_id"), ("blocks", "target_id"))
_LONGEST_THREAD = 40  # ancestors of a post that are checked


def concerned_sql(person: str) -> str:
    """SQL: whether `person`, a parameter or column, is concerned by the case `c`. Each part uses a primary key, or an index that
    starts with the compared columns."""
    relations = " OR ".join(
        f"EXISTS (SELECT FROM {table} WHERE account_id = {one} AND {target} = {other})"
        for table, target in _RELATIONS
        for one, other in ((person, "c.account_id"), ("c.account_id", person))
    )
    return f"""(
        c.account_id = {person} OR c.barred_ids @> ARRAY[{person}] OR {relations}
        OR EXISTS (SELECT FROM cases AS same JOIN report_cases AS rc ON rc.case_id = same.id AND rc.reporter_id = {person}
                   WHERE same.subject = c.subject AND same.subject_id = c.subject_id)
        OR EXISTS (SELECT FROM cases AS same JOIN jury_seats AS js ON js.case_id = same.id AND js.account_id = {person}
                   WHERE same.subject = c.subject AND same.subject_id = c.subject_id AND same.id <> c.id AND js.opened_at IS NOT NULL)
        OR c.subject = '{Subject.POST}' AND {_takes_part_in_post(person)}
        OR c.subject = '{Subject.ACCOUNT}' AND {_named_in_profile(person)}
    )"""


def _takes_part_in_post(person: str) -> str:
    """Whether the account is mentioned in the post, replied to or quoted by it, has boosted, favourited, quoted or replied to it, or
    takes part in the thread above it."""
    return f"""(
        EXISTS (SELECT FROM mentions WHERE account_id = {person} AND post_id = c.subject_id)
        OR EXISTS (SELECT FROM posts WHERE id = c.subject_id AND reply_to_account_id = {person})
        OR EXISTS (SELECT FROM posts WHERE boost_of_id = c.subject_id AND account_id = {person})
        OR EXISTS (SELECT FROM quotes WHERE post_id = c.subject_id AND quoted_account_id = {person})
        OR EXISTS (SELECT FROM quotes WHERE quoted_id = c.subject_id AND account_id = {person})
        OR EXISTS (SELECT FROM favourites WHERE account_id = {person} AND post_id = c.subject_id)
        OR EXISTS (SELECT FROM posts WHERE reply_to_id = c.subject_id AND account_id = {person})
        OR EXISTS (
            WITH RECURSIVE above (id, height) AS (
                SELECT reply_to_id, 1 FROM posts WHERE id = c.subject_id AND reply_to_id IS NOT NULL
                UNION ALL
                SELECT p.reply_to_id, height + 1 FROM above JOIN posts AS p ON p.id = above.id
                WHERE p.reply_to_id IS NOT NULL AND height < {_LONGEST_THREAD}
            )
            SELECT FROM above JOIN posts AS p ON p.id = above.id
            WHERE p.account_id = {person}
               OR EXISTS (SELECT FROM mentions WHERE mentions.account_id = {person} AND mentions.post_id = p.id))
    )"""


def _named_in_profile(person: str) -> str:
    """Usernames are ASCII, so only ASCII letters are lowercased."""
    texts = "a.display_name || ' ' || a.bio || ' ' || a.fields::text"
    return f"""EXISTS (
        SELECT FROM accounts AS a JOIN accounts AS named ON named.id = {person}
        WHERE a.id = c.account_id AND position('@' || named.username_key IN
            translate({texts}, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')) > 0)"""


async def is_concerned(conn: ReadConn, account_id: int, case_id: int) -> bool:
    """Whether an account is concerned by a case now. False for a case that does not exist."""
    return bool(await conn.fetchval(f"SELECT {concerned_sql('$1::bigint')} FROM cases AS c WHERE c.id = $2", account_id, case_id))


async def list_concerned(conn: ReadConn, account_ids: Sequence[int], case_id: int) -> set[int]:
    """Those of these accounts that are concerned by a case."""
    rows = await conn.fetch(
        f"SELECT one.id FROM cases AS c CROSS JOIN unnest($1::bigint[]) AS one (id) WHERE c.id = $2 AND {concerned_sql('one.id')}",
        list(account_ids), case_id,
    )
    return {row["id"] for row in rows}


async def count_stuck(conn: ReadConn) -> int:
    """The number of open cases that no moderator of this network may decide."""
    return int(await conn.fetchval(
        f"""
        SELECT count(*) FROM cases AS c WHERE c.state = '{State.OPEN}' AND NOT EXISTS (
            SELECT FROM logins AS l JOIN accounts AS a ON a.id = l.account_id
            WHERE l.role = ANY ($1::text[]) AND l.disabled_at IS NULL AND a.effect < {AccountEffect.FROZEN:d}
              AND NOT {concerned_sql('l.account_id')})
        """,
        [Role.MODERATOR, Role.OPERATOR],
    ))
