"""Mastodon's admin API: reports. A report stands for the cases that it joined; whoever is concerned by one of them does not see it, and
nobody learns who has reported (decision 0117)."""

from collections.abc import Sequence
from typing import Annotated

from folkmoot.api import admin_entities as entities
from folkmoot.api.admin_shapes import AdminReport
from folkmoot.api.endpoints import endpoint
from folkmoot.api.parameters import Cursors, Id, UpTo200, about
from folkmoot.api.request import Request
from folkmoot.base.db import ReadConn
from folkmoot.base.errors import FieldError, Invalid, NotFound
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.moderation.members.model import Member
from folkmoot.moderation.members.queries import find_members
from folkmoot.moderation.reports.model import ReportFilter
from folkmoot.moderation.workspace.reported import (
    HandledReport,
    assign_report,
    list_reports,
    read_report,
    reopen_report,
    resolve_report,
)


class WantedReports(Cursors, frozen=True, kw_only=True):
    resolved: Annotated[bool, about("Those that were answered, instead of those that wait.")] = False
    account_id: Annotated[Id | None, about("Of whom it comes. Refused with 422: nobody learns who has reported.")] = None
    target_account_id: Annotated[Id | None, about("The reported account.")] = None
    limit: UpTo200 = 100


async def index(request: Request, params: WantedReports) -> Reply:
    """Reports that you may deal with, the newest first."""
    if params.account_id is not None:
        raise Invalid(FieldError("account_id", "inclusion", "Who has reported is not told to those who decide."))
    wanted = ReportFilter(is_resolved=params.resolved, account_id=params.target_account_id)
    async with request.database.read() as conn:
        found = await list_reports(conn, request.viewer, wanted, params.page_of(params.limit))
        members = await _members(conn, found)
    return request.listed([
        (one.report.id, entities.report(request, one, members)) for one in found if one.report.account_id in members
    ])


async def show(request: Request) -> Reply:
    """One report with its posts. Reading what not everybody may read is recorded in the journal."""
    return await _show(request)


async def assign(request: Request) -> Reply:
    """Hands the open cases of a report over to you. For a day, others do not get them from the queue."""
    return await _assign(request, to_self=True)


async def unassign(request: Request) -> Reply:
    """Gives the open cases of a report back to everybody."""
    return await _assign(request, to_self=False)


async def resolve(request: Request) -> Reply:
    """Answers a report with the finding that no rule is broken. To act, use `/api/v1/admin/accounts/:id/action`, or decide its cases."""
    async with request.database.write() as tx:
        await resolve_report(tx, request.viewer, request.id())
    return await _show(request)


async def reopen(request: Request) -> Reply:
    """Undoes your own answer within 30 seconds. 409 later: then only an appeal, or a reversal, changes it."""
    async with request.database.write() as tx:
        await reopen_report(tx, request.viewer, request.id())
    return await _show(request)


async def _assign(request: Request, *, to_self: bool) -> Reply:
    async with request.database.write() as tx:
        await assign_report(tx, request.viewer, request.id(), to_self=to_self)
    return await _show(request)


async def _show(request: Request) -> Reply:
    found = await read_report(request.database, request.viewer, request.id())
    async with request.database.read() as conn:
        members = await _members(conn, [found])
    if found.report.account_id not in members:  # deleted since
        raise NotFound
    return request.json(entities.report(request, found, members))


async def _members(conn: ReadConn, found: Sequence[HandledReport]) -> dict[int, Member]:
    """The reported accounts and the moderators, without what is private."""
    ids = {one.report.account_id for one in found}
    ids |= {id_ for one in found for case in one.cases for id_ in (case.holder_id, case.decided_by_id) if id_}
    return {id_: member.without_private() for id_, member in (await find_members(conn, sorted(ids))).items()}


_ALL = "/api/v1/admin/reports"
_ONE = f"{_ALL}/{{id}}"
_WRITE: tuple[Access, str] = (Access.MODERATOR, "admin:write:reports")
ROUTES = [
    endpoint("GET", _ALL, index, Access.MODERATOR, "admin:read:reports", params=WantedReports, answer=list[AdminReport]),
    endpoint("GET", _ONE, show, Access.MODERATOR, "admin:read:reports", answer=AdminReport),
    endpoint("POST", f"{_ONE}/assign_to_self", assign, *_WRITE, answer=AdminReport, may_conflict=True),
    endpoint("POST", f"{_ONE}/unassign", unassign, *_WRITE, answer=AdminReport, may_conflict=True),
    endpoint("POST", f"{_ONE}/resolve", resolve, *_WRITE, answer=AdminReport, may_conflict=True),
    endpoint("POST", f"{_ONE}/reopen", reopen, *_WRITE, answer=AdminReport, may_conflict=True),
]
