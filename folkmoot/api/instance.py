"""The description of the network for apps, and empty lists for features that it does not have."""

from html import escape

from msgspec import UNSET

from folkmoot import __version__
from folkmoot.api import network_shapes as shapes
from folkmoot.api.endpoints import Endpoint, endpoint
from folkmoot.api.reports import rule
from folkmoot.api.request import Request
from folkmoot.base import clock, i18n
from folkmoot.base.formatting import URL_COSTS
from folkmoot.config import Settings
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.moderation.clauses.published import current
from folkmoot.network.accounts.actions import LONGEST_BIO, LONGEST_FIELD, LONGEST_NAME, MOST_FIELDS
from folkmoot.network.activity.model import shown_weeks
from folkmoot.network.activity.queries import list_weeks
from folkmoot.network.featured.model import MOST_FEATURED
from folkmoot.network.media.actions import LONGEST_DESCRIPTION
from folkmoot.network.media.model import MIME_TYPES, MOST_PIXELS_IN_ALL_FORMATS
from folkmoot.network.posts.policy import MOST_PINNED
from folkmoot.network.recordings.encoding.programs import is_installed
from folkmoot.network.recordings.model import AUDIO_TYPES, MOST_FRAME_RATE, MOST_PIXELS, VIDEO_TYPES
from folkmoot.network.sessions.queries import count_network

# Clients derive features from Mastodon's version: this is the highest one whose features are all supported.
MASTODON_VERSION = "4.3.0"
_VERSION = f"{MASTODON_VERSION} (compatible; Folkmoot {__version__})"
# Of Mastodon's API: 2 grouped notifications, 3 attribution domains, 4 deletion of media, 5 filters that blur, 6 endorsements, 7 quotes.
# Collections (10) are missing.
_API_VERSION = 7
_COUNTED_FOR = 300.0  # seconds
_counted: dict[str, tuple[float, tuple[int, int, int]]] = {}


async def show(request: Request) -> Reply:
    """The description of this network, and its limits."""
    settings, base = request.context.settings, request.context.settings.base_url
    network = settings.network
    _, active, _ = await counts(request)
    asks = network.registration == "approval"
    return request.json(shapes.Instance(
        domain=settings.domain,
        title=network.name,
        version=_VERSION,
        source_url=network.source_url,
        description=network.description,
        usage=shapes.InstanceUsage(users=shapes.ActiveUsers(active_month=active)),
        thumbnail=shapes.Thumbnail(url=f"{base}/static/icon-512.png", blurhash=None, versions={}),
        icon=[shapes.Icon(src=f"{base}/static/icon-{size}.png", size=f"{size}x{size}") for size in (192, 512)],
        languages=[network.language],
        configuration=_configuration(request, is_old=False),
        registrations=shapes.Registrations(
            enabled=network.registration in ("open", "approval"), approval_required=asks, reason_required=asks, message=None, min_age=None,
            url=f"{base}/sign_up",
        ),
        api_versions=shapes.ApiVersions(mastodon=_API_VERSION),
        contact=shapes.Contact(email=network.contact_email, account=None),
        rules=[rule(clause, network.language) for clause in current().clauses],
    ))


async def show_old(request: Request) -> Reply:
    """The first version of the description, which older apps still use."""
    settings, base = request.context.settings, request.context.settings.base_url
    network = settings.network
    members, _, posts = await counts(request)
    return request.json(shapes.OldInstance(
        uri=settings.domain,
        title=network.name,
        short_description=network.description,
        description=network.description,
        email=network.contact_email,
        version=_VERSION,
        urls=shapes.StreamingUrls(streaming_api=base.replace("http", "ws", 1)),
        stats=shapes.Stats(user_count=members, status_count=posts, domain_count=0),
        thumbnail=f"{base}/static/icon-512.png",
        languages=[network.language],
        registrations=network.registration in ("open", "approval"),
        approval_required=network.registration == "approval",
        invites_enabled=True,
        max_toot_chars=network.max_characters,
        configuration=_configuration(request, is_old=True),
        contact_account=None,
        rules=[rule(clause, network.language) for clause in current().clauses],
    ))


def _configuration(request: Request, *, is_old: bool) -> shapes.Configuration:
    settings, limits = request.context.settings, request.context.post_limits
    base = settings.base_url
    urls = shapes.InstanceUrls(
        streaming=base.replace("http", "ws", 1), status=None, about=f"{base}/about", privacy_policy=f"{base}/privacy",
        terms_of_service=f"{base}/about/rules",
    )
    public = shapes.FeedAccess(local="public", remote="public")
    return shapes.Configuration(
        urls=UNSET if is_old else urls,
        vapid=shapes.Vapid(public_key=request.context.vapid.public),
        accounts=shapes.AccountLimits(
            max_display_name_length=LONGEST_NAME, max_note_length=LONGEST_BIO, max_featured_tags=MOST_FEATURED,
            max_pinned_statuses=MOST_PINNED, max_profile_fields=MOST_FIELDS, profile_field_name_limit=LONGEST_FIELD,
            profile_field_value_limit=LONGEST_FIELD,
        ),
        statuses=shapes.StatusLimits(
            max_characters=limits.max_characters, max_media_attachments=limits.max_pictures, characters_reserved_per_url=URL_COSTS
        ),
        media_attachments=_media_limits(settings),
        polls=shapes.PollLimits(
            max_options=limits.max_options, max_characters_per_option=limits.max_option_characters,
            min_expiration=limits.shortest_poll, max_expiration=limits.longest_poll,
        ),
        translation=shapes.Translation(enabled=request.context.translations.is_enabled),
        timelines_access=shapes.TimelinesAccess(live_feeds=public, hashtag_feeds=public, trending_link_feeds=public),
        limited_federation=False,
    )


def _media_limits(settings: Settings) -> shapes.MediaLimits:
    """Without the programs that prepare them, no video and no audio is accepted."""
    takes_recordings = is_installed()
    return shapes.MediaLimits(
        supported_mime_types=[*MIME_TYPES, *(VIDEO_TYPES + AUDIO_TYPES if takes_recordings else ())],
        description_limit=LONGEST_DESCRIPTION, image_size_limit=settings.media.max_bytes,
        image_matrix_limit=MOST_PIXELS_IN_ALL_FORMATS,
        video_size_limit=settings.media.max_video_bytes if takes_recordings else 0,
        video_frame_rate_limit=MOST_FRAME_RATE if takes_recordings else 0, video_matrix_limit=MOST_PIXELS if takes_recordings else 0,
    )


async def counts(request: Request) -> tuple[int, int, int]:
    """(members, members active within a month, posts), counted at most once in five minutes."""
    domain = request.context.settings.domain
    at, found = _counted.get(domain, (0.0, (0, 0, 0)))
    if at + _COUNTED_FOR < clock.monotonic() or not at:
        async with request.database.read() as conn:
            found = await count_network(conn)
        _counted[domain] = (clock.monotonic(), found)
    return found


async def activity(request: Request) -> Reply:
    """How much was going on in each of the last twelve weeks, newest first. The counts are brought up to date every hour."""
    async with request.database.read() as conn:
        weeks = await list_weeks(conn, shown_weeks(clock.now()))
    return request.json([
        shapes.WeekOfActivity(
            week=str(int(week.begins_at.timestamp())), statuses=str(week.posts), logins=str(week.members), registrations=str(week.sign_ups)
        )
        for week in weeks
    ])


async def nothing(request: Request) -> Reply:
    """Always empty: this network does not have this feature."""
    return request.json([])


async def languages(request: Request) -> Reply:
    """The languages of the pages and messages of this network."""
    return request.json([shapes.Language(code=code, name=name) for code, name in i18n.LANGUAGES.items()])


async def extended_description(request: Request) -> Reply:
    """The description from the settings; there is no longer one."""
    text = request.context.settings.network.description
    return request.json(shapes.ExtendedDescription(updated_at=None, content=f"<p>{escape(text)}</p>" if text else ""))


async def health(request: Request) -> Reply:
    """Whether the process answers: `OK`."""
    return Reply(b"OK", media_type=b"text/plain; charset=utf-8")


_EMPTY_FOR_ALL = ("custom_emojis", "instance/peers", "instance/domain_blocks", "peers/search")
_EMPTY_FOR_MEMBERS = {
    "accounts/{id}/identity_proofs": "read:accounts",
}


def _empty(path: str, access: Access, scope: str = "") -> Endpoint:
    return endpoint("GET", path, nothing, access, scope, answer=list[shapes.Nothing])


ROUTES = [
    endpoint("GET", "/api/v2/instance", show, Access.PUBLIC, answer=shapes.Instance),
    endpoint("GET", "/api/v1/instance", show_old, Access.PUBLIC, deprecated_at=1668384000, answer=shapes.OldInstance),
    endpoint("GET", "/api/v1/instance/activity", activity, Access.PUBLIC, answer=list[shapes.WeekOfActivity]),
    *(_empty(f"/api/v1/{name}", Access.PUBLIC) for name in _EMPTY_FOR_ALL),
    *(_empty(f"/api/v1/{name}", Access.MEMBER, scope) for name, scope in _EMPTY_FOR_MEMBERS.items()),
    endpoint("GET", "/api/v1/instance/languages", languages, Access.PUBLIC, answer=list[shapes.Language]),
    endpoint("GET", "/api/v1/instance/extended_description", extended_description, Access.PUBLIC, answer=shapes.ExtendedDescription),
    endpoint("GET", "/health", health, Access.PUBLIC, answer=str, media_type="text/plain"),
]
