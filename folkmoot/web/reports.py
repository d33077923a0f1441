"""Pages of reports: reporting a post or an account, the outcome, and the appeal of the reporter."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from folkmoot.base import clock
from folkmoot.base.db import ReadConn
from folkmoot.base.errors import Conflict, FieldError, Forbidden, Invalid, NotFound
from folkmoot.http.params import Params
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.moderation.appeals.actions import lodge_appeal
from folkmoot.moderation.appeals.model import Side
from folkmoot.moderation.appeals.policy import can_appeal
from folkmoot.moderation.appeals.queries import list_own_appeals
from folkmoot.moderation.clauses.model import Clause, Family
from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.reports.actions import file_report, get_reportable_account
from folkmoot.moderation.reports.model import Category, ReportDraft
from folkmoot.moderation.reports.queries import get_own_report, list_outcomes, list_own_reports
from folkmoot.moderation.verdicts.queries import list_verdicts_of_cases
from folkmoot.network.accounts.model import Account
from folkmoot.network.accounts.queries import list_accounts
from folkmoot.network.posts.model import PostView
from folkmoot.network.posts.queries import list_post_views, list_reportable, list_unseen_mentions
from folkmoot.network.posts.versions import Reportable
from folkmoot.web.request import KEEPING_FORM, Request
from folkmoot.web.timelines import page_links

_OTHER = "other"  # the last choice of the form; the others are families


class _Target(NamedTuple):
    """What is reported. `post` without `view`: a post that the viewer was shown and cannot see any longer. Without a post it is
    the account; `unseen` are then such posts of that account that named the viewer, which no other page leads to."""

    account: Account
    post: Reportable | None
    view: PostView | None
    unseen: list[Reportable]


async def new(request: Request) -> Reply:
    """The form, with what is reported above it: `?post=ID`, or `?account=ID`."""
    async with request.database.read() as conn:
        target = await _read_target(conn, request, request.query)
    return await _form(request, target)


async def create(request: Request) -> Reply:
    """Files the report. With errors the form comes back as it was sent."""
    form = request.form
    chosen = form.text("rule")
    async with request.database.read() as conn:
        target = await _read_target(conn, request, form)
    unseen = [post.post_id for post in target.unseen if str(post.post_id) in form.texts("unseen")]
    family, clause = _chosen(form)
    draft = ReportDraft(
        account_id=target.account.id, post_ids=(target.post.post_id,) if target.post else tuple(unseen),
        category=Category.VIOLATION if clause else Category.OTHER, clauses=(clause.key,) if clause else (), family=family,
        comment=form.text("comment"),
    )
    try:
        request.require_allowance("comment")
        if clause is None and chosen != _OTHER:
            raise Invalid(FieldError("rule", "inclusion", "Please choose what comes closest."))
        async with request.database.write() as tx:
            report = await file_report(tx, request.account, draft)
    except KEEPING_FORM as problem:
        return await _form(
            request, target, 422, chosen=chosen, clause=clause, unseen=unseen, comment=draft.comment,
            errors=request.problems(problem, "comment"),
        )
    return request.redirect(f"/reports/{report.id}")


def _chosen(form: Params) -> tuple[Family | None, Clause | None]:
    """The chosen family, and the rule that was chosen below it or stands for it; or a rule alone, by its number."""
    policy, chosen = current(), form.text("rule")
    family = Family(chosen) if chosen in list(Family) else None
    number = form.text(f"clause-{family}") if family else chosen
    clause = policy.numbered(int(number)) if number.isdecimal() and len(number) < 3 else None
    if family and (clause is None or family not in clause.families):
        clause = policy.of_family(family)
    return family, clause


async def index(request: Request) -> Reply:
    page = request.page()
    async with request.database.read() as conn:
        reports = await list_own_reports(conn, request.viewer.id, page)
        outcomes = await list_outcomes(conn, [report.id for report in reports])
    return await request.show(
        "reports/index.html", reports=reports, outcomes=outcomes, **page_links(page, [report.id for report in reports])
    )


async def show(request: Request) -> Reply:
    return await _page(request)


async def appeal(request: Request) -> Reply:
    """Objects to a verdict that left standing what one has reported. `verdict` says which, of several."""
    form = request.form
    verdict_id = form.id("verdict")
    async with request.database.read() as conn:
        report = await get_own_report(conn, request.viewer.id, request.id())
        cases = (await list_outcomes(conn, [report.id]))[report.id]
    if verdict_id is None or verdict_id not in [case.verdict_id for case in cases]:
        raise NotFound
    try:
        request.require_allowance("reason")
        async with request.database.write() as tx:
            lodged = await lodge_appeal(tx, request.account, verdict_id, form.text("reason"))
    except Conflict:  # sent twice
        return request.redirect(f"/reports/{report.id}")
    except KEEPING_FORM as problem:
        return await _page(request, 422, reason=form.text("reason"), errors=request.problems(problem, "reason"))
    return request.redirect(f"/appeals/{lodged.id}")


async def _page(request: Request, status: int = 200, *, reason: str = "", errors: Mapping[str, str] | None = None) -> Reply:
    """A report with its outcome; until then with thanks and a deadline."""
    now = clock.now()
    async with request.database.read() as conn:
        report = await get_own_report(conn, request.viewer.id, request.id())
        cases = (await list_outcomes(conn, [report.id]))[report.id]
        verdicts = await list_verdicts_of_cases(conn, [case.case_id for case in cases])
        appeals = await list_own_appeals(conn, request.viewer.id, [case.verdict_id for case in cases if case.verdict_id])
        views = await list_post_views(conn, report.post_ids, request.viewer.id)
        found = (await list_accounts(conn, [report.account_id])).get(report.account_id)
        account = found.shown_to_others() if found else None  # deleted
    appealable = [
        case.verdict_id for case in cases
        if case.verdict_id and case.verdict_id not in appeals and can_appeal(Side.REPORTER, verdicts[case.case_id], now)
    ]
    return await request.show(
        "reports/show.html", status, report=report, cases=cases, appeals=appeals, appealable=appealable, views=views, account=account,
        reason=reason, errors=errors or {},
    )


async def _form(
    request: Request, target: _Target, status: int = 200, *, chosen: str = "", clause: Clause | None = None,
    unseen: Sequence[int] = (), comment: str = "", errors: Mapping[str, str] | None = None,
) -> Reply:
    return await request.show(
        "reports/new.html", status, target=target, account=target.account, view=target.view, chosen=chosen, chosen_clause=clause,
        families=[(family, [one for one in current().clauses if family in one.families]) for family in Family], chosen_unseen=unseen,
        comment=comment, errors=errors or {},
    )


async def _read_target(conn: ReadConn, request: Request, params: Params) -> _Target:
    """Raises NotFound for what was never shown to the viewer, Forbidden for what is their own."""
    post_id, account_id = params.id("post"), params.id("account")
    post = next(iter(await list_reportable(conn, [post_id], request.viewer.id)), None) if post_id else None
    if post_id and post is None:
        raise NotFound
    account = await get_reportable_account(conn, post.account_id if post else account_id or 0)
    if account.id == request.viewer.id:
        raise Forbidden("This is you.")
    views = await list_post_views(conn, [post.post_id], request.viewer.id) if post else []
    unseen = [] if post else await list_unseen_mentions(conn, account.id, request.viewer.id)
    return _Target(account, post, views[0] if views else None, unseen)


ROUTES = [
    Route("GET", "/reports", index, Access.MEMBER),
    Route("GET", "/reports/new", new, Access.MEMBER),
    Route("POST", "/reports", create, Access.MEMBER, limit="report", keeps_form=True),
    Route("GET", "/reports/{id}", show, Access.MEMBER),
    Route("POST", "/reports/{id}/appeal", appeal, Access.MEMBER, limit="report", keeps_form=True),
]
