"""The open cases that can be decided together with one, for those who choose among them."""

import msgspec

from folkmoot.base import clock
from folkmoot.base.db import ReadConn
from folkmoot.moderation.cases.model import Case
from folkmoot.moderation.cases.queries import list_others
from folkmoot.moderation.verdicts.together import MOST_OTHERS, Joined, can_be_joined
from folkmoot.moderation.workspace.masking import Masks
from folkmoot.network.posts.queries import list_posts_by_ids_unscoped
from folkmoot.network.posts.versions import PostVersion


class Joinable(msgspec.Struct, frozen=True, kw_only=True):
    """`version`: the post as it stands, with masked texts. `joined`: what a decision says about it."""

    case: Case
    version: PostVersion
    joined: Joined


async def list_joinable(conn: ReadConn, case: Case, moderator_id: int) -> list[Joinable]:
    """Open cases about other posts of the same author, oldest first. A deleted post is decided by itself."""
    if not can_be_joined(case):
        return []
    others = await list_others(conn, case, moderator_id, clock.now(), MOST_OTHERS)
    posts = await list_posts_by_ids_unscoped(conn, [one.subject_id for one in others])
    found = []
    for one in others:
        post = posts.get(one.subject_id)
        if post:
            version, masks = PostVersion.of(post), Masks(post.author.acct)
            joined = Joined(one.id, version.key, version.edited_at)
            found.append(Joinable(case=one, version=masks.mask_version(version), joined=joined))
    return found
