"""Mails about outcomes: one for each member and day at most."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from folkmoot.base.db import WriteTx
from folkmoot.moderation.reports.model import OutcomeMail


async def upsert_outcome_mails(tx: WriteTx, told: Sequence[tuple[int, int]], now: datetime, apart: timedelta) -> None:
    """Counts one more outcome for each of (report, reporter), in the order of the reporters; their next mail is due now, or when the
    last one is `apart` ago. Accounts without a login get none."""
    await tx.execute(
        """
        INSERT INTO outcome_mails AS m (account_id, reports, report_id, due_at)
        SELECT l.account_id, 1, one.report_id, $3
        FROM unnest($1::bigint[], $2::bigint[]) AS one (report_id, reporter_id) JOIN logins AS l ON l.account_id = one.reporter_id
        ORDER BY l.account_id
        ON CONFLICT (account_id) DO UPDATE SET reports = m.reports + 1, report_id = excluded.report_id,
            due_at = coalesce(m.due_at, greatest(excluded.due_at, m.mailed_at + $4::interval))
        """,
        [report_id for report_id, _ in told], [reporter_id for _, reporter_id in told], now, apart,
    )


async def take_due_mails(tx: WriteTx, now: datetime, limit: int) -> list[OutcomeMail]:
    """Marks mails that are due as sent, and returns them. Index: outcome_mails_due."""
    rows = await tx.fetch(
        """
        WITH due AS (
            SELECT account_id, reports, report_id FROM outcome_mails WHERE due_at <= $1 ORDER BY due_at, account_id LIMIT $2
            FOR UPDATE SKIP LOCKED
        )
        UPDATE outcome_mails AS m SET reports = 0, due_at = NULL, mailed_at = $1 FROM due WHERE m.account_id = due.account_id
        RETURNING due.account_id, due.reports, due.report_id
        """,
        now, limit,
    )
    return [OutcomeMail(**dict(row)) for row in rows]
