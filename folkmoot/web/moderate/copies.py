"""The operators' page of copies: how old they are, whether they were rehearsed, and what a restored network still fetches."""

from datetime import datetime, timedelta

from folkmoot.base import clock
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.portability.offsite.chain import read_state
from folkmoot.portability.offsite.coming import read_coming
from folkmoot.portability.offsite.target import without_password
from folkmoot.portability.queries import find_repository, last_runs
from folkmoot.portability.runs import BACKUP, BACKUP_IS_OLD, DRILL, DRILL_IS_OLD
from folkmoot.web.request import Request

_FAR_BEHIND = 120  # seconds; the promise is one minute


async def show(request: Request) -> Reply:
    settings = request.context.settings
    async with request.database.read() as conn:
        runs, last_used = await last_runs(conn), await find_repository(conn)
    state, coming = read_state(settings.data), read_coming(settings.data)
    behind = state.behind if state and settings.offsite.is_continuous else None
    return await request.show(
        "moderate/copies.html", place=without_password(settings.offsite.repository or last_used), coming=coming,
        has_continuous=bool(state and settings.offsite.is_continuous), copied_at=_ago(behind),
        is_nightly=settings.offsite.nightly, is_late=behind is None or behind > _FAR_BEHIND, said=state.said if state else "",
        rows=[
            (kind, _ago(runs[kind].good_age), runs[kind].failed, (runs[kind].good_age or 0) > old)
            for kind, old in ((BACKUP, BACKUP_IS_OLD), (DRILL, DRILL_IS_OLD))
        ],
    )


def _ago(seconds: float | None) -> datetime | None:
    return None if seconds is None else clock.now() - timedelta(seconds=seconds)


ROUTES = [Route("GET", "/moderate/copies", show, Access.OPERATOR)]
