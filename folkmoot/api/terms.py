"""The terms of service for apps, which are the published rules, and the privacy policy."""

from datetime import date
from html import escape

from folkmoot.api import network_shapes as shapes
from folkmoot.api.endpoints import endpoint
from folkmoot.api.request import Request
from folkmoot.api.words import moment
from folkmoot.base import clock
from folkmoot.base.errors import NotFound
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.moderation.clauses.model import PublishedPolicy
from folkmoot.moderation.clauses.published import in_force, versions
from folkmoot.network.privacy.actions import shown_privacy_policy
from folkmoot.network.privacy.model import html_of


async def current(request: Request) -> Reply:
    """The rules in force, as terms of service."""
    return request.json(_shape(request, in_force()))


async def dated(request: Request) -> Reply:
    """The version that came into force on a day (`2026-11-29`), also an earlier or coming one."""
    try:
        day = date.fromisoformat(request.value("date"))
    except ValueError:
        raise NotFound from None
    found = [one for one in versions() if one.policy.date == day]
    if not found:
        raise NotFound
    return request.json(_shape(request, found[-1]))


async def privacy(request: Request) -> Reply:
    """The privacy policy in the language of the network: the operator's own, otherwise what the program does."""
    translator = request.entities.translator(request.context.settings.network.language)
    async with request.database.read() as conn:
        sections, since, _ = await shown_privacy_policy(conn, translator)
    return request.json(shapes.PrivacyPolicy(updated_at=moment(since), content=html_of(sections)))


def _shape(request: Request, shown: PublishedPolicy) -> shapes.TermsOfService:
    """In the language of the network."""
    language = request.context.settings.network.language
    later = [one for one in versions() if one.in_force_at > shown.in_force_at]
    clauses = [
        f"<h2>{clause.number}. {escape(clause.title[language])}</h2><p>{escape(clause.text[language])}</p>"
        for clause in shown.policy.clauses
    ]
    return shapes.TermsOfService(
        effective_date=shown.policy.date.isoformat(), effective=shown.in_force_at <= clock.now(), content="".join(clauses),
        succeeded_by=later[0].policy.date.isoformat() if later else None,
    )


_PATH = "/api/v1/instance/terms_of_service"
ROUTES = [
    endpoint("GET", _PATH, current, Access.PUBLIC, answer=shapes.TermsOfService),
    endpoint("GET", "/api/v1/instance/privacy_policy", privacy, Access.PUBLIC, answer=shapes.PrivacyPolicy),
    endpoint("GET", f"{_PATH}/{{date}}", dated, Access.PUBLIC, answer=shapes.TermsOfService),
]
