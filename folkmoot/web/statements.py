"""Pages of statements of reasons, and of appeals against decisions.

A suspended member can open these, and few other pages.
"""

from collections.abc import Mapping
from contextlib import suppress

import msgspec

from folkmoot.base import clock, ids
from folkmoot.base.errors import Conflict, Forbidden, NotFound
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.moderation.appeals.actions import lodge_appeal
from folkmoot.moderation.appeals.model import OPEN_FOR, Side
from folkmoot.moderation.appeals.policy import can_appeal
from folkmoot.moderation.appeals.queries import find_own_appeal, get_own_appeal
from folkmoot.moderation.cases.model import Subject
from folkmoot.moderation.cases.queries import get_case
from folkmoot.moderation.clauses.published import find_clause
from folkmoot.moderation.evidence.queries import list_evidence
from folkmoot.moderation.restrictions.model import Kind
from folkmoot.moderation.statements.queries import (
    find_own_statement,
    find_successor,
    get_own_statement,
    list_own_statements,
    list_statements_of_verdict,
    was_hidden_by_program,
)
from folkmoot.moderation.statements.transparency_record import record_of
from folkmoot.moderation.verdicts.model import STRIKE_LASTS, DeciderKind
from folkmoot.moderation.verdicts.queries import get_verdict
from folkmoot.network.posts.versions import PostVersion
from folkmoot.web.request import KEEPING_FORM, Request
from folkmoot.web.timelines import page_links


async def index(request: Request) -> Reply:
    page = request.page()
    async with request.database.read() as conn:
        statements = await list_own_statements(conn, request.viewer.id, page)
    return await request.show(
        "statements/index.html", statements=statements, **page_links(page, [statement.id for statement in statements])
    )


async def show(request: Request) -> Reply:
    return await _page(request)


async def record(request: Request) -> Reply:
    """The statement as JSON, in the form of the European transparency database."""
    async with request.database.read() as conn:
        statement = await get_own_statement(conn, request.viewer.id, request.id())
        evidence = [one.version for one in await list_evidence(conn, statement.case_id)]
    has_pictures = any(isinstance(version, PostVersion) and version.pictures for version in evidence)
    kinds = (("text", statement.quote or not has_pictures), ("image", has_pictures))
    content = record_of(
        statement, find_clause(statement.clause, statement.policy), base_url=request.context.settings.base_url,
        written_at=ids.time_of(statement.subject_id or statement.account_id),
        content_types=tuple(kind for kind, is_there in kinds if is_there),
    )
    name = f'attachment; filename="statement-{statement.id}.json"'
    return Reply(msgspec.json.format(msgspec.json.encode(content)), headers=[(b"content-disposition", name.encode())])


async def find(request: Request) -> Reply:
    """Redirects from a restricted post to the statement about it."""
    async with request.database.read() as conn:
        statement = await find_own_statement(conn, request.viewer.id, Subject.POST, request.id())
    if statement is None:
        raise NotFound
    return request.redirect(f"/statements/{statement.id}")


async def find_from_app(request: Request) -> Reply:
    """Redirects from the address that apps open for a moderation warning to its statement, or to the notices."""
    with suppress(NotFound):
        async with request.database.read() as conn:
            await get_own_statement(conn, request.viewer.id, request.id())
        return request.redirect(f"/statements/{request.id()}")
    return request.redirect("/notifications")


async def appeal(request: Request) -> Reply:
    """Lodges an appeal. A text that is too long comes back with an error."""
    reason = request.form.text("reason")
    async with request.database.read() as conn:
        statement = await get_own_statement(conn, request.viewer.id, request.id())
    if statement.verdict_id is None:
        raise Forbidden("People have not decided yet. They will, and you will be told.")
    try:
        request.require_allowance("reason")
        async with request.database.write() as tx:
            lodged = await lodge_appeal(tx, request.account, statement.verdict_id, reason)
    except Conflict:
        return request.redirect(f"/statements/{statement.id}")
    except KEEPING_FORM as problem:
        return await _page(request, 422, reason=reason, errors=request.problems(problem, "reason"))
    return request.redirect(f"/appeals/{lodged.id}")


async def show_appeal(request: Request) -> Reply:
    """An appeal of the viewer, and its progress."""
    async with request.database.read() as conn:
        found = await get_own_appeal(conn, request.viewer.id, request.id())
        case = await get_case(conn, found.case_id)
        statements = [one for one in await list_statements_of_verdict(conn, found.verdict_id) if one.account_id == request.viewer.id]
    return await request.show("appeals/show.html", appeal=found, case=case, statement=statements[0] if statements else None)


async def _page(request: Request, status: int = 200, *, reason: str = "", errors: Mapping[str, str] | None = None) -> Reply:
    """A statement, with the form for an appeal."""
    async with request.database.read() as conn:
        statement = await get_own_statement(conn, request.viewer.id, request.id())
        case = await get_case(conn, statement.case_id)
        verdict = await get_verdict(conn, statement.verdict_id) if statement.verdict_id else None
        lodged = await find_own_appeal(conn, request.viewer.id, verdict.id) if verdict else None
        was_hidden = not statement.is_interim and await was_hidden_by_program(conn, statement)
        successor = None if statement.is_in_force else await find_successor(conn, statement)
    open_until = verdict.settled_at + OPEN_FOR if verdict and verdict.settled_at else None
    return await request.show(
        "statements/show.html", status, statement=statement, case=case, appeal=lodged, successor=successor, was_hidden=was_hidden,
        open_until=open_until,
        clause=find_clause(statement.clause, statement.policy),
        is_by_jury=bool(verdict and verdict.decider.kind is DeciderKind.JURY),
        is_wrong=bool(verdict and verdict.overturned_by_id and not statement.is_in_force),
        counts_until=verdict.made_at + STRIKE_LASTS if verdict and verdict.is_strike(clock.now()) else None,
        can_appeal=bool(verdict and not lodged and can_appeal(Side.AUTHOR, verdict, clock.now())),
        is_about_post=Kind(statement.kind).subject is Subject.POST, reason=reason, errors=errors or {},
    )


ROUTES = [
    Route("GET", "/statements", index, Access.MEMBER, for_suspended=True),
    Route("GET", "/statements/{id}", show, Access.MEMBER, for_suspended=True),
    Route("GET", "/statements/{id}/record", record, Access.MEMBER, for_suspended=True),
    Route("POST", "/statements/{id}/appeal", appeal, Access.MEMBER, limit="report", for_suspended=True, keeps_form=True),
    Route("GET", "/posts/{id}/statement", find, Access.MEMBER),
    Route("GET", "/disputes/strikes/{id}", find_from_app, Access.MEMBER, for_suspended=True),
    Route("GET", "/appeals/{id}", show_appeal, Access.MEMBER, for_suspended=True),
]
