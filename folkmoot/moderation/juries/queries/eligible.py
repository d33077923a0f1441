"""Which jurors can be asked: those in good standing, without those who know somebody in the case.

Everything that can change after a draw is asked again when an item is opened and when it is answered. Ties to reporters count, though
jurors never learn who reported: a friend of the reporter decides no freer than a friend of the author.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from folkmoot.base import ids
from folkmoot.base.db import ReadConn
from folkmoot.moderation.cases.queries.concern import concerned_sql
from folkmoot.moderation.juries.model import INVITED_TOGETHER, SIGNED_UP_TOGETHER, TIED_WITHIN, SeatState
from folkmoot.moderation.juries.queries.stored import IS_OUTSTANDING
from folkmoot.moderation.jurors.model import CLEAN_FOR, MIN_AGE
from folkmoot.moderation.jurors.model import State as JurorState
from folkmoot.moderation.verdicts.model import Action
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.sessions.model import Role

# The rules of `jurors/policy.py` for all at once, at the time $1.
_IS_ABLE = f"""
    j.state = '{JurorState.JUROR}' AND l.role = '{Role.MEMBER}' AND l.disabled_at IS NULL
    AND a.effect = {AccountEffect.NONE:d} AND NOT a.is_limited AND NOT a.is_bot
    AND a.created_at <= $1::timestamptz - interval '{MIN_AGE.total_seconds():.0f} seconds'
    AND NOT EXISTS (
        SELECT FROM cases AS c JOIN verdicts AS v ON v.case_id = c.id
        WHERE c.account_id = j.account_id AND v.action <> '{Action.KEEP}' AND v.settled_at IS NOT NULL AND v.undone_at IS NULL
          AND v.overturned_by_id IS NULL AND v.made_at > $1::timestamptz - interval '{CLEAN_FOR.total_seconds():.0f} seconds')
"""
_ABLE = f"FROM jurors AS j JOIN accounts AS a ON a.id = j.account_id JOIN logins AS l ON l.account_id = j.account_id WHERE {_IS_ABLE}"
_RELATED = (("follows", "target_id"), ("follow_requests", "requester_id"), ("mutes", "target_id"), ("blocks", "target_id"))


class Able(msgspec.Struct, frozen=True, kw_only=True):
    """A juror in good standing. `place`: on the axis of the camps, None without data; `items`: seats of the last 24 hours, without those
    that were lost; `invitations`: seats that wait for an answer."""

    account_id: int
    languages: frozenset[str]
    avoided: frozenset[str]
    without_pictures: bool
    place: float | None
    items: int
    invitations: int


async def list_able(conn: ReadConn, now: datetime) -> list[Able]:
    """All jurors who can be called, whatever the case is. Index: jury_seats_drawn."""
    rows = await conn.fetch(
        f"""
        SELECT j.account_id, j.languages, j.avoided, j.without_pictures, p.place, coalesce(s.items, 0) AS items,
            coalesce(s.invitations, 0) AS invitations
        FROM (SELECT j.* {_ABLE}) AS j LEFT JOIN camp_positions AS p USING (account_id)
        LEFT JOIN (
            SELECT account_id, count(*) FILTER (WHERE state {IS_OUTSTANDING}) AS invitations,
                count(*) FILTER (WHERE state {IS_OUTSTANDING} OR state = '{SeatState.ANSWERED}') AS items
            FROM jury_seats WHERE drawn_at > $1::timestamptz - interval '1 day' GROUP BY account_id
        ) AS s USING (account_id)
        ORDER BY j.account_id
        """,
        now,
    )
    return [
        Able(**{**dict(row), "languages": frozenset(row["languages"]), "avoided": frozenset(row["avoided"])}) for row in rows
    ]


async def list_able_of(conn: ReadConn, account_ids: Sequence[int], now: datetime) -> set[int]:
    """Those of these accounts that can be called at present."""
    rows = await conn.fetch(f"SELECT j.account_id {_ABLE} AND j.account_id = ANY ($2::bigint[])", now, list(account_ids))
    return {row["account_id"] for row in rows}


async def is_able(conn: ReadConn, account_id: int, now: datetime) -> bool:
    return bool(await list_able_of(conn, [account_id], now))


async def list_excluded(conn: ReadConn, account_ids: Sequence[int]) -> set[int]:
    """Those of these accounts that were excluded from the jury."""
    rows = await conn.fetch(
        f"SELECT account_id FROM jurors WHERE account_id = ANY ($1::bigint[]) AND state = '{JurorState.EXCLUDED}'", list(account_ids)
    )
    return {row["account_id"] for row in rows}


async def count_able(conn: ReadConn, now: datetime, most: int) -> int:
    """How many jurors can be called, at most `most`, which bounds what is read."""
    return int(await conn.fetchval(f"SELECT count(*) FROM (SELECT {_ABLE} LIMIT $2) AS able", now, most))


async def list_tied(conn: ReadConn, case_id: int, account_ids: Sequence[int], now: datetime) -> set[int]:
    """Those of these accounts that know the author or a reporter of a case, or are concerned by it. One statement for all of them.

    Known: by a follow, a mute or a block in either direction, by a mention within three months, by an invitation, or because both
    signed up in the same minute, or by the same invitation in the same hour. Ids are ordered by time, so
    the newest mentions are a range of the primary key."""
    relations = " OR ".join(
        f"EXISTS (SELECT FROM {table} WHERE account_id = {one} AND {target} = {other})"
        for table, target in _RELATED for one, other in (("one.id", "party.id"), ("party.id", "one.id"))
    )
    mentions = " OR ".join(
        f"EXISTS (SELECT FROM mentions AS m JOIN posts AS p ON p.id = m.post_id WHERE m.account_id = {one} AND m.post_id > $3"
        f" AND p.account_id = {other})"
        for one, other in (("one.id", "party.id"), ("party.id", "one.id"))
    )
    rows = await conn.fetch(
        f"""
        WITH parties AS (
            SELECT account_id AS id FROM cases WHERE id = $1
            UNION
            SELECT rc.reporter_id FROM cases AS c JOIN cases AS same ON same.subject = c.subject AND same.subject_id = c.subject_id
            JOIN report_cases AS rc ON rc.case_id = same.id WHERE c.id = $1
        )
        SELECT one.id FROM cases AS c CROSS JOIN unnest($2::bigint[]) AS one (id)
        JOIN accounts AS a ON a.id = one.id LEFT JOIN logins AS l ON l.account_id = one.id
        WHERE c.id = $1 AND ({concerned_sql("one.id")} OR EXISTS (
            SELECT FROM parties AS party JOIN accounts AS pa ON pa.id = party.id LEFT JOIN logins AS pl ON pl.account_id = party.id
            WHERE {relations} OR {mentions}
               OR pa.created_at BETWEEN a.created_at - interval '{SIGNED_UP_TOGETHER.total_seconds():.0f} seconds'
                                    AND a.created_at + interval '{SIGNED_UP_TOGETHER.total_seconds():.0f} seconds'
               OR (pl.invitation_id = l.invitation_id AND pa.created_at
                    BETWEEN a.created_at - interval '{INVITED_TOGETHER.total_seconds():.0f} seconds'
                        AND a.created_at + interval '{INVITED_TOGETHER.total_seconds():.0f} seconds')
               OR EXISTS (SELECT FROM invitations AS i WHERE i.id = l.invitation_id AND i.account_id = party.id)
               OR EXISTS (SELECT FROM invitations AS i WHERE i.id = pl.invitation_id AND i.account_id = one.id)
        ))
        """,
        case_id, list(account_ids), ids.first_id(now - TIED_WITHIN),
    )
    return {row["id"] for row in rows}
