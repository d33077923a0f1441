"""Reads members for staff, and answers sign-ups. What is done about an account is in `measures.py`."""

from collections.abc import Sequence

from folkmoot.base.db import Database, WriteTx
from folkmoot.base.errors import Forbidden, WritesPaused
from folkmoot.base.paging import Page
from folkmoot.moderation.cases.policy import require_moderator
from folkmoot.moderation.journal.actions import record_step
from folkmoot.moderation.journal.model import Step
from folkmoot.moderation.members import queries
from folkmoot.moderation.members.model import Member, MemberFilter
from folkmoot.network.sessions import approval
from folkmoot.network.sessions.model import Role, Viewer, WaitingSignUp


async def read_members(database: Database, reader: Viewer, wanted: MemberFilter, page: Page) -> list[Member]:
    """A page of accounts, the newest first. Moderators; e-mail and addresses only for operators.

    Writes member.read to the journal for these. Where nothing can be written, on a standby or during a move, they are left out. Raises
    Forbidden when a moderator filters by them.
    """
    require_moderator(reader)
    if wanted.is_private and not reader.holds(Role.OPERATOR):
        raise Forbidden("Only operators see e-mail addresses and where somebody logs in from.")
    async with database.read() as conn:
        found = await queries.list_members(conn, wanted, page)
    return await _shown(database, reader, found)


async def read_member(database: Database, reader: Viewer, account_id: int) -> Member:
    """One account: see `read_members`. Raises NotFound."""
    require_moderator(reader)
    async with database.read() as conn:
        found = await queries.get_member(conn, account_id)
    return (await _shown(database, reader, [found]))[0]


async def approve_member(tx: WriteTx, operator: Viewer, account_id: int) -> WaitingSignUp:
    """Lets in somebody who waits: see `approve_sign_up`. Operators. Writes sign_up.approved to the journal."""
    _require_operator(operator)
    waiting = await approval.approve_sign_up(tx, account_id)
    await record_step(tx, Step.SIGN_UP_APPROVED, case_id=None, actor_id=operator.id, account=account_id)
    return waiting


async def refuse_member(tx: WriteTx, operator: Viewer, account_id: int, word: str = "") -> WaitingSignUp:
    """Refuses somebody who waits: see `refuse_sign_up`. Operators. Writes sign_up.refused to the journal."""
    _require_operator(operator)
    waiting = await approval.refuse_sign_up(tx, account_id, word)
    await record_step(tx, Step.SIGN_UP_REFUSED, case_id=None, actor_id=operator.id, account=account_id)
    return waiting


async def _shown(database: Database, reader: Viewer, found: Sequence[Member]) -> list[Member]:
    """These members as the reader may see them."""
    private = [one.account.id for one in found if one.login]
    if not private:
        return list(found)
    is_recorded = reader.holds(Role.OPERATOR) and await _record_reading(database, reader, private)
    return list(found) if is_recorded else [one.without_private() for one in found]


async def _record_reading(database: Database, reader: Viewer, account_ids: Sequence[int]) -> bool:
    """Whether the journal has recorded that an operator reads what is private of these members."""
    try:
        async with database.write() as tx:
            await record_step(tx, Step.MEMBER_READ, case_id=None, actor_id=reader.id, accounts=list(account_ids))
    except WritesPaused:
        return False
    return True


def _require_operator(viewer: Viewer) -> None:
    if not viewer.holds(Role.OPERATOR):
        raise Forbidden
