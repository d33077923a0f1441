"""Which posts belong in which timeline: the home rule, the rule of lists and the public rule, as SQL (decision 0043).

Both are predicates over table aliases, like `visible_sql` in posts/visibility.py. The warm home, the pulled home and
live messages all use them. What belongs in a home by a followed account is said by `home_sql`, what belongs in it by a
followed hashtag by `tagged_sql`. The home rule has two parts. `stores_sql` decides which posts are *stored* in a home, from the
post and from the accounts that the reader follows. Everything that the reader can change or that expires (mutes, blocks,
blocked domains, languages, boosts on or off) is checked when the home is *read*, so stored homes need no update when it changes. Whether
the reader may see the post is checked separately, by the visibility rule.
"""

from collections.abc import Callable
from datetime import timedelta

from folkmoot.base import ids
from folkmoot.network.posts.model import PostEffect, Visibility
from folkmoot.network.posts.visibility import boost_reaches_sql, reaches_sql
from folkmoot.network.relations.queries import domain_blocked_sql

REPEATED_WITHIN = timedelta(hours=12)


def stores_sql(post: str, reader: str) -> str:
    """SQL: whether the home of the reader, who follows the author, stores `post`.

    Direct posts are stored only for mentioned accounts, replies only if the reader follows both accounts.
    """
    return f"""(
        ({post}.visibility < {Visibility.DIRECT:d} OR EXISTS (
            SELECT FROM mentions WHERE mentions.account_id = {reader} AND mentions.post_id = {post}.id))
        AND {_reply_sql(post, reader)}
    )"""


def avoided_sql(reader: str, *who: str) -> str:
    """SQL: whether the reader has muted or blocked one of `who`. A `who` that is NULL is nobody.

    The visibility rule covers accounts that have blocked the reader. Uses the primary keys. For a reader that is a
    parameter, each statement first checks once whether the reader has any mutes or blocks.
    """
    def exists(table: str, condition: str) -> str:
        found = f"EXISTS (SELECT FROM {table} WHERE account_id = {reader} AND target_id = ANY (ARRAY[{', '.join(who)}]) {condition})"
        return f"((SELECT EXISTS (SELECT FROM {table} WHERE account_id = {reader})) AND {found})" if reader.startswith("$") else found

    return f"({exists('mutes', 'AND (expires_at IS NULL OR expires_at > now())')} OR {exists('blocks', '')})"


def avoided_ids_sql(reader: str) -> str:
    """SQL: an array of all accounts that the reader has muted or blocked, for statements that check many posts."""
    return f"""ARRAY(
        SELECT target_id FROM mutes WHERE account_id = {reader} AND (expires_at IS NULL OR expires_at > now())
        UNION ALL SELECT target_id FROM blocks WHERE account_id = {reader})"""


def home_sql(post: str, original: str, follow: str, reader: str, *, avoided: str = "", is_stored: bool = False) -> str:
    """SQL: whether `post` belongs in the home of the reader; `follow` is the reader's follow of its author.

    `original` is the boosted post, outer joined; `avoided` is the `avoided_ids_sql` of the reader, if the statement has it.
    For a stored post only the facts that may have changed are checked; the visibility rule checks direct posts again.
    The reader's own posts always belong in the home; not checked here.
    """
    def avoids(who: str) -> str:
        return f"{who} = ANY ({avoided})" if avoided else avoided_sql(reader, who)

    return f"""(
        {post}.effect < {PostEffect.HIDDEN:d}
        AND {_language_sql(post, follow)}
        AND {_reply_sql(post, reader) if is_stored else stores_sql(post, reader)}
        AND NOT {avoids(f"{post}.account_id")} AND NOT {domain_blocked_sql(reader, f"{post}.domain")}
        AND ({post}.boost_of_id IS NULL OR {follow}.shows_boosts AND NOT {avoids(f"{post}.boost_of_account_id")}
            AND NOT {domain_blocked_sql(reader, f"{original}.domain")}
            AND {boost_reaches_sql(original, reader)} AND NOT {_repeated_sql(post, original, reader)})
    )"""


def tagged_sql(post: str, author: str, reader: str) -> str:
    """SQL: whether `post` belongs in the home of the reader because of a hashtag that the reader follows.

    It must be public, of somebody else, and as in the page of the hashtag of somebody whom the reader does not avoid. Includes
    the block by the author, which the visibility rule does not check in homes. These posts are never stored in homes.
    """
    return f"""(
        {_has_followed_tag_sql(post, reader)} AND {post}.effect < {PostEffect.HIDDEN:d} AND {post}.account_id <> {reader}
        AND {public_sql(post, author, reader)}
        AND NOT EXISTS (SELECT FROM blocks WHERE blocks.account_id = {post}.account_id AND blocks.target_id = {reader})
    )"""


def list_sql(post: str, original: str, follow: str, reader: str, list_id: str) -> str:
    """SQL: whether `post` belongs in a list of the reader; `follow` is the reader's follow of its author."""
    return f"""(
        {_in_lists_sql(post, original, follow, reader)}
        AND EXISTS (
            SELECT FROM list_members AS lm JOIN lists AS li ON li.id = lm.list_id
            WHERE lm.list_id = {list_id} AND lm.target_id = {post}.account_id AND li.account_id = {reader}
              AND {_listed_reply_sql(post, reader, "li")})
    )"""


def member_sql(post: str, original: str, follow: str, reader: str, listed: str) -> str:
    """The same for a post whose author is known to be a member of the reader's list `listed`, a row of `lists`."""
    return f"({_in_lists_sql(post, original, follow, reader)} AND {_listed_reply_sql(post, reader, listed)})"


def _in_lists_sql(post: str, original: str, follow: str, reader: str) -> str:
    """SQL: whether `post` belongs in the lists of which its author is a member, if it is no reply.

    A list shows what the home would show of its members, but chooses the replies itself, has no direct posts, and shows a
    boost although the boosted post is in the home.
    """
    return f"""{post}.effect < {PostEffect.HIDDEN:d} AND {post}.visibility < {Visibility.DIRECT:d}
        AND {_language_sql(post, follow)}
        AND NOT {avoided_sql(reader, f"{post}.account_id")} AND NOT {domain_blocked_sql(reader, f"{post}.domain")}
        AND ({post}.boost_of_id IS NULL OR {follow}.shows_boosts AND NOT {avoided_sql(reader, f"{post}.boost_of_account_id")}
            AND NOT {domain_blocked_sql(reader, f"{original}.domain")}
            AND {boost_reaches_sql(original, reader)})"""


def _listed_reply_sql(post: str, reader: str, listed: str) -> str:
    """SQL: whether a list shows `post`, as far as it is a reply."""
    answered = f"{post}.reply_to_account_id"
    return f"""({answered} IS NULL OR {answered} IN ({post}.account_id, {reader}) OR CASE {listed}.replies
        WHEN 'followed' THEN {_follows_sql(reader, answered)}
        WHEN 'list' THEN EXISTS (SELECT FROM list_members AS om WHERE om.list_id = {listed}.id AND om.target_id = {answered})
        ELSE false END)"""


def public_sql(post: str, author: str, reader: str) -> str:
    """SQL: whether `post` belongs in the public timelines of the reader (NULL: nobody is logged in).

    Posts with limited reach appear only for followers of their author. Timelines without replies leave them out themselves.
    """
    return f"""(
        {post}.visibility = {Visibility.PUBLIC:d} AND {post}.boost_of_id IS NULL
        AND {reaches_sql(post, author, reader)}
        AND NOT {avoided_sql(reader, f"{post}.account_id")} AND NOT {domain_blocked_sql(reader, f"{post}.domain")}
    )"""


def _language_sql(post: str, follow: str) -> str:
    """SQL: whether the follow includes the language of the post. A follow of `zh` includes `zh-TW`."""
    return f"""({follow}.languages IS NULL OR {post}.language IS NULL OR {post}.language = ANY ({follow}.languages)
        OR split_part({post}.language, '-', 1) = ANY ({follow}.languages))"""


def _has_followed_tag_sql(post: str, reader: str) -> str:
    """SQL: whether `post` has a hashtag that the reader follows. If the reader also follows its author, but not in the language of
    the post, the choice of languages counts more."""
    return f"""({post}.visibility = {Visibility.PUBLIC:d} AND {post}.hashtags <> '{{}}' AND EXISTS (
            SELECT FROM followed_hashtags AS ft WHERE ft.account_id = {reader} AND ft.key = ANY ({post}.hashtags))
        AND NOT {_follows_sql(reader, f"{post}.account_id", lambda follow: f"NOT {_language_sql(post, follow)}")})"""


def _reply_sql(post: str, reader: str) -> str:
    return f"""({post}.reply_to_account_id IS NULL OR {post}.reply_to_account_id IN ({post}.account_id, {reader})
        OR {_follows_sql(reader, f"{post}.reply_to_account_id")})"""


def _repeated_sql(boost: str, original: str, reader: str) -> str:
    """SQL: whether the boosted post itself is in the same home, written in the twelve hours before the boost.

    `home_sql` has already checked that its author is not avoided; direct posts are not boosted.
    """
    return f"""(
        {original}.id > {boost}.id - {ids.span(REPEATED_WITHIN)}
        AND ({original}.account_id = {reader} OR {_reply_sql(original, reader)} AND {
            _follows_sql(reader, f"{original}.account_id", lambda follow: _language_sql(original, follow))}
            OR {_has_followed_tag_sql(original, reader)})
    )"""


def _follows_sql(reader: str, who: str, condition: Callable[[str], str] = lambda _follow: "true") -> str:
    """SQL: whether the reader follows `who`, with a follow that meets the `condition`. Uses the primary key, row by row.

    A scalar subquery instead of EXISTS, because for EXISTS the planner hashes all follows of the reader for each page.
    """
    return f"""coalesce((
        SELECT {condition("rf")} FROM follows AS rf WHERE rf.account_id = {reader} AND rf.target_id = {who}), false)"""
