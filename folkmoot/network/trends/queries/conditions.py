"""SQL that the statements of trends share: which posts count, and what is held back."""

from datetime import datetime

from folkmoot.base import ids
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.posts.model import PostEffect, Visibility
from folkmoot.network.posts.visibility import limited_sql

# SQL: whether a public post `p` of `a` counts. Uses the index posts_public, with a range of ids.
COUNTS = f"""
    p.visibility = {Visibility.PUBLIC:d} AND p.boost_of_id IS NULL AND p.reply_to_id IS NULL
    AND p.effect = {PostEffect.NONE:d} AND NOT p.is_limited
    AND a.is_discoverable AND a.effect < {AccountEffect.SUSPENDED:d} AND NOT {limited_sql("a")}
"""


def lowest_id(at: datetime) -> int:
    """The lowest id of a moment."""
    return ids.span(at - ids.FIRST_MOMENT)


def refused_sql(trend: str) -> str:
    return f"EXISTS (SELECT FROM trend_refusals AS tr WHERE tr.kind = {trend}.kind AND tr.subject = {trend}.subject)"
