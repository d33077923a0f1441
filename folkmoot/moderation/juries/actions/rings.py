"""Searches for rings, groups of jurors whose answers look arranged, and shows one to operators with the evidence.

Nothing follows from a search by itself: operators look at the evidence and may exclude somebody (`moot jurors exclude`). Names and
answers are shown only together with an entry of the journal that says who has looked.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from folkmoot.base import clock, ids
from folkmoot.base.db import Database, ReadConn, WriteTx
from folkmoot.base.errors import Forbidden
from folkmoot.moderation.journal.actions import record_step
from folkmoot.moderation.journal.model import Step
from folkmoot.moderation.juries import queries
from folkmoot.moderation.juries.actions.fit import fit_reliability
from folkmoot.moderation.juries.queries import rings as stored
from folkmoot.moderation.juries.queries.rings import FoundRing, Member, Shared
from folkmoot.moderation.jury import rings as search
from folkmoot.moderation.jury.model import Ring
from folkmoot.moderation.jury.positions import Positions
from folkmoot.network.notifications.actions import tell_several_from_network
from folkmoot.network.notifications.model import Kind
from folkmoot.network.sessions.mails import Mail, send_mail
from folkmoot.network.sessions.model import Role, Viewer
from folkmoot.network.sessions.queries import list_staff

KEPT = timedelta(days=90)  # a ring that no search has found since then
MOST_SHOWN = 100  # cases
_SAME = 0.5  # share of the members that a ring has in common with one that is known


class RingView(NamedTuple):
    """A ring with its evidence. `bonds`: pairs of members who follow each other or signed up together, by account."""

    ring: FoundRing
    members: list[Member]
    shared: list[Shared]
    bonds: list[tuple[int, int]]

    @property
    def alike(self) -> int:
        """The shown cases in which all of them who sat said the same."""
        return sum(one.is_alike for one in self.shared)


async def find_rings(database: Database, halves: str) -> int:
    """Searches the answers of all jurors who are not excluded; returns how many rings were found. Operators are told of new ones."""
    async with database.read() as conn:
        answered, gold = await queries.list_answered(conn), await queries.list_gold(conn)
        positions = Positions(await queries.list_places(conn))
        excluded = await queries.list_excluded(conn, sorted({one.vote.juror_id for one in answered}))
        known = await stored.list_members_of_all(conn)
    answered = [one for one in answered if one.vote.juror_id not in excluded]
    found = await asyncio.to_thread(_search, answered, gold, positions, halves) if answered else []
    now = clock.now()
    async with database.write() as tx:
        for ring in found:
            known_id = _find_known(ring, known)
            ring_id = known_id or ids.make_id(ids.draw_shard())
            known.pop(ring_id, None)
            await stored.upsert_ring(tx, ring_id, ring, now)
            if known_id is None:
                await _tell_operators(tx, ring_id)
        await stored.delete_rings(tx, now - KEPT)
    return len(found)


async def _tell_operators(tx: WriteTx, ring_id: int) -> None:
    """Of a ring that was not known, by a notification and by mail, without names."""
    operators = await list_staff(tx, [Role.OPERATOR])
    await tell_several_from_network(tx, Kind.RING, [(one.account_id, ring_id) for one in operators])
    for one in operators:
        send_mail(tx, Mail("ring", one.email, one.language, "/moderate/rings"))


async def list_rings(conn: ReadConn, operator: Viewer) -> list[FoundRing]:
    """What was found, without names and answers. Operators."""
    _require_operator(operator)
    return await stored.list_rings(conn)


async def open_ring(tx: WriteTx, operator: Viewer, ring_id: int) -> RingView:
    """Names the members of a ring, and what they answered in the cases in which several of them sat.

    Operators. Writes ring.opened to the journal, without the members. Raises NotFound, Forbidden.
    """
    _require_operator(operator)
    ring = await stored.get_ring(tx, ring_id)
    await record_step(tx, Step.RING_OPENED, case_id=None, actor_id=operator.id, ring=str(ring_id), members=ring.members)
    members = await stored.list_members(tx, ring_id)
    account_ids = [one.account_id for one in members]
    shared = await stored.list_shared(tx, account_ids, ring.about, MOST_SHOWN)
    return RingView(ring, members, shared, await stored.list_bonds(tx, account_ids))


def _search(answered: Sequence[queries.Answered], gold: Sequence[queries.Gold], positions: Positions, halves: str) -> list[Ring]:
    fitted = fit_reliability(answered, gold, positions, halves)
    return search.find([one.vote for one in answered], fitted.cases, fitted.camps, fitted.reliability)


def _find_known(ring: Ring, known: dict[int, set[int]]) -> int | None:
    """The stored ring that has most of the members."""
    members = set(ring.juror_ids)
    for ring_id, before in known.items():
        if len(members & before) >= _SAME * max(len(members), len(before)):
            return ring_id
    return None


def _require_operator(viewer: Viewer) -> None:
    if not viewer.holds(Role.OPERATOR):
        raise Forbidden
