"""SQL of rings: groups of jurors whose answers look arranged. Who answered what stands in the seats only, and is read from them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.moderation.juries.model import INVITED_TOGETHER, SIGNED_UP_TOGETHER, SeatState, State
from folkmoot.moderation.jurors.model import State as JurorState
from folkmoot.moderation.jury.model import About, Answer, Ring
from folkmoot.moderation.jury.positions import CLEARLY
from folkmoot.moderation.verdicts.model import Action


class FoundRing(msgspec.Struct, frozen=True, kw_only=True):
    """`confirmed_at`: by the last search that found it; `evidence`: nats beyond the threshold; `about`: the authors in whose cases it
    shows; `cases`: of these authors, in which at least two of them sat; `members`: those of them who still have an account; `active`:
    who still are jurors."""

    id: int
    found_at: datetime
    confirmed_at: datetime
    evidence: float
    about: About
    cases: int
    members: int
    active: int


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """`state`: of the juror, None for somebody who has left long ago."""

    account_id: int
    acct: str
    signed_up_at: datetime
    state: JurorState | None


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """A case in which several members sat. `is_breach`: what was decided, None if nothing was; `said`: their answers by account."""

    case_id: int
    is_breach: bool | None
    said: dict[int, Answer]

    @property
    def is_alike(self) -> bool:
        return len(set(self.said.values())) == 1


async def list_rings(conn: ReadConn) -> list[FoundRing]:
    """The newest confirmation first. There are few."""
    rows = await conn.fetch(
        f"""
        SELECT r.id, r.found_at, r.confirmed_at, r.evidence, r.about, r.cases, count(m) AS members,
            count(j) FILTER (WHERE j.state = '{JurorState.JUROR}') AS active
        FROM jury_rings AS r LEFT JOIN jury_ring_members AS m ON m.ring_id = r.id LEFT JOIN jurors AS j ON j.account_id = m.account_id
        GROUP BY r.id ORDER BY r.confirmed_at DESC, r.evidence DESC, r.id
        """
    )
    return [FoundRing(**{**dict(row), "about": About(row["about"])}) for row in rows]


async def get_ring(conn: ReadConn, ring_id: int) -> FoundRing:
    found = next((one for one in await list_rings(conn) if one.id == ring_id), None)
    if found is None:
        raise NotFound
    return found


async def list_members(conn: ReadConn, ring_id: int) -> list[Member]:
    rows = await conn.fetch(
        "SELECT a.id AS account_id, a.username AS acct, a.created_at AS signed_up_at, j.state FROM jury_ring_members AS m"
        " JOIN accounts AS a ON a.id = m.account_id LEFT JOIN jurors AS j ON j.account_id = m.account_id"
        " WHERE m.ring_id = $1 ORDER BY a.id",
        ring_id,
    )
    return [Member(**{**dict(row), "state": JurorState(row["state"]) if row["state"] else None}) for row in rows]


async def list_shared(conn: ReadConn, account_ids: Sequence[int], about: About, limit: int) -> list[Shared]:
    """The newest ended cases of such authors in which at least two of these jurors said something, with what they said. The sides of the
    authors are those of today. Index: jury_seats_account."""
    rows = await conn.fetch(
        f"""
        SELECT s.case_id, array_agg(s.account_id ORDER BY s.account_id) AS account_ids,
            array_agg(s.answer ORDER BY s.account_id) AS answers, min(v.action) AS action
        FROM jury_seats AS s JOIN juries AS j USING (case_id)
        JOIN cases AS c ON c.id = s.case_id LEFT JOIN camp_positions AS p ON p.account_id = c.account_id
        LEFT JOIN verdicts AS v ON v.case_id = s.case_id AND v.undone_at IS NULL AND j.state <> '{State.SITTING}'
        WHERE s.account_id = ANY ($1::bigint[]) AND s.state = '{SeatState.ANSWERED}' AND s.answer <> {Answer.UNSURE:d}
            AND j.state <> '{State.SITTING}' AND $3 IN ('{About.ALL}', CASE
                WHEN abs(coalesce(p.place, 0)) < {CLEARLY} THEN '{About.NEITHER}'
                WHEN p.place > 0 THEN '{About.TWO}' ELSE '{About.ONE}' END)
        GROUP BY s.case_id HAVING count(*) > 1 ORDER BY s.case_id DESC LIMIT $2
        """,
        list(account_ids), limit, about,
    )
    return [
        Shared(
            case_id=row["case_id"], is_breach=None if row["action"] is None else row["action"] != Action.KEEP,
            said=dict(zip(row["account_ids"], map(Answer, row["answers"]), strict=True)),
        )
        for row in rows
    ]


async def list_bonds(conn: ReadConn, account_ids: Sequence[int]) -> list[tuple[int, int]]:
    """Pairs of these accounts that follow each other, or signed up together: in the same minute, or by one invitation within the hour."""
    rows = await conn.fetch(
        f"""
        SELECT one.id AS one, other.id AS other
        FROM accounts AS one JOIN accounts AS other ON other.id > one.id
        LEFT JOIN logins AS l ON l.account_id = one.id LEFT JOIN logins AS ol ON ol.account_id = other.id
        WHERE one.id = ANY ($1::bigint[]) AND other.id = ANY ($1::bigint[]) AND (
            EXISTS (SELECT FROM follows WHERE account_id = one.id AND target_id = other.id)
                AND EXISTS (SELECT FROM follows WHERE account_id = other.id AND target_id = one.id)
            OR greatest(one.created_at - other.created_at, other.created_at - one.created_at) <= {_interval(SIGNED_UP_TOGETHER)}
            OR l.invitation_id = ol.invitation_id
                AND greatest(one.created_at - other.created_at, other.created_at - one.created_at) <= {_interval(INVITED_TOGETHER)})
        ORDER BY one.id, other.id
        """,
        list(account_ids),
    )
    return [(row["one"], row["other"]) for row in rows]


async def list_members_of_all(conn: ReadConn) -> dict[int, set[int]]:
    """The accounts of each ring."""
    found: dict[int, set[int]] = {}
    for row in await conn.fetch("SELECT ring_id, account_id FROM jury_ring_members"):
        found.setdefault(row["ring_id"], set()).add(row["account_id"])
    return found


async def upsert_ring(tx: WriteTx, ring_id: int, ring: Ring, now: datetime) -> None:
    """Stores a ring as the newest search has found it."""
    account_ids = ring.juror_ids
    await tx.execute(
        "INSERT INTO jury_rings AS r (id, found_at, confirmed_at, evidence, about, cases) VALUES ($1, $2, $2, $3, $4, $5)"
        " ON CONFLICT (id) DO UPDATE SET confirmed_at = excluded.confirmed_at, evidence = excluded.evidence, about = excluded.about,"
        " cases = excluded.cases",
        ring_id, now, ring.evidence, ring.about, len(ring.cases),
    )
    await tx.execute("DELETE FROM jury_ring_members WHERE ring_id = $1 AND account_id <> ALL ($2::bigint[])", ring_id, list(account_ids))
    await tx.execute(
        "INSERT INTO jury_ring_members (ring_id, account_id) SELECT $1, a.id FROM accounts AS a WHERE a.id = ANY ($2::bigint[])"
        " ON CONFLICT DO NOTHING",
        ring_id, list(account_ids),
    )


async def delete_rings(tx: WriteTx, confirmed_before: datetime) -> None:
    await tx.execute("DELETE FROM jury_rings WHERE confirmed_at < $1", confirmed_before)


async def count_recent_rings(conn: ReadConn, since: datetime) -> int:
    """Rings that a search has found since then."""
    return int(await conn.fetchval("SELECT count(*) FROM jury_rings WHERE confirmed_at > $1", since))


def _interval(length: timedelta) -> str:
    return f"interval '{length.total_seconds():.0f} seconds'"
