"""Which jurors can be asked: those in good standing, without those who know somebody in the case.

Everything that can change after a draw is asked again when an item is opened and when it is answered. Ties to reporters count, though
jurors never learn who reported: a friend of the reporter decides no freer than a friend of the author.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from folkmoot.base import ids
from folkmoot.base.db import ReadConn
from folkmoot.moderation.cases.model import Subject
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
    that were lost; `invitations`: seats that wait for an answer; `sampled`: items of the daily sample among `items`."""

    account_id: int
    languages: frozenset[str]
    avoided: frozenset[str]
    without_pictures: bool
    place: float | None
    items: int
    invitations: int
    sampled: int


async def list_able(conn: ReadConn, now: datetime) -> list[Able]:
    """All jurors who can be called, whatever the case is. Indexes: jury_seats_drawn, sample_seats_drawn."""
    rows = await conn.fetch(
        f"""
        SELECT j.account_id, j.languages, j.avoided, j.without_pictures, p.place, coalesce(s.items, 0) AS items,
            coalesce(s.invitations, 0) AS invitations, coalesce(s.sampled, 0) AS sampled
        FROM (SELECT j.* {_ABLE}) AS j LEFT JOIN camp_positions AS p USING (account_id)
        LEFT JOIN (
            SELECT account_id, count(*) FILTER (WHERE state {IS_OUTSTANDING}) AS invitations, count(*) AS items,
                count(*) FILTER (WHERE is_sampled) AS sampled
            FROM (
                SELECT account_id, state, drawn_at, false AS is_sampled FROM jury_seats
                UNION ALL SELECT account_id, state, drawn_at, true FROM sample_seats
            ) AS seats
            WHERE drawn_at > $1::timestamptz - interval '1 day' AND (state {IS_OUTSTANDING} OR state = '{SeatState.ANSWERED}')
            GROUP BY account_id
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
    """Those of these accounts that know the author or a reporter of a case, are concerned by it, or have read its post for the sample or
    as a gold question, after which they were told the first decision. One statement for all of them.

    Known: by a follow, a mute or a block in either direction, by a mention within three months, by an invitation, or because both
    signed up in the same minute, or by the same invitation in the same hour. Ids are ordered by time, so
    the newest mentions are a range of the primary key."""
    return {row["id"] for row in await conn.fetch(_TIED_TO_CASE, case_id, list(account_ids), ids.first_id(now - TIED_WITHIN))}


async def list_tied_to_post(conn: ReadConn, post_id: int, account_ids: Sequence[int], now: datetime) -> set[int]:
    """The same for a post of the sample, which has no case of its own; also those who have judged it in a case, or as a gold question."""
    return {row["id"] for row in await conn.fetch(_TIED_TO_POST, post_id, list(account_ids), ids.first_id(now - TIED_WITHIN))}


def _tied_sql(subject: str, judged: str) -> str:
    """`subject`: SQL of the row `c` of a case; `judged`: SQL of further accounts `one` that cannot be asked."""
    relations = " OR ".join(
        f"EXISTS (SELECT FROM {table} WHERE account_id = {one} AND {target} = {other})"
        for table, target in _RELATED for one, other in (("one.id", "party.id"), ("party.id", "one.id"))
    )
    mentions = " OR ".join(
        f"EXISTS (SELECT FROM mentions AS m JOIN posts AS p ON p.id = m.post_id WHERE m.account_id = {one} AND m.post_id > $3"
        f" AND p.account_id = {other})"
        for one, other in (("one.id", "party.id"), ("party.id", "one.id"))
    )
    return f"""
        WITH c AS ({subject}), parties AS (
            SELECT account_id AS id FROM c
            UNION
            SELECT rc.reporter_id FROM c JOIN cases AS same ON same.subject = c.subject AND same.subject_id = c.subject_id
            JOIN report_cases AS rc ON rc.case_id = same.id
        )
        SELECT one.id FROM c CROSS JOIN unnest($2::bigint[]) AS one (id)
        JOIN accounts AS a ON a.id = one.id LEFT JOIN logins AS l ON l.account_id = one.id
        WHERE {concerned_sql("one.id")} OR {judged} OR EXISTS (
            SELECT FROM parties AS party JOIN accounts AS pa ON pa.id = party.id LEFT JOIN logins AS pl ON pl.account_id = party.id
            WHERE {relations} OR {mentions}
               OR pa.created_at BETWEEN a.created_at - interval '{SIGNED_UP_TOGETHER.total_seconds():.0f} seconds'
                                    AND a.created_at + interval '{SIGNED_UP_TOGETHER.total_seconds():.0f} seconds'
               OR (pl.invitation_id = l.invitation_id AND pa.created_at
                    BETWEEN a.created_at - interval '{INVITED_TOGETHER.total_seconds():.0f} seconds'
                        AND a.created_at + interval '{INVITED_TOGETHER.total_seconds():.0f} seconds')
               OR EXISTS (SELECT FROM invitations AS i WHERE i.id = l.invitation_id AND i.account_id = party.id)
               OR EXISTS (SELECT FROM invitations AS i WHERE i.id = pl.invitation_id AND i.account_id = one.id)
        )
    """


_TIED_TO_CASE = _tied_sql(
    "SELECT id, account_id, barred_ids, subject, subject_id FROM cases WHERE id = $1",
    f"""c.subject = '{Subject.POST}' AND (EXISTS (
        SELECT FROM sample_items AS si JOIN sample_seats AS ss ON ss.item_id = si.id
        WHERE si.post_id = c.subject_id AND ss.account_id = one.id AND ss.opened_at IS NOT NULL)
      OR EXISTS (
        SELECT FROM gold_answers AS ga JOIN cases AS gc ON gc.id = ga.case_id
        WHERE ga.account_id = one.id AND gc.id <> c.id AND gc.subject = c.subject AND gc.subject_id = c.subject_id))""",
)
_TIED_TO_POST = _tied_sql(
    f"SELECT 0::bigint AS id, account_id, ARRAY[]::bigint[] AS barred_ids, '{Subject.POST}' AS subject, id AS subject_id"
    " FROM posts WHERE id = $1",
    f"""EXISTS (
        SELECT FROM gold_answers AS ga JOIN cases AS gc ON gc.id = ga.case_id
        WHERE ga.account_id = one.id AND gc.subject = '{Subject.POST}' AND gc.subject_id = c.subject_id)""",
)
