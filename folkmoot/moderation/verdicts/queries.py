"""All SQL of verdicts."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from folkmoot.base.db import ReadConn, Row, WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.base.ids import MAX_ID
from folkmoot.base.text import search_words
from folkmoot.moderation.cases.model import Case
from folkmoot.moderation.cases.queries.concern import concerned_sql
from folkmoot.moderation.evidence.model import Version
from folkmoot.moderation.restrictions.model import Kind
from folkmoot.moderation.verdicts.model import Action, Decider, DeciderKind, Template, Verdict
from folkmoot.network.posts.model import PostEffect, Visibility
from folkmoot.network.posts.versions import PostVersion

# The previous release stores the decider in `moderator_id` and does not fill the other two columns.
_NAMES = (
    "id", "case_id", "decider_kind", "action", "clause", "policy", "explanation", "until", "made_at", "undone_at", "settled_at",
    "overturned_by_id", "measures", "batch_id",
)
# A post `p` that anybody but its author may see, with the words $1 as a query, the text $2 and the cover $3, without $4, between $5 and
# $6. Neither direct posts, which are not in the index, nor posts with pictures, polls or quotes: the same words mean something else there.
_ALIKE = (
    "p.search @@ $1::tsquery AND p.text = $2 AND p.cover = $3 AND p.id <> $4 AND p.id > $5 AND p.id < $6 AND p.media_count = 0"
    f" AND p.poll_id IS NULL AND p.boost_of_id IS NULL AND p.effect < {PostEffect.HIDDEN:d} AND p.visibility < {Visibility.DIRECT:d}"
    " AND NOT EXISTS (SELECT FROM quotes WHERE quotes.post_id = p.id)"
)
_VERDICT = f"{', '.join(_NAMES)}, coalesce(decider_id, moderator_id) AS decider_id"


def _verdict_from(row: Row) -> Verdict:
    values = {name: row[name] for name in (*_NAMES, "decider_id")}
    values.update(action=Action(row["action"]), measures=tuple(map(Kind, row["measures"])))
    decider = Decider(DeciderKind(values.pop("decider_kind")), values.pop("decider_id"))
    return Verdict(**values, decider=decider)


async def insert_verdict(tx: WriteTx, verdict: Verdict) -> None:
    await tx.execute(
        "INSERT INTO verdicts (id, case_id, decider_kind, decider_id, moderator_id, action, clause, policy, explanation, until,"
        " made_at, measures, batch_id)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        verdict.id, verdict.case_id, verdict.decider.kind, verdict.decider.id,
        verdict.decider.account_id, verdict.action, verdict.clause, verdict.policy,
        verdict.explanation, verdict.until, verdict.made_at, list(verdict.measures),
        verdict.batch_id,
    )


async def get_verdict(conn: ReadConn, verdict_id: int) -> Verdict:
    row = await conn.fetchrow(f"SELECT {_VERDICT} FROM verdicts WHERE id = $1", verdict_id)
    if row is None:
        raise NotFound
    return _verdict_from(row)


async def lock_verdict(tx: WriteTx, verdict_id: int) -> Verdict:
    row = await tx.fetchrow(f"SELECT {_VERDICT} FROM verdicts WHERE id = $1 FOR UPDATE", verdict_id)
    if row is None:
        raise NotFound
    return _verdict_from(row)


async def find_last_of_moderator(conn: ReadConn, moderator_id: int) -> Verdict | None:
    """The newest verdict of a moderator that was not undone and repeats none. Index: verdicts_moderator."""
    row = await conn.fetchrow(
        f"SELECT {_VERDICT} FROM verdicts WHERE moderator_id = $1 AND undone_at IS NULL AND batch_id IS NULL"
        " ORDER BY id DESC LIMIT 1", moderator_id
    )
    return _verdict_from(row) if row else None


async def list_verdicts_of_cases(conn: ReadConn, case_ids: Sequence[int]) -> dict[int, Verdict]:
    """The verdicts of cases that were not undone, by case id."""
    rows = await conn.fetch(
        f"SELECT {_VERDICT} FROM verdicts WHERE case_id = ANY ($1::bigint[]) AND undone_at IS NULL", list(case_ids)
    )
    return {row["case_id"]: _verdict_from(row) for row in rows}


async def get_first_case_id(conn: ReadConn, case_id: int) -> int:
    """The reported case from which a chain of appeal cases started."""
    return int(await conn.fetchval(
        """
        WITH RECURSIVE up AS (
            SELECT id, appealed_verdict_id FROM cases WHERE id = $1
            UNION ALL
            SELECT c.id, c.appealed_verdict_id FROM up JOIN verdicts AS v ON v.id = up.appealed_verdict_id
            JOIN cases AS c ON c.id = v.case_id
        )
        SELECT id FROM up WHERE appealed_verdict_id IS NULL
        """,
        case_id,
    ))


async def has_overturned(conn: ReadConn, verdict_id: int) -> bool:
    return bool(await conn.fetchval("SELECT EXISTS (SELECT FROM verdicts WHERE overturned_by_id = $1)", verdict_id))


async def list_verdicts_on_appeal(conn: ReadConn, verdict_id: int) -> list[Verdict]:
    """The verdicts on earlier appeals against this one."""
    rows = await conn.fetch(
        f"SELECT {_VERDICT} FROM verdicts WHERE case_id IN (SELECT id FROM cases WHERE appealed_verdict_id = $1) AND undone_at IS NULL",
        verdict_id,
    )
    return [_verdict_from(row) for row in rows]


async def update_undone(tx: WriteTx, verdict_id: int, at: datetime) -> None:
    await tx.execute("UPDATE verdicts SET undone_at = $2 WHERE id = $1", verdict_id, at)


async def update_settled(tx: WriteTx, verdict_id: int, at: datetime) -> None:
    await tx.execute("UPDATE verdicts SET settled_at = $2 WHERE id = $1", verdict_id, at)


async def update_overturned(tx: WriteTx, verdict_id: int, by_id: int | None) -> None:
    await tx.execute("UPDATE verdicts SET overturned_by_id = $2 WHERE id = $1", verdict_id, by_id)


async def list_settled_with_texts(conn: ReadConn, case: Case, moderator_id: int, limit: int = 200) -> list[tuple[Verdict, Version]]:
    """The newest settled verdicts under the rule that a case is suspected to break, each with what it was about; without those
    about the same subject, and without cases that the moderator is concerned by. Index: verdicts_clause."""
    rows = await conn.fetch(
        f"""
        SELECT {", ".join(f"v.{name}" for name in _NAMES)}, coalesce(v.decider_id, v.moderator_id) AS decider_id, e.content
        FROM verdicts AS v JOIN cases AS c ON c.id = v.case_id
        CROSS JOIN LATERAL (
            SELECT content FROM evidence WHERE evidence.case_id = c.id AND decided_at IS NOT NULL ORDER BY decided_at DESC LIMIT 1) AS e
        WHERE v.clause = $1 AND v.settled_at IS NOT NULL AND v.undone_at IS NULL AND v.overturned_by_id IS NULL
          AND (c.subject, c.subject_id) <> ($2, $3) AND NOT {concerned_sql("$4::bigint")}
        ORDER BY v.id DESC LIMIT $5
        """,
        case.clause, case.subject, case.subject_id, moderator_id, limit,
    )
    return [(_verdict_from(row), msgspec.json.decode(row["content"], type=Version)) for row in rows]


async def insert_template(tx: WriteTx, template: Template, author_id: int, at: datetime) -> None:
    await tx.execute(
        "INSERT INTO verdict_templates (id, title, text, author_id, created_at) VALUES ($1, $2, $3, $4, $5)",
        template.id, template.title, template.text, author_id, at,
    )


async def list_templates(conn: ReadConn, limit: int = 200) -> list[Template]:
    """All ready sentences, by title."""
    rows = await conn.fetch('SELECT id, title, text FROM verdict_templates ORDER BY title COLLATE "C", id LIMIT $1', limit)
    return [Template(**dict(row)) for row in rows]


async def delete_template(tx: WriteTx, template_id: int) -> bool:
    return bool(await tx.execute("DELETE FROM verdict_templates WHERE id = $1", template_id))


async def count_alike(conn: ReadConn, version: PostVersion, without: int, most: int) -> int:
    """How many other posts have exactly these words, at most `most`. Index: posts_search."""
    query = _words_query(version)
    if not query:
        return 0
    return int(await conn.fetchval(
        f"SELECT count(*) FROM (SELECT FROM posts AS p WHERE {_ALIKE} LIMIT $7) AS found", query, version.text, version.cover, without,
        0, MAX_ID, most,
    ))


async def list_alike(
    conn: ReadConn, version: PostVersion, without: int, *, above: int = 0, below: int = MAX_ID, limit: int
) -> list[tuple[int, int]]:
    """(post, author) of other posts with exactly these words, oldest first. Index: posts_search."""
    query = _words_query(version)
    rows = await conn.fetch(
        f"SELECT p.id, p.account_id FROM posts AS p WHERE {_ALIKE} ORDER BY p.id LIMIT $7", query, version.text, version.cover, without,
        above, below, limit,
    ) if query else []
    return [(row["id"], row["account_id"]) for row in rows]


def _words_query(version: PostVersion) -> str:
    """Empty for a text that cannot be compared: it has no words, or it is about a post that it quotes."""
    return "" if version.quoted else " & ".join(f"'{word}'" for word in search_words(version.text)[:10])


async def list_repeated(tx: WriteTx, verdict_id: int) -> list[Verdict]:
    """The repetitions of a verdict that were not undone, with their rows locked. Index: verdicts_batch."""
    rows = await tx.fetch(f"SELECT {_VERDICT} FROM verdicts WHERE batch_id = $1 AND undone_at IS NULL ORDER BY id FOR UPDATE", verdict_id)
    return [_verdict_from(row) for row in rows]


async def was_appealed(conn: ReadConn, verdict_id: int) -> bool:
    """Whether anybody has appealed against a verdict. Index: the unique one of appeals."""
    return bool(await conn.fetchval("SELECT EXISTS (SELECT FROM appeals WHERE verdict_id = $1)", verdict_id))


async def find_last_breach(conn: ReadConn, account_id: int) -> datetime | None:
    """When the newest decision was made that found a breach of an account and stands. Index: cases_account."""
    found: datetime | None = await conn.fetchval(
        "SELECT max(v.made_at) FROM verdicts AS v JOIN cases AS c ON c.id = v.case_id"
        f" WHERE c.account_id = $1 AND v.action <> '{Action.KEEP}' AND v.settled_at IS NOT NULL AND v.undone_at IS NULL"
        " AND v.overturned_by_id IS NULL",
        account_id,
    )
    return found
