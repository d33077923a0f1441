"""The visibility rule: who may see a post. There is only this one. Beside it: who was shown a post, and may report it.

Every reader uses it (timeline, thread, search, export, notification, stream, media, federation): as the SQL predicate
`visible_sql` in the reading statement, or as `is_visible` where the facts are already loaded. A test compares the two
for every combination of facts. Boosts need it twice: for the boost and for the boosted post.
"""

from folkmoot.base import ids
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.posts.model import PostEffect, Visibility


def visible_sql(post: str, author: str, viewer: str, *, followed: str = "") -> str:
    """SQL: whether `viewer` may see `post` of `author`. The arguments are table aliases and a parameter like `$1`.

    `followed` is SQL for what the statement already knows: the viewer follows the author, or is the author. A block ends
    follows, so blocks are not looked up then. Uses the primary keys of blocks, follows and mentions. A viewer that is NULL
    is nobody.
    """
    known = f"{followed} OR " if followed else ""
    return f"""(
        {author}.effect < {AccountEffect.SUSPENDED:d}
        AND {post}.effect < {PostEffect.REMOVED:d}
        AND ({post}.account_id = {viewer} OR (
            {post}.effect < {PostEffect.HIDDEN:d}
            AND ({known}NOT EXISTS (SELECT FROM blocks WHERE blocks.account_id = {post}.account_id AND blocks.target_id = {viewer}))
            AND ({post}.visibility <= {Visibility.UNLISTED:d}
                OR {post}.visibility = {Visibility.FOLLOWERS:d} AND ({known}EXISTS (
                    SELECT FROM follows WHERE follows.account_id = {viewer} AND follows.target_id = {post}.account_id))
                OR EXISTS (
                    SELECT FROM mentions WHERE mentions.account_id = {viewer} AND mentions.post_id = {post}.id))))
    )"""


def was_shown_sql(post: str, author: str, viewer: str, *, is_mentioned: str = "") -> str:
    """SQL: whether `viewer` may see `post` now, or was shown it before a block, the end of a follow, or a restriction.

    Only for reports: it decides who may complain, never who may read. Everybody is shown a public post, because one sees it
    without logging in. An author who is leaving looks suspended, and can still be reported. `is_mentioned`: SQL for what
    replaces the mentions of a deleted post.
    """
    mentioned = is_mentioned or (
        f"EXISTS (SELECT FROM mentions AS m WHERE m.account_id = {viewer} AND m.post_id = {post}.id"
        f" AND {mentioned_in_sight_sql(post, 'm')})"
    )
    return f"""(
        coalesce({author}.kept_effect, {author}.effect) < {AccountEffect.SUSPENDED:d}
        AND ({post}.account_id = {viewer} OR {post}.visibility <= {Visibility.UNLISTED:d}
            OR {post}.visibility = {Visibility.FOLLOWERS:d} AND (
                EXISTS (SELECT FROM follows WHERE follows.account_id = {viewer} AND follows.target_id = {post}.account_id)
                OR EXISTS (SELECT FROM ended_follows AS ended WHERE ended.account_id = {viewer}
                           AND ended.target_id = {post}.account_id AND ended.ended_at > {post}.created_at))
            OR {mentioned})
    )"""


def mentioned_in_sight_sql(post: str, mention: str) -> str:
    """SQL: whether the author of `post` had not blocked the account of `mention` when it was mentioned."""
    return (
        f"NOT EXISTS (SELECT FROM blocks WHERE blocks.account_id = {post}.account_id AND blocks.target_id = {mention}.account_id"
        f" AND {ids.time_sql('blocks.id')} < date_trunc('milliseconds', coalesce({mention}.added_at, {post}.created_at)))"
    )


def open_sql(post: str, author: str) -> str:
    """SQL: whether everybody may see `post` of `author`. Only such posts enter public counts (decision 0045)."""
    return (
        f"({post}.visibility <= {Visibility.UNLISTED:d} AND {post}.effect < {PostEffect.HIDDEN:d}"
        f" AND {author}.effect < {AccountEffect.SUSPENDED:d})"
    )


def limited_sql(account: str) -> str:
    """SQL: whether the reach of an account is limited, also if it is frozen as well. The effect alone says so for accounts that a
    previous release has limited."""
    return f"({account}.effect = {AccountEffect.LIMITED:d} OR {account}.is_limited)"


def reaches_sql(post: str, author: str, viewer: str) -> str:
    """SQL: whether `post` of `author` may be shown to a viewer who has not asked for it: in public timelines, search and quotes.

    The reach of posts and of accounts can be limited. Then they reach followers only, and whoever opens a link. A viewer that is
    NULL is nobody.
    """
    return f"((NOT {limited_sql(author)} AND NOT {post}.is_limited) OR {_has_chosen_sql(post, viewer)})"


def boost_reaches_sql(original: str, reader: str) -> str:
    """SQL: whether a boost of `original` may be shown to a follower of the booster: see `reaches_sql`."""
    limited = f"EXISTS (SELECT FROM accounts AS la WHERE la.id = {original}.account_id AND {limited_sql('la')})"
    return f"(NOT {original}.is_limited AND NOT {limited} OR {_has_chosen_sql(original, reader)})"


def _has_chosen_sql(post: str, viewer: str) -> str:
    return f"""({post}.account_id = {viewer} OR EXISTS (
        SELECT FROM follows AS cf WHERE cf.account_id = {viewer} AND cf.target_id = {post}.account_id))"""


def is_visible(
    *,
    visibility: int,
    post_effect: int,
    author_effect: int,
    is_own: bool,
    follows_author: bool,
    is_mentioned: bool,
    is_blocked_by_author: bool,
) -> bool:
    """The same rule, applied to loaded facts."""
    if author_effect >= AccountEffect.SUSPENDED or post_effect >= PostEffect.REMOVED:
        return False
    if is_own:
        return True
    if post_effect >= PostEffect.HIDDEN or is_blocked_by_author:
        return False
    return visibility <= Visibility.UNLISTED or (visibility == Visibility.FOLLOWERS and follows_author) or is_mentioned
