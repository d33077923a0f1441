"""All SQL of learning."""

import msgspec

from folkmoot.base.db import ReadConn
from folkmoot.moderation.cases.model import Subject
from folkmoot.moderation.evidence.model import Version
from folkmoot.moderation.learning.model import DecidedText
from folkmoot.moderation.verdicts.model import Action
from folkmoot.network.posts.model import Visibility


async def list_decided_texts(conn: ReadConn, after_case_id: int, limit: int) -> list[DecidedText]:
    """What settled verdicts in force were about, by case id, as long as their evidence is kept; without private messages.

    Of a chain of appeals only the last verdict is in force.
    """
    rows = await conn.fetch(
        f"""
        SELECT c.id AS case_id, v.action = '{Action.KEEP}' AS is_kept, v.clause, v.settled_at, e.content
        FROM cases AS c JOIN verdicts AS v ON v.case_id = c.id
        CROSS JOIN LATERAL (
            SELECT content FROM evidence WHERE evidence.case_id = c.id AND decided_at IS NOT NULL ORDER BY decided_at DESC LIMIT 1) AS e
        WHERE c.id > $1 AND v.settled_at IS NOT NULL AND v.undone_at IS NULL AND v.overturned_by_id IS NULL
          AND (c.subject = '{Subject.ACCOUNT}'
            OR EXISTS (SELECT FROM posts AS p WHERE p.id = c.subject_id AND p.visibility < {Visibility.DIRECT:d})
            OR EXISTS (SELECT FROM deleted_posts AS d WHERE d.post_id = c.subject_id AND d.visibility < {Visibility.DIRECT:d}))
        ORDER BY c.id LIMIT $2
        """,
        after_case_id, limit,
    )
    return [
        DecidedText(
            case_id=row["case_id"], is_kept=row["is_kept"], clause=row["clause"], settled_at=row["settled_at"],
            version=msgspec.json.decode(row["content"], type=Version),
        )
        for row in rows
    ]
