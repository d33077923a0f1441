"""The verbs of followed hashtags. They write no events: nobody is told, and a home looks up their posts when it is read."""

from folkmoot.base import ids
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import FieldError, Invalid, Plural
from folkmoot.base.text import clean_line
from folkmoot.base.tokens import hashtag_key, is_hashtag
from folkmoot.network.accounts.model import Account
from folkmoot.network.followed_tags import queries
from folkmoot.network.followed_tags.model import MOST_FOLLOWED, FollowedTag

_TOO_MANY = Plural("You can follow at most %(limit)d hashtag.", "You can follow at most %(limit)d hashtags.", "limit")


async def follow_hashtag(tx: WriteTx, account: Account, name: str) -> FollowedTag:
    """Follows a hashtag; one that is followed already stays. Frozen accounts may: only they see it. Raises Invalid for what is no
    hashtag and for one too many."""
    name = clean_line(name).removeprefix("#")
    if not is_hashtag(name):
        raise Invalid(FieldError("name", "invalid", "This is not a hashtag."))
    followed = FollowedTag(id=ids.make_id(ids.shard_of(account.id)), key=hashtag_key(name), name=name)
    await queries.lock_owner(tx, account.id)
    is_new = not await queries.find_followed(tx, account.id, [followed.key])
    if is_new and await queries.count_followed_tags(tx, account.id) >= MOST_FOLLOWED:
        raise Invalid(FieldError("name", "too_many", _TOO_MANY, {"limit": MOST_FOLLOWED}))

    await queries.insert_followed(tx, account.id, followed)
    return followed


async def unfollow_hashtag(tx: WriteTx, account: Account, name: str) -> None:
    """Ends following a hashtag, if it is followed."""
    await queries.delete_followed(tx, account.id, hashtag_key(name))
