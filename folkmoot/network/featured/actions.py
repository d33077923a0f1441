"""The verbs of featured hashtags. They write no events: a profile is read when it is shown."""

from folkmoot.base import ids
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import FieldError, Invalid, NotFound, Plural
from folkmoot.base.text import clean_line
from folkmoot.base.tokens import hashtag_key, is_hashtag
from folkmoot.network.accounts.model import Account
from folkmoot.network.accounts.policy import require_can_write
from folkmoot.network.featured import queries
from folkmoot.network.featured.model import MOST_FEATURED, Featured

_TOO_MANY = Plural("A profile shows at most %(limit)d hashtag.", "A profile shows at most %(limit)d hashtags.", "limit")


async def feature_hashtag(tx: WriteTx, account: Account, name: str) -> Featured:
    """Shows a hashtag on the profile; one that is shown already stays. Raises Invalid for what is no hashtag and for one too
    many, and Forbidden for a frozen account."""
    require_can_write(account)
    name = clean_line(name).removeprefix("#")
    if not is_hashtag(name):
        raise Invalid(FieldError("name", "invalid", "This is not a hashtag."))
    key = hashtag_key(name)
    await queries.lock_owner(tx, account.id)
    if not await queries.is_featured(tx, account.id, key):
        if await queries.count_featured(tx, account.id) >= MOST_FEATURED:
            raise Invalid(FieldError("name", "too_many", _TOO_MANY, {"limit": MOST_FEATURED}))

        await queries.insert_featured(tx, account.id, Featured(id=ids.make_id(ids.shard_of(account.id)), key=key, name=name))
    return next(featured for featured in await queries.list_featured(tx, account.id) if featured.key == key)


async def unfeature_hashtag(tx: WriteTx, account: Account, featured_id: int) -> None:
    """Takes a hashtag off the profile. Raises NotFound."""
    if not await queries.delete_featured(tx, account.id, id_=featured_id):
        raise NotFound


async def unfeature_hashtag_by_name(tx: WriteTx, account: Account, name: str) -> None:
    """Takes a hashtag off the profile, if it is there."""
    await queries.delete_featured(tx, account.id, key=hashtag_key(name))
