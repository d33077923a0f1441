"""Who wants which post: the one home rule and the one public rule, as SQL (decision 0043).

Both are predicates over table aliases, like `visible_sql` in posts/visibility.py, and every way uses them: the kept
home, the pulled home, live messages. The home rule has two parts. `kept_sql` decides which posts are *stored* in a
home: what follows from the post and from whom the reader follows. Everything that the reader can change or that ends by
itself (mutes, blocks, languages, boosts on or off) is asked when the home is *read*, so no change of it has to be
repeated in stored homes. May the reader see the post? That is asked beside it, by the visibility rule.
"""

from collections.abc import Callable
from datetime import timedelta

from folkmoot.base import ids
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.posts.model import PostEffect, Visibility

REPEATED_WITHIN = timedelta(hours=12)


def kept_sql(post: str, reader: str) -> str:
    """SQL: does a home store `post`, whose author the reader follows?

    A direct post only for whom it mentions. A reply only if the reader follows both sides of the talk.
    """
    return f"""(
        ({post}.visibility < {Visibility.DIRECT:d} OR EXISTS (
            SELECT FROM mentions WHERE mentions.account_id = {reader} AND mentions.post_id = {post}.id))
        AND {_reply_sql(post, reader)}
    )"""


def avoided_sql(reader: str, *who: str) -> str:
    """SQL: has the reader muted or blocked one of `who`? A `who` that is NULL is nobody.

    Who has blocked the reader is hidden by the visibility rule. Leans on the primary keys. For a reader who is a
    parameter it is asked once per statement whether there is anybody at all.
    """
    def exists(table: str, condition: str) -> str:
        found = f"EXISTS (SELECT FROM {table} WHERE account_id = {reader} AND target_id = ANY (ARRAY[{', '.join(who)}]) {condition})"
        return f"((SELECT EXISTS (SELECT FROM {table} WHERE account_id = {reader})) AND {found})" if reader.startswith("$") else found

    return f"({exists('mutes', 'AND (expires_at IS NULL OR expires_at > now())')} OR {exists('blocks', '')})"


def avoided_ids_sql(reader: str) -> str:
    """SQL: an array of all whom the reader has muted or blocked, for statements that ask about many posts of one reader."""
    return f"""ARRAY(
        SELECT target_id FROM mutes WHERE account_id = {reader} AND (expires_at IS NULL OR expires_at > now())
        UNION ALL SELECT target_id FROM blocks WHERE account_id = {reader})"""


def home_sql(post: str, original: str, follow: str, reader: str, *, avoided: str = "", is_stored: bool = False) -> str:
    """SQL: does `post` belong in the home of the reader, whose `follow` of its author this is?

    `original` is the post that it boosts, outer joined; `avoided` the `avoided_ids_sql` of the reader, where the statement
    has it. Of a post that is stored only what may have changed is asked; the visibility rule asks again about direct posts.
    One's own posts always belong in one's home and are not asked here.
    """
    def avoids(who: str) -> str:
        return f"{who} = ANY ({avoided})" if avoided else avoided_sql(reader, who)

    return f"""(
        {post}.effect < {PostEffect.HIDDEN:d}
        AND {_language_sql(post, follow)}
        AND {_reply_sql(post, reader) if is_stored else kept_sql(post, reader)}
        AND NOT {avoids(f"{post}.account_id")}
        AND ({post}.boost_of_id IS NULL OR {follow}.shows_boosts AND NOT {avoids(f"{post}.boost_of_account_id")}
            AND NOT {_repeated_sql(post, original, reader)})
    )"""


def public_sql(post: str, author: str, reader: str) -> str:
    """SQL: does `post` stand in the public timelines of the reader (NULL: of anybody)?

    Limited accounts only for their followers. Replies are left out by the timelines that want none.
    """
    return f"""(
        {post}.visibility = {Visibility.PUBLIC:d} AND {post}.boost_of_id IS NULL
        AND ({author}.effect <> {AccountEffect.LIMITED:d} OR EXISTS (
            SELECT FROM follows WHERE follows.account_id = {reader} AND follows.target_id = {post}.account_id))
        AND NOT {avoided_sql(reader, f"{post}.account_id")}
    )"""


def _language_sql(post: str, follow: str) -> str:
    return f"({follow}.languages IS NULL OR {post}.language IS NULL OR {post}.language = ANY ({follow}.languages))"


def _reply_sql(post: str, reader: str) -> str:
    return f"""({post}.reply_to_account_id IS NULL OR {post}.reply_to_account_id IN ({post}.account_id, {reader})
        OR {_follows_sql(reader, f"{post}.reply_to_account_id")})"""


def _repeated_sql(boost: str, original: str, reader: str) -> str:
    """SQL: does the boosted post itself stand in the same home, from the twelve hours before the boost?

    That its author is not avoided was asked for the boost; direct posts are not boosted.
    """
    return f"""(
        {original}.id > {boost}.id - {ids.span(REPEATED_WITHIN)}
        AND ({original}.account_id = {reader} OR {_reply_sql(original, reader)} AND {
            _follows_sql(reader, f"{original}.account_id", lambda follow: _language_sql(original, follow))})
    )"""


def _follows_sql(reader: str, who: str, asks: Callable[[str], str] = lambda _follow: "true") -> str:
    """SQL: does the reader follow `who`, with a follow that `asks` more? By the primary key, row by row.

    A scalar and no EXISTS: the planner would rather read all follows of the reader into a hash table for each page.
    """
    return f"""coalesce((
        SELECT {asks("asked")} FROM follows AS asked WHERE asked.account_id = {reader} AND asked.target_id = {who}), false)"""
