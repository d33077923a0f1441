"""Recommending accounts on one's profile. No events: a profile is read when it is shown."""

from folkmoot.base.db import WriteTx
from folkmoot.base.errors import FieldError, Invalid, NotFound, Plural
from folkmoot.network.accounts.model import Account, AccountEffect
from folkmoot.network.accounts.policy import require_can_write
from folkmoot.network.accounts.queries import get_account
from folkmoot.network.endorsements import queries
from folkmoot.network.endorsements.model import MOST_ENDORSED
from folkmoot.network.relations.model import Relation
from folkmoot.network.relations.queries import get_relation

_TOO_MANY = Plural("A profile recommends at most %(limit)d account.", "A profile recommends at most %(limit)d accounts.", "limit")


async def endorse(tx: WriteTx, viewer: Account, target_id: int) -> Relation:
    """Recommends an account on the viewer's profile; one that is recommended stays.

    Raises NotFound, Invalid for an account that the viewer does not follow and for one too many, Forbidden for a frozen viewer.
    """
    require_can_write(viewer)
    if (await get_account(tx, target_id)).effect >= AccountEffect.SUSPENDED:
        raise NotFound
    await queries.lock_owner(tx, viewer.id)
    if not (await get_relation(tx, viewer.id, target_id)).follows:
        raise Invalid(FieldError("account", "inclusion", "You can recommend only people whom you follow."))

    await queries.insert_endorsement(tx, viewer.id, target_id)
    if await queries.count_endorsed(tx, viewer.id) > MOST_ENDORSED:
        raise Invalid(FieldError("account", "too_many", _TOO_MANY, {"limit": MOST_ENDORSED}))
    return await get_relation(tx, viewer.id, target_id)


async def stop_endorsing(tx: WriteTx, viewer: Account, target_id: int) -> Relation:
    """Takes a recommendation off the viewer's profile, if it is there. Raises NotFound if there is no such account."""
    await get_account(tx, target_id)

    await queries.delete_endorsement(tx, viewer.id, target_id)
    return await get_relation(tx, viewer.id, target_id)
