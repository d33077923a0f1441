"""The contribution of posts to public counts (decision 0045).

A post counts while everybody may see it: public or unlisted, not hidden, its author not suspended; for a boost the same must
hold for the boosted post. A quote counts with its post until it is revoked. The affected posts are counted with -1 before a
change of this and with 1 after it, by the same statement, so that unchanged ones cancel out. A favourite counts while its
account is not suspended.
"""

from collections.abc import Sequence

from folkmoot.base.db import WriteTx
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.counters import Counter, insert_deltas_sql
from folkmoot.network.posts.visibility import open_sql

_EFFECTS_LOCK = "7020, 45"  # key of the advisory lock: restricting accounts against counting posts of several accounts

# `affected` holds the ids of posts, selected by $1; $2 is the sign.
_CONTRIBUTIONS = f"""
    SELECT t.subject_id, t.counter, ($2 * count(*))::int
    FROM affected JOIN posts AS p USING (id) JOIN accounts AS a ON a.id = p.account_id
    LEFT JOIN posts AS s ON s.id = p.boost_of_id LEFT JOIN accounts AS sa ON sa.id = s.account_id
    LEFT JOIN quotes AS q ON q.post_id = p.id AND q.revoked_at IS NULL
    CROSS JOIN LATERAL (VALUES
        (p.account_id, {Counter.ACCOUNT_POSTS:d}), (p.reply_to_id, {Counter.POST_REPLIES:d}), (p.boost_of_id, {Counter.POST_BOOSTS:d}),
        (q.quoted_id, {Counter.POST_QUOTES:d})
    ) AS t (subject_id, counter)
    WHERE t.subject_id IS NOT NULL AND {open_sql("p", "a")} AND (p.boost_of_id IS NULL OR {open_sql("s", "sa")})
    GROUP BY 1, 2
"""
_OF_POSTS = f"""
    WITH affected AS (SELECT id FROM posts WHERE id = ANY ($1::bigint[]) OR boost_of_id = ANY ($1::bigint[]))
    {insert_deltas_sql(_CONTRIBUTIONS)}
"""
_OF_ACCOUNT = f"""
    WITH affected AS (
        SELECT id FROM posts WHERE account_id = $1
        UNION SELECT b.id FROM posts AS p JOIN posts AS b ON b.boost_of_id = p.id WHERE p.account_id = $1
    ), favoured AS (
        SELECT f.post_id, {Counter.POST_FAVOURITES:d}, $2::int FROM favourites AS f JOIN accounts AS a ON a.id = f.account_id
        WHERE f.account_id = $1 AND a.effect < {AccountEffect.SUSPENDED:d}
    )
    {insert_deltas_sql(f"{_CONTRIBUTIONS} UNION ALL SELECT * FROM favoured")}
"""


async def count_posts(tx: WriteTx, post_ids: Sequence[int], sign: int) -> None:
    """Counts these posts and their boosts, as far as everybody may see them."""
    await tx.execute(_OF_POSTS, list(post_ids), sign)


async def count_account(tx: WriteTx, account_id: int, sign: int) -> None:
    """Counts all posts, boosts and favourites of an account, and others' boosts of its posts."""
    await tx.execute(_OF_ACCOUNT, account_id, sign)


async def lock_effects(tx: WriteTx) -> None:
    """Begins a change of an account's effect: no transaction that counts posts runs at the same time."""
    await tx.execute(f"SELECT pg_advisory_xact_lock({_EFFECTS_LOCK})")


async def lock_effects_shared(tx: WriteTx) -> None:
    """Prevents changes of the effects of all accounts until the transaction ends."""
    await tx.execute(f"SELECT pg_advisory_xact_lock_shared({_EFFECTS_LOCK})")
