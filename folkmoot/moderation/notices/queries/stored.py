"""Stores and reads notices, the cases that they joined, and what became of them."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from folkmoot.base.db import ReadConn, Row, WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.moderation.cases.model import Share, Subject
from folkmoot.moderation.cases.queries.outcome import OUTCOME, SETTLED_VERDICTS
from folkmoot.moderation.contacts.model import Kind
from folkmoot.moderation.notices.model import Door, Notice, NoticeBacklog, Outcome, Place, State, Urgency
from folkmoot.moderation.notices.queries.removals import IS_REMOVAL
from folkmoot.network.posts.model import Visibility

_NOTICE = (
    "id, number, state, door, urgency, contact_id, reference, name, email, language, reason, clause, places, received_at, due_at,"
    " confirmed_at, answered_at, answer, mail_key, reply_to, signed_by"
)
_WEIGHT = (Kind.AUTHORITY, Kind.TRUSTED_FLAGGER, Kind.PROVIDER, "")  # of senders, the most weighty first
_SHARES = ", ".join(f"({share:d})" for share in Share)


class SubjectFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a post is for a notice. `visibility`: that of `network/posts/model.py`."""

    post_id: int
    account_id: int
    visibility: int


def _notice_from(row: Row) -> Notice:
    return Notice(**{
        **dict(row), "state": State(row["state"]), "door": Door(row["door"]), "urgency": Urgency(row["urgency"]),
        "places": msgspec.json.decode(row["places"], type=tuple[Place, ...]), "signed_by": tuple(row["signed_by"]),
    })


async def insert_notice(tx: WriteTx, notice: Notice, raw: bytes | None = None) -> bool:
    """`raw`: the mail as it came. False if there is a notice with this number, of this mail, or with this reference of the same contact."""
    return bool(await tx.fetchval(
        f"INSERT INTO notices ({_NOTICE}, raw) VALUES ({', '.join(f'${number}' for number in range(1, 23))})"
        " ON CONFLICT DO NOTHING RETURNING true",
        notice.id, notice.number, notice.state, notice.door, notice.urgency, notice.contact_id, notice.reference, notice.name, notice.email,
        notice.language, notice.reason, notice.clause, msgspec.json.encode(notice.places).decode(), notice.received_at, notice.due_at,
        notice.confirmed_at, notice.answered_at, notice.answer, notice.mail_key, notice.reply_to,
        list(notice.signed_by), raw,
    ))


async def update_notice(tx: WriteTx, notice: Notice) -> None:
    """Stores what can change: state, places, what was verified, the deadline, and the answer."""
    await tx.execute(
        "UPDATE notices SET state = $2, urgency = $3, contact_id = $4, places = $5, due_at = $6, confirmed_at = $7, answered_at = $8,"
        " answer = $9, clause = $10 WHERE id = $1",
        notice.id, notice.state, notice.urgency, notice.contact_id, msgspec.json.encode(notice.places).decode(), notice.due_at,
        notice.confirmed_at, notice.answered_at, notice.answer, notice.clause,
    )


async def get_notice(conn: ReadConn, notice_id: int) -> Notice:
    row = await conn.fetchrow(f"SELECT {_NOTICE} FROM notices WHERE id = $1", notice_id)
    if row is None:
        raise NotFound
    return _notice_from(row)


async def get_notice_by_number(conn: ReadConn, number: str) -> Notice:
    row = await conn.fetchrow(f"SELECT {_NOTICE} FROM notices WHERE number = $1", number)
    if row is None:
        raise NotFound
    return _notice_from(row)


async def find_raw(conn: ReadConn, notice_id: int) -> bytes | None:
    """The mail of a notice as it came; None for one that came otherwise, and after its sender was forgotten."""
    value = await conn.fetchval("SELECT raw FROM notices WHERE id = $1", notice_id)
    return bytes(value) if value is not None else None


async def lock_notice(tx: WriteTx, notice_id: int) -> Notice:
    row = await tx.fetchrow(f"SELECT {_NOTICE} FROM notices WHERE id = $1 FOR UPDATE", notice_id)
    if row is None:
        raise NotFound
    return _notice_from(row)


async def find_notice_by_reference(conn: ReadConn, contact_id: int, reference: str) -> Notice | None:
    row = await conn.fetchrow(f"SELECT {_NOTICE} FROM notices WHERE contact_id = $1 AND reference = $2", contact_id, reference)
    return _notice_from(row) if row else None


async def find_notice_by_mail(conn: ReadConn, mail_key: bytes) -> Notice | None:
    row = await conn.fetchrow(f"SELECT {_NOTICE} FROM notices WHERE mail_key = $1", mail_key)
    return _notice_from(row) if row else None


async def list_waiting(conn: ReadConn, limit: int) -> list[Notice]:
    """Notices without an answer: first those of verified contacts, whatever others claim; the earliest deadline first. Index:
    notices_by_weight."""
    rows = await conn.fetch(
        f"SELECT {_NOTICE} FROM notices WHERE state <> '{State.ANSWERED}' ORDER BY (contact_id IS NULL), due_at, id LIMIT $1", limit
    )
    return [_notice_from(row) for row in rows]


async def count_unanswered(conn: ReadConn, now: datetime) -> NoticeBacklog:
    """Index: notices_waiting."""
    row = await conn.fetchrow(
        f"""
        SELECT count(*) AS open, count(*) FILTER (WHERE state = '{State.UNREAD}') AS unread,
            count(*) FILTER (WHERE state = '{State.UNREAD}' AND door = '{Door.MAIL}' AND reason = '') AS unreadable,
            count(*) FILTER (WHERE due_at <= $1) AS overdue FROM notices WHERE state <> '{State.ANSWERED}'
        """,
        now,
    )
    assert row is not None
    return NoticeBacklog(**dict(row))


async def list_notices_of_case(conn: ReadConn, case_id: int) -> list[Notice]:
    """Oldest first. Index: notice_cases_case."""
    rows = await conn.fetch(
        f"SELECT {_NOTICE} FROM notices WHERE id IN (SELECT notice_id FROM notice_cases WHERE case_id = $1) ORDER BY id LIMIT 100", case_id
    )
    return [_notice_from(row) for row in rows]


async def insert_notice_case(tx: WriteTx, notice_id: int, case_id: int) -> bool:
    """False if the notice has joined this case already."""
    return bool(await tx.fetchval(
        "INSERT INTO notice_cases (notice_id, case_id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING true", notice_id, case_id
    ))


async def list_noticed(conn: ReadConn, case_ids: Sequence[int]) -> set[int]:
    """Those of these cases that a notice has joined."""
    rows = await conn.fetch("SELECT DISTINCT case_id FROM notice_cases WHERE case_id = ANY ($1::bigint[])", list(case_ids))
    return {row["case_id"] for row in rows}


async def has_removal_order(conn: ReadConn, case_id: int) -> bool:
    """Whether a removal order of a verified authority has joined a case: what it had removed must be preserved."""
    return bool(await conn.fetchval(
        "SELECT EXISTS (SELECT FROM notice_cases AS nc JOIN notices AS n ON n.id = nc.notice_id"
        f" WHERE nc.case_id = $1 AND n.urgency = '{Urgency.ORDER}' AND n.contact_id IS NOT NULL AND n.confirmed_at IS NOT NULL)",
        case_id,
    ))


async def list_notifiers(conn: ReadConn, case_ids: Sequence[int]) -> dict[int, str]:
    """Those of these cases that a notice has joined, with the kind of the most weighty registered contact that sent one; empty if
    nobody registered did."""
    rows = await conn.fetch(
        "SELECT nc.case_id, array_agg(DISTINCT coalesce(c.kind, '')) AS kinds"
        " FROM notice_cases AS nc JOIN notices AS n ON n.id = nc.notice_id LEFT JOIN contacts AS c ON c.id = n.contact_id"
        " WHERE nc.case_id = ANY ($1::bigint[]) GROUP BY nc.case_id",
        list(case_ids),
    )
    return {row["case_id"]: min(row["kinds"], key=_WEIGHT.index) for row in rows}


async def list_posts_named(conn: ReadConn, post_ids: Sequence[int], picture_keys: Sequence[str]) -> dict[int | str, SubjectFacts]:
    """The posts with these ids and of these pictures, by id and key; of a boost the boosted post; also deleted ones that are kept, and
    those that were removed and cleared for good, which nobody sees."""
    rows = await conn.fetch(
        f"""
        WITH wanted AS (
            SELECT id::text AS name, id FROM unnest($1::bigint[]) AS id
            UNION ALL SELECT key, post_id FROM media WHERE key = ANY ($2::text[]) AND post_id IS NOT NULL
        ), kept AS (
            SELECT id, account_id, visibility, boost_of_id FROM posts WHERE id IN (SELECT id FROM wanted)
            UNION ALL SELECT post_id, account_id, visibility, NULL FROM deleted_posts WHERE post_id IN (SELECT id FROM wanted)
            UNION ALL SELECT subject_id, account_id, {Visibility.DIRECT:d}, NULL FROM restrictions
                WHERE {IS_REMOVAL} AND cleared_at IS NOT NULL AND subject_id IN (SELECT id FROM wanted)
        )
        SELECT w.name, coalesce(b.id, k.id) AS post_id, coalesce(b.account_id, k.account_id) AS account_id,
            coalesce(b.visibility, k.visibility) AS visibility
        FROM wanted AS w JOIN kept AS k ON k.id = w.id LEFT JOIN posts AS b ON b.id = k.boost_of_id
        """,
        list(post_ids), list(picture_keys),
    )
    found: dict[int | str, SubjectFacts] = {}
    for row in rows:
        facts = SubjectFacts(post_id=row["post_id"], account_id=row["account_id"], visibility=row["visibility"])
        found[int(row["name"]) if row["name"].isdecimal() else row["name"]] = facts
    return found


async def list_outcomes(conn: ReadConn, notice_id: int) -> list[Outcome]:
    """What became of the cases of a notice. Verdicts are included once they are settled; that of an appeal replaces the first."""
    rows = await conn.fetch(
        f"""
        SELECT c.id AS case_id, c.subject, c.subject_id, coalesce(later.id, v.id) AS verdict_id, {OUTCOME}
        FROM notice_cases AS nc JOIN cases AS c ON c.id = nc.case_id {SETTLED_VERDICTS}
        WHERE nc.notice_id = $1 ORDER BY c.id
        """,
        notice_id,
    )
    return [Outcome(**{**dict(row), "subject": Subject(row["subject"])}) for row in rows]


async def take_deadlines(tx: WriteTx, now: datetime, limit: int = 200) -> list[tuple[Notice, Share]]:
    """Marks the reached shares of the time to answer as noted; returns the notices with their highest new share."""
    rows = await tx.fetch(
        f"""
        WITH reached AS (
            SELECT n.id, max(share.value) AS share FROM notices AS n JOIN (VALUES {_SHARES}) AS share (value)
                ON share.value > n.noted_share AND $1 - n.received_at >= (n.due_at - n.received_at) * (share.value / 100.0::float8)
            WHERE n.state <> '{State.ANSWERED}' AND n.noted_share < {Share.OVER:d} GROUP BY n.id ORDER BY n.id LIMIT $2
        )
        UPDATE notices AS n SET noted_share = reached.share FROM reached WHERE n.id = reached.id AND n.noted_share < reached.share
        RETURNING n.noted_share, {", ".join(f"n.{name}" for name in _NOTICE.split(", "))}
        """,
        now, limit,
    )
    found = []
    for row in rows:
        values = dict(row)
        share = Share(values.pop("noted_share"))
        found.append((_notice_from(values), share))
    return found


async def forget_senders(tx: WriteTx, answered_before: datetime, limit: int = 1000) -> int:
    """Deletes name, address and mail of senders whose notice was answered before that time."""
    return await tx.execute(
        "UPDATE notices SET name = '', email = '', reply_to = '', raw = NULL, signed_by = '{}' WHERE id IN ("
        f" SELECT id FROM notices WHERE state = '{State.ANSWERED}' AND (email <> '' OR name <> '' OR raw IS NOT NULL) AND answered_at < $1"
        " ORDER BY answered_at LIMIT $2)",
        answered_before, limit,
    )


async def find_joined_case(conn: ReadConn, notice_id: int, subject: Subject, subject_id: int) -> int | None:
    """The case of this subject that a notice has joined."""
    value = await conn.fetchval(
        "SELECT c.id FROM notice_cases AS nc JOIN cases AS c ON c.id = nc.case_id"
        " WHERE nc.notice_id = $1 AND c.subject = $2 AND c.subject_id = $3 ORDER BY c.id DESC LIMIT 1",
        notice_id, subject, subject_id,
    )
    return int(value) if value else None


async def update_told(tx: WriteTx, notice_id: int, case_id: int, verdict_id: int | None) -> bool:
    """False if the sender was told of this verdict already."""
    return bool(await tx.execute(
        "UPDATE notice_cases SET told_verdict_id = $3 WHERE notice_id = $1 AND case_id = $2 AND told_verdict_id IS DISTINCT FROM $3",
        notice_id, case_id, verdict_id,
    ))
