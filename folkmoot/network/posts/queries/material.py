"""Reads and locks what a draft refers to."""

from folkmoot.base import formatting
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import FieldError, Invalid, NotFound
from folkmoot.network.accounts.model import Account
from folkmoot.network.accounts.queries import list_accounts_by_name
from folkmoot.network.media.model import Upload
from folkmoot.network.media.queries import lock_attachable
from folkmoot.network.posts.model import Material, Picture, PostDraft
from folkmoot.network.posts.queries.reading import get_post_view
from folkmoot.network.posts.queries.writing import lock_parent
from folkmoot.network.relations.queries import list_blocking, lock_pairs_shared

_MOST_NAMES = 100  # mentions in one post


async def read_material(tx: WriteTx, author: Account, draft: PostDraft, *, post_id: int | None = None) -> Material:
    """What a checked draft refers to, locked until the transaction ends: the answered post is not deleted, and neither its
    author nor a mentioned account blocks the author meanwhile. `post_id`: the edited post.

    Raises NotFound when the author may not see the answered post, Invalid for a picture that cannot be attached.
    """
    parent_author_id = await lock_parent(tx, draft.reply_to_id) if draft.reply_to_id else None
    names = formatting.mentions_of(draft.text) if "@" in draft.text else []
    people = await list_accounts_by_name(tx, names[:_MOST_NAMES]) if names else []
    others = {account.id for account in people} | ({parent_author_id} if parent_author_id else set())
    blocking: set[int] = set()
    if others - {author.id}:
        await lock_pairs_shared(tx, author.id, sorted(others - {author.id}))
        blocking = await list_blocking(tx, author.id, sorted(others))
    parent = None
    if draft.reply_to_id:
        if parent_author_id is None:
            raise NotFound
        parent = (await get_post_view(tx, draft.reply_to_id, author.id)).shown
    uploads = await lock_attachable(tx, author.id, draft.media_ids, post_id) if draft.media_ids else []
    if len(uploads) != len(draft.media_ids):
        raise Invalid(FieldError("media_ids", "invalid", "One of the pictures is not there, or belongs to another post."))
    return Material(
        people=tuple(account for account in people if account.id not in blocking), pictures=tuple(map(_picture, uploads)), parent=parent
    )


def _picture(upload: Upload) -> Picture:
    return Picture(**{name: getattr(upload, name) for name in Picture.__struct_fields__})
