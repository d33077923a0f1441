"""SQL of signals, and of the texts that a detector examines."""

from collections.abc import Sequence

import msgspec

from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.moderation.cases.model import State, Subject
from folkmoot.moderation.detection.model import ExaminedText
from folkmoot.moderation.detection.signals import Signal
from folkmoot.network.accounts.model import ProfileField
from folkmoot.network.posts.model import Visibility

_SIGNAL = (
    "id, case_id, post_id, edited_at, account_id, words, detector, version, clause, score, is_hiding, reasons, created_at, cues"
)


async def list_post_texts_unscoped(conn: ReadConn, post_ids: Sequence[int]) -> list[ExaminedText]:
    """The texts of posts; without boosts, private messages and deleted posts.

    A private message is never examined; it gets a case only when a recipient reports it.
    """
    rows = await conn.fetch(
        """
        SELECT p.id, p.account_id, p.language, p.edited_at, p.cover, p.text, p.visibility, p.media_count, poll.titles,
            p.mentions <> '[]' OR p.edited_at IS NOT NULL OR p.reply_to_id IS NOT NULL OR p.reply_to_account_id IS NOT NULL AS may_address,
            CASE WHEN p.media_count > 0 THEN
                ARRAY(SELECT description FROM media WHERE media.post_id = p.id ORDER BY position) END AS pictures
        FROM posts AS p LEFT JOIN polls AS poll ON poll.id = p.poll_id
        WHERE p.id = ANY ($1::bigint[]) AND p.boost_of_id IS NULL AND p.visibility < $2
        """,
        list(post_ids), Visibility.DIRECT,
    )
    return [
        ExaminedText(
            subject=Subject.POST, subject_id=row["id"], account_id=row["account_id"], language=row["language"], edited_at=row["edited_at"],
            text="\n".join(filter(None, [row["cover"], row["text"], *(row["titles"] or ()), *(row["pictures"] or ())])), body=row["text"],
            is_public=row["visibility"] <= Visibility.UNLISTED, has_pictures=row["media_count"] > 0,
            may_address=row["may_address"],
        )
        for row in rows
    ]


async def list_profile_texts_unscoped(conn: ReadConn, account_ids: Sequence[int]) -> list[ExaminedText]:
    """The texts of profiles, names included."""
    rows = await conn.fetch(
        """
        SELECT a.id, a.username, a.display_name, a.bio, a.fields, a.avatar_description, a.header_description, l.language
        FROM accounts AS a LEFT JOIN logins AS l ON l.account_id = a.id WHERE a.id = ANY ($1::bigint[])
        """,
        list(account_ids),
    )
    found = []
    for row in rows:
        fields = msgspec.json.decode(row["fields"], type=list[ProfileField])
        parts = [
            row["username"].replace("_", " "), row["display_name"], row["bio"], *(f"{field.name}: {field.value}" for field in fields),
            row["avatar_description"], row["header_description"],
        ]
        found.append(ExaminedText(
            subject=Subject.ACCOUNT, subject_id=row["id"], account_id=row["id"], language=row["language"],
            text="\n".join(filter(None, parts)),
        ))
    return found


async def was_profile_decided(conn: ReadConn, text: ExaminedText) -> bool:
    """Whether a case with a signal about exactly this text of the profile has been decided."""
    return bool(await conn.fetchval(
        "SELECT EXISTS (SELECT FROM signals AS s JOIN cases AS c ON c.id = s.case_id"
        f" WHERE s.account_id = $1 AND s.words = $2 AND c.state = '{State.DECIDED}')",
        text.subject_id, text.key,
    ))


async def insert_signal(tx: WriteTx, signal: Signal) -> bool:
    """False when this detector has a signal about this text already."""
    return bool(await tx.fetchval(
        f"INSERT INTO signals ({_SIGNAL}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
        " ON CONFLICT DO NOTHING RETURNING true",
        signal.id, signal.case_id, signal.post_id, signal.edited_at, signal.account_id, signal.words, signal.detector, signal.version,
        signal.clause, signal.score, signal.is_hiding, list(signal.reasons), signal.created_at, list(signal.cues),
    ))


async def list_signals(conn: ReadConn, case_ids: Sequence[int]) -> list[Signal]:
    """The signals of these cases, newest first. Index: signals_case."""
    rows = await conn.fetch(
        f"SELECT {_SIGNAL} FROM signals WHERE case_id = ANY ($1::bigint[]) ORDER BY id DESC LIMIT 1000", list(case_ids)
    )
    return [Signal(**{**dict(row), "reasons": tuple(row["reasons"]), "cues": tuple(row["cues"])}) for row in rows]


async def list_highest_scores(conn: ReadConn, case_ids: Sequence[int]) -> dict[int, float]:
    """The highest score of the newest examined text of each case that has a signal. Index: signals_case."""
    rows = await conn.fetch(
        "SELECT s.case_id, max(s.score) AS score FROM signals AS s JOIN ("
        "  SELECT DISTINCT ON (case_id) case_id, edited_at, words FROM signals WHERE case_id = ANY ($1::bigint[])"
        "  ORDER BY case_id, id DESC) AS newest ON s.case_id = newest.case_id AND s.edited_at IS NOT DISTINCT FROM newest.edited_at"
        "  AND s.words IS NOT DISTINCT FROM newest.words"
        " WHERE s.case_id = ANY ($1::bigint[]) GROUP BY s.case_id",
        list(case_ids),
    )
    return {row["case_id"]: row["score"] for row in rows}


async def blank_reasons(tx: WriteTx, case_ids: Sequence[int]) -> None:
    """Deletes the words of the author that were the reasons of signals. Index: signals_case."""
    await tx.execute("UPDATE signals SET reasons = '{}' WHERE case_id = ANY ($1::bigint[]) AND reasons <> '{}'", list(case_ids))


async def blank_reasons_of_account(tx: WriteTx, account_id: int) -> None:
    """The same for everything that a deleted account wrote. Index: cases_account."""
    await tx.execute(
        "UPDATE signals SET reasons = '{}' WHERE case_id IN (SELECT id FROM cases WHERE account_id = $1) AND reasons <> '{}'", account_id
    )
