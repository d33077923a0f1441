"""What a juror reads of their own seats: how many wait, and what became of the cases."""

from datetime import datetime

import msgspec

from folkmoot.base.db import ReadConn
from folkmoot.base.paging import Page
from folkmoot.moderation.cases.model import State as CaseState
from folkmoot.moderation.cases.queries.outcome import SETTLED_VERDICTS
from folkmoot.moderation.juries.model import Outcome, SeatState, Severity, State
from folkmoot.moderation.juries.queries.stored import IS_OUTSTANDING
from folkmoot.moderation.jury.model import Answer
from folkmoot.moderation.verdicts.model import Action


class OwnSeat(msgspec.Struct, frozen=True, kw_only=True):
    """A seat as the juror's own archive has it, without what it was about: that belongs to its author. `rule`: key of the broken one."""

    id: int
    state: SeatState
    drawn_at: datetime
    answered_at: datetime | None
    answer: str | None
    rule: str
    severity: Severity | None
    sureness: int | None


async def list_own_seats(conn: ReadConn, account_id: int, page: Page) -> list[OwnSeat]:
    """A chapter of the archive: the seats of a juror that ended, those in the daily sample among them. Not what they still can answer:
    an open item that is missing here would be a gold question. Indexes: jury_seats_account, sample_seats_account."""
    columns = "account_id, id, state, drawn_at, answered_at, answer, clause AS rule, severity, sureness"
    rows = await conn.fetch(
        "SELECT id, state, drawn_at, answered_at, answer, rule, severity, sureness"
        f" FROM (SELECT {columns} FROM jury_seats UNION ALL SELECT {columns} FROM sample_seats) AS s"
        f" WHERE account_id = $1 AND NOT state {IS_OUTSTANDING} AND id < $2 AND id > $3 ORDER BY id {page.order} LIMIT $4",
        account_id, page.below, page.above, page.limit,
    )
    return [
        OwnSeat(**{
            **dict(row), "state": SeatState(row["state"]), "severity": Severity(row["severity"]) if row["severity"] else None,
            "answer": None if row["answer"] is None else Answer(row["answer"]).name.lower(),
        })
        for row in page.newest_first(rows)
    ]


async def count_waiting(conn: ReadConn, account_id: int, now: datetime) -> int:
    """The cases that a juror has or is offered. Index: jury_seats_outstanding."""
    return int(await conn.fetchval(
        "SELECT count(*) FROM jury_seats AS s JOIN juries AS j USING (case_id) JOIN cases AS c ON c.id = s.case_id"
        f" WHERE s.account_id = $1 AND s.state {IS_OUTSTANDING} AND s.until > $2 AND j.state = '{State.SITTING}'"
        f" AND c.state = '{CaseState.OPEN}'",
        account_id, now,
    ))


async def list_outcomes(conn: ReadConn, account_id: int, limit: int = 50) -> list[Outcome]:
    """The settled cases that a juror has answered, the newest answer first, with the decision that holds after all appeals. Index:
    jury_seats_account."""
    rows = await conn.fetch(
        f"""
        SELECT s.id AS item_id, s.case_id, s.answer, s.clause, s.severity, s.answered_at, coalesce(later.action, v.action) AS action,
            coalesce(later.clause, v.clause) AS found, coalesce(later.settled_at, v.settled_at) AS settled_at
        FROM jury_seats AS s JOIN cases AS c ON c.id = s.case_id {SETTLED_VERDICTS}
        WHERE s.account_id = $1 AND s.state = '{SeatState.ANSWERED}' AND v.id IS NOT NULL
        ORDER BY s.answered_at DESC, s.id LIMIT $2
        """,
        account_id, limit,
    )
    return [
        Outcome(**{
            **dict(row), "answer": Answer(row["answer"]), "severity": Severity(row["severity"]) if row["severity"] else None,
            "found": "" if row["action"] == Action.KEEP else row["found"],
        })
        for row in rows
    ]
