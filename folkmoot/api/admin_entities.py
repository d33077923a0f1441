"""Fills the wire shapes of accounts and reports for Mastodon's admin API."""

from collections.abc import Mapping

from folkmoot.api import admin_shapes as shapes
from folkmoot.api.account_entities import role_shape
from folkmoot.api.reports import rule
from folkmoot.api.request import Request
from folkmoot.api.words import moment
from folkmoot.moderation.clauses.published import clause_of
from folkmoot.moderation.members.model import Member
from folkmoot.moderation.workspace.reported import HandledReport


def account(request: Request, member: Member) -> shapes.AdminAccount:
    login, found = member.login, member.account
    ips = [shapes.AdminIp(ip=one.address, used_at=moment(one.seen_at)) for one in member.addresses]
    return shapes.AdminAccount(
        id=str(found.id), username=found.username, domain=found.domain or None, created_at=moment(found.created_at),
        email=login.email if login and member.is_private_shown else None, ip=ips[0].ip if ips else None, ips=ips,
        role=role_shape(login.role) if login else None, confirmed=bool(login.confirmed_at) if login else None,
        approved=bool(login.approved_at) if login else None, disabled=member.is_disabled if login else None,
        silenced=member.is_silenced, suspended=member.is_suspended, sensitized=False, locale=login.language if login else None,
        invite_request=member.reason or None, invited_by_account_id=str(member.invited_by_id) if member.invited_by_id else None,
        created_by_application_id=None, account=request.entities.account(found),
    )


def report(request: Request, handled: HandledReport, members: Mapping[int, Member]) -> shapes.AdminReport:
    """`members`: the reported account, and the moderators who hold or have decided it."""
    one, language = handled.report, request.context.settings.network.language
    decided = [case for case in handled.cases if case.decided_at]
    last = max(decided, key=lambda case: case.decided_at or one.created_at, default=None)
    is_over = not handled.open
    at = moment(last.decided_at) if last and last.decided_at else None
    holder = next((members.get(case.holder_id or 0) for case in handled.open if case.holder_id), None)
    decider = members.get(last.decided_by_id or 0) if last and is_over else None
    return shapes.AdminReport(
        id=str(one.id), action_taken=is_over, action_taken_at=at if is_over else None, category=one.category.value, comment=one.comment,
        forwarded=one.forwards, created_at=moment(one.created_at), updated_at=at or moment(one.created_at), account=None,
        target_account=account(request, members[one.account_id]), assigned_account=account(request, holder) if holder else None,
        action_taken_by_account=account(request, decider) if decider else None,
        statuses=[request.entities.status(view, None) for view in handled.posts],
        rules=[rule(clause_of(key), language) for key in one.clauses],
    )
