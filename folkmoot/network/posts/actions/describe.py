"""Describing a picture that may already be attached to a post."""

from folkmoot.base.db import WriteTx
from folkmoot.network.accounts.model import Account
from folkmoot.network.accounts.policy import require_can_write
from folkmoot.network.media import actions as media
from folkmoot.network.media.model import Upload
from folkmoot.network.media.queries import get_own_upload
from folkmoot.network.posts.queries.writing import lock_own_post, raise_version


async def describe_picture(
    tx: WriteTx, owner: Account, media_id: int, *, description: str | None = None, focus: tuple[float, float] | None = None
) -> Upload:
    """Changes alt text or focus; None leaves them. A post that shows the picture gets a new version.

    Raises NotFound, Invalid; Forbidden for a frozen account.
    """
    post_id = (await get_own_upload(tx, owner.id, media_id)).post_id
    if post_id is None:
        return await media.describe_picture(tx, owner, media_id, description=description, focus=focus)
    require_can_write(owner)
    await lock_own_post(tx, owner.id, post_id)  # before the picture, in the same order as all other actions
    upload = await media.describe_picture(tx, owner, media_id, description=description, focus=focus)
    await raise_version(tx, post_id)
    return upload
