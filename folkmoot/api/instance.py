"""What apps ask a network about itself, and what this one does not have: answered with an honest empty list."""

from html import escape
from typing import Any

from folkmoot import __version__
from folkmoot.api.reports import rule
from folkmoot.api.request import Request
from folkmoot.base import clock
from folkmoot.base.errors import NotFound
from folkmoot.base.formatting import URL_COSTS
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.moderation.clauses.published import current
from folkmoot.network.accounts.actions import LONGEST_BIO, LONGEST_FIELD, LONGEST_NAME, MOST_FIELDS
from folkmoot.network.posts.policy import MOST_PINNED
from folkmoot.network.sessions.queries import count_network

# Clients read features off Mastodon's version: the highest one of which everything they need is here.
_VERSION = f"4.3.0 (compatible; Folkmoot {__version__})"
_API_VERSION = 2
_MIME_TYPES = ["image/jpeg", "image/png", "image/gif", "image/webp", "image/avif"]
_COUNTED_FOR = 300.0  # seconds
_counted: dict[str, tuple[float, tuple[int, int, int]]] = {}


async def show(request: Request) -> Reply:
    settings, base = request.context.settings, request.context.settings.base_url
    _, active, _ = await counts(request)
    return request.json({
        "domain": settings.domain,
        "title": settings.network.name,
        "version": _VERSION,
        "source_url": settings.network.source_url,
        "description": settings.network.description,
        "usage": {"users": {"active_month": active}},
        "thumbnail": {"url": f"{base}/static/icon-512.png", "blurhash": None, "versions": {}},
        "icon": [{"src": f"{base}/static/icon-{size}.png", "size": f"{size}x{size}"} for size in (192, 512)],
        "languages": [settings.network.language],
        "configuration": _configuration(request),
        "registrations": {
            "enabled": settings.network.registration in ("open", "approval"),
            "approval_required": settings.network.registration == "approval",
            "reason_required": settings.network.registration == "approval",
            "message": None, "min_age": None, "url": f"{base}/sign_up",
        },
        "api_versions": {"mastodon": _API_VERSION},
        "contact": {"email": settings.network.contact_email, "account": None},
        "rules": [rule(clause, settings.network.language) for clause in current().clauses],
    })


async def show_old(request: Request) -> Reply:
    """The first version of the answer, which older apps still ask for."""
    settings, base = request.context.settings, request.context.settings.base_url
    members, _, posts = await counts(request)
    return request.json({
        "uri": settings.domain,
        "title": settings.network.name,
        "short_description": settings.network.description,
        "description": settings.network.description,
        "email": settings.network.contact_email,
        "version": _VERSION,
        "urls": {"streaming_api": base.replace("http", "ws", 1)},
        "stats": {"user_count": members, "status_count": posts, "domain_count": 0},
        "thumbnail": f"{base}/static/icon-512.png",
        "languages": [settings.network.language],
        "registrations": settings.network.registration in ("open", "approval"),
        "approval_required": settings.network.registration == "approval",
        "invites_enabled": True,
        "max_toot_chars": settings.network.max_characters,
        "configuration": {name: part for name, part in _configuration(request).items() if name not in ("urls", "vapid")},
        "contact_account": None,
        "rules": [rule(clause, settings.network.language) for clause in current().clauses],
    })


def _configuration(request: Request) -> dict[str, Any]:
    settings, limits = request.context.settings, request.context.post_limits
    base = settings.base_url
    return {
        "urls": {"streaming": base.replace("http", "ws", 1), "status": None, "about": f"{base}/about", "privacy_policy": None,
                 "terms_of_service": None},
        "vapid": {"public_key": ""},
        "accounts": {
            "max_display_name_length": LONGEST_NAME, "max_note_length": LONGEST_BIO, "max_featured_tags": 0,
            "max_pinned_statuses": MOST_PINNED, "max_profile_fields": MOST_FIELDS,
            "profile_field_name_limit": LONGEST_FIELD, "profile_field_value_limit": LONGEST_FIELD,
        },
        "statuses": {
            "max_characters": limits.max_characters, "max_media_attachments": limits.max_pictures,
            "characters_reserved_per_url": URL_COSTS,
        },
        "media_attachments": {
            "supported_mime_types": _MIME_TYPES, "description_limit": 1500, "image_size_limit": settings.media.max_bytes,
            "image_matrix_limit": 40_000_000, "video_size_limit": 0, "video_frame_rate_limit": 0, "video_matrix_limit": 0,
        },
        "polls": {
            "max_options": limits.max_options, "max_characters_per_option": limits.max_option_characters,
            "min_expiration": limits.shortest_poll, "max_expiration": limits.longest_poll,
        },
        "translation": {"enabled": False},
        "timelines_access": {
            feed: {"local": "public", "remote": "public"} for feed in ("live_feeds", "hashtag_feeds", "trending_link_feeds")
        },
        "limited_federation": False,
    }


async def counts(request: Request) -> tuple[int, int, int]:
    """Members, those active within a month, posts: counted once in five minutes."""
    domain = request.context.settings.domain
    at, found = _counted.get(domain, (0.0, (0, 0, 0)))
    if at + _COUNTED_FOR < clock.monotonic() or not at:
        async with request.database.read() as conn:
            found = await count_network(conn)
        _counted[domain] = (clock.monotonic(), found)
    return found


async def nothing(request: Request) -> Reply:
    return request.json([])


async def nothing_found(request: Request) -> Reply:
    raise NotFound


async def translation_languages(request: Request) -> Reply:
    return request.json({})


async def extended_description(request: Request) -> Reply:
    """The words of the settings: nobody has written more."""
    text = request.context.settings.network.description
    return request.json({"updated_at": None, "content": f"<p>{escape(text)}</p>" if text else ""})


async def health(request: Request) -> Reply:
    return Reply(b"OK", media_type=b"text/plain; charset=utf-8")


_EMPTY_FOR_ALL = ("custom_emojis", "trends", "trends/tags", "trends/links", "trends/statuses", "instance/peers",
                  "instance/activity", "instance/domain_blocks", "directory", "peers/search")
_EMPTY_FOR_MEMBERS = {
    "lists": "read:lists", "filters": "read:filters", "announcements": "read:accounts", "followed_tags": "read:follows",
    "featured_tags": "read:accounts", "endorsements": "read:accounts", "scheduled_statuses": "read:statuses",
    "domain_blocks": "read:blocks", "suggestions": "read:accounts", "notifications/requests": "read:notifications",
}
# Since when apps should ask elsewhere, in seconds since 1970.
_DEPRECATED = {"trends": 1648598400, "filters": 1668384000, "suggestions": 1621123200}
ROUTES = [
    Route("GET", "/api/v2/instance", show, Access.PUBLIC),
    Route("GET", "/api/v1/instance", show_old, Access.PUBLIC, deprecated_at=1668384000),
    *(Route("GET", f"/api/v1/{name}", nothing, Access.PUBLIC, deprecated_at=_DEPRECATED.get(name, 0)) for name in _EMPTY_FOR_ALL),
    *(
        Route("GET", f"/api/v1/{name}", nothing, Access.MEMBER, scope, deprecated_at=_DEPRECATED.get(name, 0))
        for name, scope in _EMPTY_FOR_MEMBERS.items()
    ),
    Route("GET", "/api/v1/instance/translation_languages", translation_languages, Access.PUBLIC),
    Route("GET", "/api/v1/instance/extended_description", extended_description, Access.PUBLIC),
    Route("GET", "/api/v2/filters", nothing, Access.MEMBER, "read:filters"),
    Route("GET", "/api/v2/suggestions", nothing, Access.MEMBER, "read:accounts"),
    Route("GET", "/api/v1/accounts/{id}/lists", nothing, Access.MEMBER, "read:lists"),
    Route("GET", "/api/v1/accounts/{id}/featured_tags", nothing, Access.PUBLIC),
    Route("GET", "/api/v1/accounts/{id}/endorsements", nothing, Access.PUBLIC),
    Route("GET", "/api/v1/accounts/{id}/identity_proofs", nothing, Access.MEMBER, "read:accounts"),
    Route("GET", "/api/v1/featured_tags/suggestions", nothing, Access.MEMBER, "read:accounts"),
    Route("GET", "/api/v1/push/subscription", nothing_found, Access.MEMBER, "push"),
    Route("GET", "/health", health, Access.PUBLIC),
]
