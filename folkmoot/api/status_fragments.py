"""A rendered status, and the JSON of what is inserted between its bytes: counts, who may quote it, and the viewer's flags."""

from functools import lru_cache
from typing import NamedTuple

import msgspec

from folkmoot.api import status_shapes as shapes
from folkmoot.network.filters.model import Matter
from folkmoot.network.posts.model import Mark, Poll, QuotePolicy

_encode = msgspec.json.Encoder().encode


class Fragment(NamedTuple):
    """A rendered status. `head` is the beginning of its JSON. `poll` is rendered for each viewer, and `matter` is what the filters of
    one are matched with."""

    head: bytes
    author_id: int
    is_pinnable: bool
    poll: Poll | None
    matter: Matter
    has_quote: bool
    quote_policy: QuotePolicy


@lru_cache(maxsize=4096)  # most posts share few counts
def counts_json(replies: int, boosts: int, favourites: int, quotes: int) -> bytes:
    return b',"replies_count":%d,"reblogs_count":%d,"favourites_count":%d,"quotes_count":%d' % (replies, boosts, favourites, quotes)


@lru_cache(maxsize=16)
def approval_json(policy: QuotePolicy, is_allowed: bool) -> bytes:
    """Who may quote the post, and whether the viewer may, as JSON."""
    return b',"quote_approval":' + _encode(shapes.QuoteApproval(
        automatic=[] if policy is QuotePolicy.NOBODY else [policy.word], manual=[], current_user="automatic" if is_allowed else "denied",
    ))


@lru_cache(maxsize=1024)
def flags_json(bits: int, is_pinnable: bool, policy: QuotePolicy, is_allowed: bool) -> bytes:
    """The viewer's flags as JSON, with no filters at the end: `_filtered` puts those that apply in their place."""
    flags = {
        "favourited": bool(bits & Mark.FAVOURITE), "reblogged": bool(bits & Mark.BOOST), "muted": bool(bits & Mark.MUTED),
        "bookmarked": bool(bits & Mark.BOOKMARK),
    }
    if is_pinnable:
        flags["pinned"] = bool(bits & Mark.PINNED)
    return approval_json(policy, is_allowed) + b"," + _encode({**flags, "filtered": []})[1:-1]
