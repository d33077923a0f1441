"""Finds out whether a post was removed before a notice about it came in."""

from folkmoot.base.db import ReadConn, WriteTx

IS_REMOVAL = "subject = 'post' AND kind = 'remove' AND lifted_at IS NULL"  # a restriction; index: restrictions_standing


async def find_removal_case(conn: ReadConn, post_id: int) -> int | None:
    """The case whose settled verdict has removed a post, if that is in force; for a verdict on appeal the case of the first one. Also of
    a post that was cleared for good since."""
    value = await conn.fetchval(
        """
        SELECT coalesce(first.case_id, c.id) FROM restrictions AS r
        JOIN verdicts AS v ON v.id = r.verdict_id AND v.settled_at IS NOT NULL AND v.undone_at IS NULL AND v.overturned_by_id IS NULL
        JOIN cases AS c ON c.id = v.case_id LEFT JOIN verdicts AS first ON first.id = c.appealed_verdict_id
        WHERE r.subject = 'post' AND r.kind = 'remove' AND r.lifted_at IS NULL AND r.subject_id = $1 ORDER BY r.id DESC LIMIT 1
        """,
        post_id,
    )
    return int(value) if value else None


async def lock_removal(tx: WriteTx, post_id: int) -> bool:
    """Locks the restriction of a removed post, so that it is neither cleared nor lifted meanwhile; False if it is not in force any
    more."""
    return bool(await tx.fetch(f"SELECT FROM restrictions WHERE {IS_REMOVAL} AND subject_id = $1 ORDER BY id FOR UPDATE", post_id))


async def is_pointed_out(conn: ReadConn, case_id: int) -> bool:
    """Whether a report, a notice or a signal has joined a case."""
    return bool(await conn.fetchval(
        "SELECT EXISTS (SELECT FROM report_cases WHERE case_id = $1) OR EXISTS (SELECT FROM notice_cases WHERE case_id = $1)"
        " OR EXISTS (SELECT FROM signals WHERE case_id = $1)",
        case_id,
    ))


async def update_notice_case(tx: WriteTx, notice_id: int, from_case_id: int, to_case_id: int) -> None:
    """Moves a notice from one case to another about the same subject."""
    await tx.execute("UPDATE notice_cases SET case_id = $3 WHERE notice_id = $1 AND case_id = $2", notice_id, from_case_id, to_case_id)
