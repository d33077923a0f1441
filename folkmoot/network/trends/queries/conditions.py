"""SQL that the statements of trends share: which posts count, and what is held back."""

from datetime import datetime

from folkmoot.base import ids
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.posts.model import PostEffect, Visibility
from folkmoot.network.posts.visibility import limited_sql
from folkmoot.network.trends.model import Kind

# SQL: whether a public post `p` of `a` counts, or would if its reach were not limited.
COUNTS_UNLESS_LIMITED = f"""
    p.visibility = {Visibility.PUBLIC:d} AND p.boost_of_id IS NULL AND p.reply_to_id IS NULL AND p.effect = {PostEffect.NONE:d}
    AND a.is_discoverable AND a.effect < {AccountEffect.SUSPENDED:d} AND NOT {limited_sql("a")}
"""
# SQL: whether it counts. Uses the index posts_public, with a range of ids.
COUNTS = f"{COUNTS_UNLESS_LIMITED} AND NOT p.is_limited"


def lowest_id(at: datetime) -> int:
    """The lowest id of a moment."""
    return ids.span(at - ids.FIRST_MOMENT)


def refused_sql(trend: str) -> str:
    """SQL: whether a trend is held back, by itself or as a page of a site."""
    return f"""(
        EXISTS (SELECT FROM trend_refusals AS tr WHERE tr.kind = {trend}.kind AND tr.subject = {trend}.subject)
        OR {trend}.kind = {Kind.LINK:d} AND EXISTS (SELECT FROM trend_refusals AS ts WHERE {is_site_sql("ts", f"{trend}.subject")})
    )"""


def is_site_sql(refusal: str, url: str) -> str:
    """SQL: whether this refusal is about the site of an address: its host, or a domain above."""
    return (
        f"({refusal}.kind = {Kind.LINK:d} AND {refusal}.subject NOT LIKE '%/%'"
        f" AND right('.' || split_part({url}, '/', 3), length({refusal}.subject) + 1) = '.' || {refusal}.subject)"
    )
