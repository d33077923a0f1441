"""Invitations: codes with which others can sign up."""

from datetime import timedelta

from folkmoot.base import clock, ids
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import FieldError, Invalid, NotFound
from folkmoot.network.accounts.policy import require_can_write
from folkmoot.network.accounts.queries import get_account
from folkmoot.network.sessions import queries
from folkmoot.network.sessions.model import Invitation, Viewer


async def invite(tx: WriteTx, viewer: Viewer, *, uses: int = 1, days: int = 7) -> Invitation:
    """Creates a code with which others can sign up. Raises Invalid, Forbidden for a frozen account."""
    require_can_write(await get_account(tx, viewer.id))
    if not 1 <= uses <= 100 or not 1 <= days <= 90:
        raise Invalid(FieldError("uses", "inclusion", "An invitation is for 1 to 100 people and 1 to 90 days."))
    now = clock.now()
    invitation = Invitation(
        id=ids.make_id(ids.shard_of(viewer.id), now), code=clock.token(9), account_id=viewer.id, max_uses=uses, uses=0,
        expires_at=now + timedelta(days=days),
    )
    await queries.insert_invitation(tx, invitation)
    return invitation


async def withdraw_invitation(tx: WriteTx, viewer: Viewer, invitation_id: int) -> None:
    """Deletes an invitation of the viewer; nobody can sign up with it any more. Raises NotFound."""
    if not await queries.delete_invitation(tx, viewer.id, invitation_id):
        raise NotFound
