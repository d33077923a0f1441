"""All SQL of statements, and of the mails about them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from folkmoot.base.db import ReadConn, Row, WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.base.paging import Page
from folkmoot.moderation.cases.model import Subject
from folkmoot.moderation.statements.model import Source, Statement

_OWN = (
    "id, account_id, restriction_id, case_id, kind, clause, policy, quote, explanation, source, is_interim, posted_at, until,"
    " issued_at, told_at, is_after_deadline, notifier, content_types, content_language"
)
# A restriction that a verdict lifted counts as lifted once the verdict is settled: until then it can be undone.
_SELECT = f"""
    SELECT {', '.join(f's.{name}' for name in _OWN.split(', '))}, r.verdict_id, r.subject_id,
        r.subject = '{Subject.ACCOUNT}' AS is_of_account, r.cleared_at,
        CASE WHEN r.lifted_by_verdict_id IS NULL OR lifter.settled_at IS NOT NULL THEN r.lifted_at END AS lifted_at,
        r.subject = 'post' AND r.cleared_at IS NULL AND NOT EXISTS (SELECT FROM posts WHERE posts.id = r.subject_id) AS is_deleted
    FROM statements AS s JOIN restrictions AS r ON r.id = s.restriction_id
    LEFT JOIN verdicts AS lifter ON lifter.id = r.lifted_by_verdict_id
"""


def _statement_from(row: Row) -> Statement:
    return Statement(**{**dict(row), "source": Source(row["source"]), "content_types": tuple(row["content_types"])})


async def insert_statement(tx: WriteTx, statement: Statement) -> None:
    await insert_statements(tx, [statement])


async def insert_statements(tx: WriteTx, statements: Sequence[Statement]) -> None:
    await tx.executemany(
        f"INSERT INTO statements ({_OWN}) VALUES ({', '.join(f'${number}' for number in range(1, 20))})",
        [
            (one.id, one.account_id, one.restriction_id, one.case_id, one.kind, one.clause, one.policy, one.quote, one.explanation,
             one.source, one.is_interim, one.posted_at, one.until, one.issued_at, one.told_at, one.is_after_deadline,
             one.notifier, list(one.content_types), one.content_language)
            for one in statements
        ],
    )


async def get_own_statement(conn: ReadConn, account_id: int, statement_id: int) -> Statement:
    """A statement that its author was notified of; none while its verdict can still be undone."""
    row = await conn.fetchrow(f"{_SELECT} WHERE s.id = $1 AND s.account_id = $2 AND s.told_at IS NOT NULL", statement_id, account_id)
    if row is None:
        raise NotFound
    return _statement_from(row)


async def list_own_statements(conn: ReadConn, account_id: int, page: Page) -> list[Statement]:
    """Statements that their author was notified of, newest first. Index: statements_account."""
    rows = await conn.fetch(
        f"{_SELECT} WHERE s.account_id = $1 AND s.id < $2 AND s.id > $3 AND s.told_at IS NOT NULL ORDER BY s.id {page.order} LIMIT $4",
        account_id, page.below, page.above, page.limit,
    )
    return [_statement_from(row) for row in page.newest_first(rows)]


async def list_told_statements(conn: ReadConn, after: int, before: int, limit: int) -> list[Statement]:
    """Statements of which their authors were notified, oldest first, between two ids. Index: the primary key."""
    rows = await conn.fetch(
        f"{_SELECT} WHERE s.id > $1 AND s.id < $2 AND s.told_at IS NOT NULL ORDER BY s.id LIMIT $3", after, before, limit
    )
    return [_statement_from(row) for row in rows]


async def find_own_statement(conn: ReadConn, account_id: int, subject: Subject, subject_id: int) -> Statement | None:
    """The newest statement about a restriction in force, if its author was notified. Index: restrictions_standing."""
    row = await conn.fetchrow(
        f"{_SELECT} WHERE r.subject = $2 AND r.subject_id = $3 AND r.lifted_at IS NULL AND s.account_id = $1 AND s.told_at IS NOT NULL"
        " ORDER BY s.id DESC LIMIT 1",
        account_id, subject, subject_id,
    )
    return _statement_from(row) if row else None


async def find_successor(conn: ReadConn, statement: Statement) -> Statement | None:
    """The statement about the restriction that replaced a lifted one."""
    row = await conn.fetchrow(
        f"{_SELECT} JOIN restrictions AS before ON before.id = $1 AND before.subject = r.subject AND before.subject_id = r.subject_id"
        " WHERE r.lifted_at IS NULL AND s.id > $2 AND s.told_at IS NOT NULL ORDER BY s.id DESC LIMIT 1",
        statement.restriction_id, statement.id,
    )
    return _statement_from(row) if row else None


async def was_hidden_by_program(conn: ReadConn, statement: Statement) -> bool:
    """Whether a detector or a rule had hidden the post before people decided. Index: statements_case."""
    return bool(await conn.fetchval(
        "SELECT EXISTS (SELECT FROM statements WHERE case_id = $1 AND id < $2 AND is_interim AND kind = 'hide'"
        f" AND source = '{Source.DETECTOR}')",
        statement.case_id, statement.id,
    ))


async def list_statements_of_verdict(conn: ReadConn, verdict_id: int) -> list[Statement]:
    rows = await conn.fetch(f"{_SELECT} WHERE r.verdict_id = $1 ORDER BY s.id", verdict_id)
    return [_statement_from(row) for row in rows]


async def list_told_and_lifted_by(conn: ReadConn, verdict_id: int) -> list[Statement]:
    """Statements whose restriction this verdict lifted, and whose author was notified of them."""
    rows = await conn.fetch(f"{_SELECT} WHERE r.lifted_by_verdict_id = $1 AND s.told_at IS NOT NULL ORDER BY s.id", verdict_id)
    return [_statement_from(row) for row in rows]


async def list_statements(conn: ReadConn, ids: Sequence[int]) -> dict[int, Statement]:
    rows = await conn.fetch(f"{_SELECT} WHERE s.id = ANY ($1::bigint[])", list(ids))
    return {row["id"]: _statement_from(row) for row in rows}


async def update_told(tx: WriteTx, statement_id: int) -> bool:
    """False if its author was notified already."""
    return bool(await tx.execute("UPDATE statements SET told_at = now() WHERE id = $1 AND told_at IS NULL", statement_id))


async def blank_quotes_of_cases(tx: WriteTx, case_ids: Sequence[int]) -> None:
    """Deletes the quoted words of a post that was cleared for good. Index: statements_case."""
    await tx.execute("UPDATE statements SET quote = '' WHERE case_id = ANY ($1::bigint[]) AND quote <> ''", list(case_ids))


async def blank_quotes(tx: WriteTx, account_id: int) -> None:
    await tx.execute("UPDATE statements SET quote = '' WHERE account_id = $1 AND quote <> ''", account_id)


async def upsert_mails(tx: WriteTx, counts: Mapping[int, int], now: datetime, apart: timedelta) -> list[int]:
    """Notes that so many decisions were made about these accounts, in the order of the accounts; returns those that are mailed now.
    The others were mailed less than `apart` ago: their next mail is due then. Accounts without a login get none."""
    rows = await tx.fetch(
        """
        INSERT INTO statement_mails AS m (account_id, mailed_at)
        SELECT l.account_id, $3 FROM logins AS l WHERE l.account_id = ANY ($1::bigint[]) ORDER BY l.account_id
        ON CONFLICT (account_id) DO UPDATE SET (decisions, due_at, mailed_at) = (
            SELECT CASE WHEN waits THEN m.decisions + one.count ELSE 0 END,
                CASE WHEN waits THEN coalesce(m.due_at, least(m.mailed_at, $3) + $4::interval) END,
                CASE WHEN waits THEN m.mailed_at ELSE $3 END
            FROM unnest($1::bigint[], $2::integer[]) AS one (account_id, count),
                (SELECT m.due_at IS NOT NULL OR m.mailed_at > $3::timestamptz - $4::interval AS waits) AS known
            WHERE one.account_id = m.account_id)
        RETURNING account_id, due_at IS NULL AS is_now
        """,
        list(counts), list(counts.values()), now, apart,
    )
    return [row["account_id"] for row in rows if row["is_now"]]


async def take_due_mails(tx: WriteTx, now: datetime, limit: int) -> dict[int, int]:
    """Marks mails that are due as sent; returns the number of decisions for each account. Index: statement_mails_due."""
    rows = await tx.fetch(
        """
        WITH due AS (
            SELECT account_id, decisions FROM statement_mails WHERE due_at <= $1 ORDER BY due_at, account_id LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        UPDATE statement_mails AS m SET decisions = 0, due_at = NULL, mailed_at = $1 FROM due WHERE m.account_id = due.account_id
        RETURNING due.account_id, due.decisions
        """,
        now, limit,
    )
    return {row["account_id"]: row["decisions"] for row in rows}
