"""The record of a juror as the member's own archive has it: nobody else ever gets it."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from folkmoot.base.db import ReadConn
from folkmoot.base.paging import Page
from folkmoot.moderation.jurors.model import Asked, Choices, State
from folkmoot.moderation.jurors.queries import find_juror, list_answers


class OwnRecord(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    state: State
    since: datetime
    choices: Choices
    applications: int
    passed_at: datetime | None
    reason: str  # of an exclusion
    answers: list[Asked]  # in the training; attempt 0: to gold questions among cases


async def list_own_record(conn: ReadConn, account_id: int, page: Page) -> Sequence[OwnRecord]:
    """A chapter of the archive: one record, or none."""
    juror = await find_juror(conn, account_id)
    if juror is None or page.max_id is not None:
        return []
    return [OwnRecord(
        id=account_id, state=juror.state, since=juror.changed_at, choices=juror.choices, applications=juror.applications,
        passed_at=juror.passed_at, reason=juror.reason, answers=await list_answers(conn, account_id),
    )]
