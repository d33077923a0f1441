"""Reads and locks what a draft refers to."""

from folkmoot.base.db import WriteTx
from folkmoot.base.errors import FieldError, Invalid, NotFound
from folkmoot.base.handles import mentions_of
from folkmoot.network.accounts.model import Account, AccountEffect
from folkmoot.network.accounts.queries import list_accounts_by_name
from folkmoot.network.media.model import Upload
from folkmoot.network.media.queries import lock_attachable
from folkmoot.network.posts.material import Material
from folkmoot.network.posts.model import Picture, PostDraft, PostView
from folkmoot.network.posts.queries.quoting import lock_quoted
from folkmoot.network.posts.queries.reading import get_post_view, list_post_views
from folkmoot.network.posts.queries.writing import lock_parent
from folkmoot.network.recordings.queries import list_waiting_among
from folkmoot.network.relations.queries import list_blocking, lock_pairs_shared

NOTHING_TO_QUOTE = "The post that you want to quote does not exist, or it is not for you to see."
_MOST_NAMES = 100  # mentions in one post


async def read_material(
    tx: WriteTx, author: Account, draft: PostDraft, own_domain: str, *, post_id: int | None = None
) -> Material:
    """What a checked draft refers to, locked until the transaction ends: the answered post is not deleted, and neither its
    author nor a mentioned account blocks the author meanwhile. `own_domain`: of this network. `post_id`: the
    edited post.

    Raises NotFound when the author may not see the answered or the quoted post, Invalid for a picture that cannot be attached.
    """
    parent_author_id = await lock_parent(tx, draft.reply_to_id) if draft.reply_to_id else None
    quoted_author_id = await lock_quoted(tx, draft.quoted_id) if draft.quoted_id else None
    names = mentions_of(draft.text, own_domain)
    people = await list_accounts_by_name(tx, list(names)[:_MOST_NAMES]) if names else []
    others = {account.id for account in people} | {id_ for id_ in (parent_author_id, quoted_author_id) if id_}
    blocking: set[int] = set()
    if others - {author.id}:
        await lock_pairs_shared(tx, author.id, sorted(others - {author.id}))
        blocking = await list_blocking(tx, author.id, sorted(others))
    parent = None
    if draft.reply_to_id:
        if parent_author_id is None:
            raise NotFound
        parent = (await get_post_view(tx, draft.reply_to_id, author.id)).shown
    quoted = await _quoted(tx, author, draft.quoted_id) if draft.quoted_id else None
    uploads = await lock_attachable(tx, author.id, draft.media_ids, post_id) if draft.media_ids else []
    if len(uploads) != len(draft.media_ids):
        await _require_encoded(tx, author, draft)
        raise Invalid(FieldError("media_ids", "invalid", "One of the pictures is gone, or belongs to another post."))
    present = {(account.username.lower(), account.domain) for account in people if account.effect < AccountEffect.SUSPENDED}
    return Material(
        people=tuple(account for account in people if account.id not in blocking), pictures=tuple(map(_picture, uploads)), parent=parent,
        quoted=quoted, unknown=tuple(written for name, written in names.items() if name not in present), names_somebody=bool(present),
    )


async def _quoted(tx: WriteTx, author: Account, post_id: int) -> PostView:
    views = await list_post_views(tx, [post_id], author.id)
    if not views:
        raise NotFound(NOTHING_TO_QUOTE)
    return views[0]


async def _require_encoded(tx: WriteTx, author: Account, draft: PostDraft) -> None:
    if await list_waiting_among(tx, author.id, list(draft.media_ids)):
        raise Invalid(FieldError("media_ids", "invalid", "A video or sound is still being prepared. Try again in a moment."))


def _picture(upload: Upload) -> Picture:
    return Picture(**{name: getattr(upload, name) for name in Picture.__struct_fields__})
