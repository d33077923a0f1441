"""All routes of the client API in one table, and the OpenAPI document that describes them."""

from typing import Any

from folkmoot.api import (
    accounts,
    admin_accounts,
    admin_barriers,
    admin_figures,
    admin_publishers,
    admin_reports,
    admin_trends,
    announcements,
    apps,
    automatic_rules,
    conversations,
    discovery,
    domain_blocks,
    endorsements,
    featured_tags,
    filters,
    followed_tags,
    held_back,
    instance,
    jury,
    jury_review,
    known_content,
    lists,
    markers,
    measure,
    media,
    moderation,
    notices,
    notification_groups,
    notification_requests,
    notifications,
    oembed,
    old_filters,
    polls,
    proposals,
    push,
    quotes,
    received_notices,
    relations,
    reports,
    rings,
    samples,
    scheduled,
    search,
    sign_up,
    statuses,
    streaming,
    suggestions,
    terms,
    timelines,
    translations,
    trends,
)
from folkmoot.api.endpoints import Endpoint, endpoint
from folkmoot.api.openapi import document
from folkmoot.api.request import Request, encode
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access

_documents: dict[str, bytes] = {}


async def description(request: Request) -> Reply:
    """This API as an OpenAPI 3.1 document."""
    base_url = request.context.settings.base_url
    if base_url not in _documents:
        _documents[base_url] = encode(document(ROUTES, base_url))
    return Reply(_documents[base_url])


ROUTES: list[Endpoint] = [
    *timelines.ROUTES, *statuses.ROUTES, *accounts.ROUTES, *relations.ROUTES, *reports.ROUTES, *media.ROUTES, *polls.ROUTES,
    *notification_requests.ROUTES,
    *notifications.ROUTES, *notification_groups.ROUTES, *markers.ROUTES, *conversations.ROUTES, *search.ROUTES, *instance.ROUTES,
    *apps.ROUTES, *discovery.ROUTES, *sign_up.ROUTES, *streaming.ROUTES, *lists.ROUTES, *scheduled.ROUTES, *followed_tags.ROUTES,
    *domain_blocks.ROUTES, *endorsements.ROUTES, *suggestions.ROUTES, *trends.ROUTES,
    *featured_tags.ROUTES, *notices.ROUTES, *moderation.ROUTES, *automatic_rules.ROUTES, *proposals.ROUTES, *announcements.ROUTES,
    *samples.ROUTES, *measure.ROUTES, *received_notices.ROUTES, *known_content.ROUTES, *push.ROUTES, *jury.ROUTES, *jury_review.ROUTES,
    *rings.ROUTES, *held_back.ROUTES,
    *filters.ROUTES, *old_filters.ROUTES, *oembed.ROUTES, *terms.ROUTES, *translations.ROUTES, *quotes.ROUTES,
    *admin_accounts.ROUTES, *admin_reports.ROUTES, *admin_barriers.ROUTES, *admin_figures.ROUTES, *admin_trends.ROUTES,
    *admin_publishers.ROUTES,
    endpoint("GET", "/api/openapi.json", description, Access.PUBLIC, answer=dict[str, Any]),
]
