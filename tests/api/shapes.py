"""The shapes of the client API as apps expect them: exactly these keys and types. Absent is not the same as null.

A shape is a type, a tuple of types, a dict of key to shape, a list with one shape for its items, or `maybe(shape)`.
A key that ends with `?` may be absent.
"""

import re
from typing import Any

Shape = Any
NULL = type(None)


def maybe(shape: Shape) -> Shape:
    """The shape, or null."""
    return ("maybe", shape)


def problems(value: Any, shape: Shape, path: str = "") -> list[str]:
    """The differences between a value and its shape."""
    if isinstance(shape, tuple) and shape[:1] == ("maybe",):
        return [] if value is None else problems(value, shape[1], path)
    if isinstance(shape, re.Pattern):
        return [] if isinstance(value, str) and shape.fullmatch(value) else [f"{path}: {value!r} is no {shape.pattern}"]
    if isinstance(shape, dict):
        return _in_dict(value, shape, path)
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{path}: {value!r} is no list"]
        return [found for number, item in enumerate(value) for found in problems(item, shape[0], f"{path}[{number}]")]
    wanted = shape if isinstance(shape, tuple) else (shape,)
    return [] if type(value) in wanted else [f"{path}: {value!r} is no {shape}"]


def _in_dict(value: Any, shape: dict[str, Shape], path: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{path}: {value!r} is no object"]
    required = {key for key in shape if not key.endswith("?")}
    known = {key.rstrip("?") for key in shape}
    found = [f"{path}.{key} is absent" for key in sorted(required - set(value))]
    found += [f"{path}.{key} should not be there" for key in sorted(set(value) - known)]
    for key, part in shape.items():
        name = key.rstrip("?")
        if name in value:
            found += problems(value[name], part, f"{path}.{name}")
    return found


ID = re.compile(r"[1-9][0-9]{0,18}")
URL = re.compile(r"https?://\S+")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
MIDNIGHT = re.compile(r"\d{4}-\d\d-\d\dT00:00:00\.000Z")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
_QUOTE_POLICY = re.compile("public|followers|nobody")
VISIBILITY = re.compile("public|unlisted|private|direct")
NUMBER = (int, float)

FIELD = {"name": str, "value": str, "verified_at": maybe(MOMENT)}
ACCOUNT = {
    "id": ID, "username": str, "acct": str, "display_name": str, "locked": bool, "bot": bool, "discoverable": bool, "indexable": bool,
    "group": bool, "created_at": MIDNIGHT, "note": str, "url": URL, "uri": URL, "avatar": URL, "avatar_static": URL,
    "avatar_description": str, "header": URL, "header_static": URL, "header_description": str, "followers_count": int,
    "following_count": int, "statuses_count": int, "last_status_at": maybe(DAY), "hide_collections": bool, "noindex": bool,
    "emojis": [dict], "roles": [dict], "fields": [FIELD],
}
CREDENTIAL_ACCOUNT = {
    **ACCOUNT,
    "source": {
        "privacy": VISIBILITY, "sensitive": bool, "language": maybe(str), "note": str, "fields": [FIELD], "follow_requests_count": int,
        "hide_collections": bool, "discoverable": bool, "indexable": bool, "attribution_domains": [str], "quote_policy": _QUOTE_POLICY,
        "report_mails": bool,  # of Folkmoot: where apps read the other choices that update_credentials takes
    },
    "role": {"id": str, "name": str, "permissions": re.compile("[0-9]+"), "color": str, "highlighted": bool},
}
PROFILE = {
    "id": ID, "display_name": str, "note": str, "fields": [FIELD], "avatar": maybe(URL), "avatar_static": maybe(URL),
    "avatar_description": str, "header": maybe(URL), "header_static": maybe(URL), "header_description": str, "locked": bool, "bot": bool,
    "hide_collections": bool, "discoverable": bool, "indexable": bool, "show_media": bool, "show_media_replies": bool,
    "show_featured": bool, "attribution_domains": [str], "featured_tags": [dict],
}
_SIZE = {"width": int, "height": int, "size": re.compile(r"\d+x\d+"), "aspect": NUMBER}
MEDIA = {
    "id": ID, "type": str, "url": URL, "preview_url": URL, "remote_url": NULL, "preview_remote_url": NULL, "text_url": NULL,
    "meta": {"original": _SIZE, "small": _SIZE, "focus": {"x": NUMBER, "y": NUMBER}}, "description": maybe(str), "blurhash": maybe(str),
}
POLL = {
    "id": ID, "expires_at": maybe(MOMENT), "expired": bool, "multiple": bool, "votes_count": int, "voters_count": maybe(int),
    "options": [{"title": str, "votes_count": maybe(int)}], "emojis": [dict],
}
OWN_POLL = {**POLL, "voted": bool, "own_votes": [int]}
_MENTION = {"id": ID, "username": str, "url": URL, "acct": str}


_QUOTE_STATE = re.compile("accepted|revoked|deleted|unauthorized|blocked_account|muted_account")
_SHALLOW_QUOTE = {"state": _QUOTE_STATE, "quoted_status_id": maybe(ID)}


def _status(poll: Shape, **more: Shape) -> dict[str, Shape]:
    one: dict[str, Shape] = {
        "id": ID, "created_at": MOMENT, "in_reply_to_id": maybe(ID), "in_reply_to_account_id": maybe(ID), "sensitive": bool,
        "spoiler_text": str, "visibility": VISIBILITY, "language": maybe(str), "uri": URL, "url": URL, "replies_count": int,
        "reblogs_count": int, "favourites_count": int, "edited_at": maybe(MOMENT), "content": str, "application":
        maybe({"name": str, "website": maybe(URL)}), "account": ACCOUNT, "media_attachments": [MEDIA], "mentions": [_MENTION],
        "tags": [{"name": str, "url": URL}], "emojis": [dict], "card": NULL, "poll": maybe(poll), "reblog": NULL, "quotes_count": int,
        "quote_approval": {"automatic": [re.compile("public|followers")], "manual": [NULL], "current_user": re.compile("automatic|denied")},
        **more,
    }
    quoted = {**one, "quote": maybe(_SHALLOW_QUOTE)}
    quoting = {**one, "quote": maybe({"state": _QUOTE_STATE, "quoted_status": maybe(quoted)})}
    return {**quoting, "reblog": maybe(quoting)}


STATUS = _status(POLL)
MEMBERS_STATUS = _status(OWN_POLL, favourited=bool, reblogged=bool, muted=bool, bookmarked=bool, filtered=[dict], **{"pinned?": bool})
DELETED_STATUS = {**{key: shape for key, shape in MEMBERS_STATUS.items() if key != "content"}, "text": str}
EDIT = {
    "content": str, "spoiler_text": str, "sensitive": bool, "created_at": MOMENT, "account": ACCOUNT, "media_attachments": [MEDIA],
    "emojis": [dict], "poll?": {"options": [{"title": str}]}, "quote?": _SHALLOW_QUOTE,
}
CONTEXT = {"ancestors": [STATUS], "descendants": [STATUS]}
MEMBERS_CONTEXT = {"ancestors": [MEMBERS_STATUS], "descendants": [MEMBERS_STATUS]}
RELATIONSHIP = {
    "id": ID, "following": bool, "showing_reblogs": bool, "notifying": bool, "languages": maybe([str]), "followed_by": bool,
    "blocking": bool, "blocked_by": bool, "muting": bool, "muting_notifications": bool, "muting_expires_at": maybe(MOMENT),
    "requested": bool, "requested_by": bool, "domain_blocking": bool, "endorsed": bool, "note": str,
}
WARNING = {
    "id": ID, "action": re.compile("none|disable|mark_statuses_as_sensitive|delete_statuses|sensitive|silence|suspend"), "text": str,
    "status_ids": maybe([ID]), "target_account": ACCOUNT, "created_at": MOMENT,
    "appeal": maybe({"text": str, "state": re.compile("pending|approved|rejected")}),
}
NOTIFICATION = {
    "id": ID, "type": str, "group_key": str, "created_at": MOMENT, "account": ACCOUNT, "status?": MEMBERS_STATUS,
    "moderation_warning?": WARNING,
}
NOTIFICATION_REQUEST = {
    "id": ID, "created_at": MOMENT, "updated_at": MOMENT, "notifications_count": re.compile("[1-9][0-9]*"), "account": ACCOUNT,
    "last_status?": MEMBERS_STATUS,
}
GROUPED_NOTIFICATIONS = {
    "accounts": [ACCOUNT], "statuses": [MEMBERS_STATUS],
    "notification_groups": [{
        "group_key": str, "notifications_count": int, "type": str, "most_recent_notification_id": int, "page_min_id?": ID,
        "page_max_id?": ID, "latest_page_notification_at?": MOMENT, "sample_account_ids": [ID], "status_id?": ID,
        "moderation_warning?": WARNING,
    }],
}
CONVERSATION = {"id": ID, "unread": bool, "accounts": [ACCOUNT], "last_status": maybe(MEMBERS_STATUS)}
MARKERS = {"home?": (marker := {"last_read_id": ID, "version": int, "updated_at": MOMENT}), "notifications?": marker}
PREFERENCES = {
    "posting:default:visibility": VISIBILITY, "posting:default:sensitive": bool, "posting:default:language": maybe(str),
    "posting:default:quote_policy": _QUOTE_POLICY, "reading:expand:media": str, "reading:expand:spoilers": bool,
    "reading:autoplay:gifs": bool,
}
_TAG = {"id": str, "name": str, "url": URL, "history": [dict]}
TAG = _TAG
MEMBERS_TAG = {**_TAG, "following": bool, "featuring": bool}
SEARCH = {"accounts": [ACCOUNT], "statuses": [STATUS], "hashtags": [TAG]}
MEMBERS_SEARCH = {"accounts": [ACCOUNT], "statuses": [MEMBERS_STATUS], "hashtags": [MEMBERS_TAG]}
APPLICATION = {
    "id": ID, "name": str, "website": maybe(URL), "scopes": [str], "redirect_uri": str, "redirect_uris": [str], "vapid_key": str,
}
CREDENTIAL_APPLICATION = {**APPLICATION, "client_id": str, "client_secret": str, "client_secret_expires_at": int}
TOKEN = {"access_token": str, "token_type": re.compile("Bearer"), "scope": str, "created_at": int}
_ACCESS = {"local": str, "remote": str}
_CONFIGURATION = {
    "accounts": dict.fromkeys((
        "max_display_name_length", "max_note_length", "max_featured_tags", "max_pinned_statuses", "max_profile_fields",
        "profile_field_name_limit", "profile_field_value_limit"), int),
    "statuses": dict.fromkeys(("max_characters", "max_media_attachments", "characters_reserved_per_url"), int),
    "media_attachments": {
        "supported_mime_types": [str], **dict.fromkeys((
            "description_limit", "image_size_limit", "image_matrix_limit", "video_size_limit", "video_frame_rate_limit",
            "video_matrix_limit"), int)},
    "polls": dict.fromkeys(("max_options", "max_characters_per_option", "min_expiration", "max_expiration"), int),
    "translation": {"enabled": bool},
    "timelines_access": {"live_feeds": _ACCESS, "hashtag_feeds": _ACCESS, "trending_link_feeds": _ACCESS},
    "limited_federation": bool, "vapid": {"public_key": str},
}
_RULE = {"id": str, "text": str, "hint": str, "translations?": dict}
INSTANCE = {
    "domain": str, "title": str, "version": re.compile(r"\d+\.\d+\.\d+ \(compatible; Folkmoot .+\)"), "source_url": str, "description": str,
    "usage": {"users": {"active_month": int}}, "thumbnail": {"url": URL, "blurhash": maybe(str), "versions": dict},
    "icon": [{"src": URL, "size": str}], "languages": [str],
    "configuration": {
        **_CONFIGURATION,
        "urls": {"streaming": str, "status": maybe(URL), "about": URL, "privacy_policy": maybe(URL), "terms_of_service": maybe(URL)},
    },
    "registrations": {
        "enabled": bool, "approval_required": bool, "reason_required": bool, "message": maybe(str), "min_age": maybe(int),
        "url": maybe(URL),
    },
    "api_versions": {"mastodon": int}, "contact": {"email": str, "account": maybe(ACCOUNT)}, "rules": [_RULE],
}
OLD_INSTANCE = {
    "uri": str, "title": str, "short_description": str, "description": str, "email": str, "version": str,
    "urls": {"streaming_api": str}, "stats": {"user_count": int, "status_count": int, "domain_count": int}, "thumbnail": URL,
    "languages": [str], "registrations": bool, "approval_required": bool, "invites_enabled": bool, "max_toot_chars": int,
    "configuration": _CONFIGURATION, "contact_account": maybe(ACCOUNT), "rules": [_RULE],
}

REPORT = {
    "id": ID, "action_taken": bool, "action_taken_at": maybe(str), "category": str, "comment": str, "forwarded": bool,
    "created_at": str, "status_ids": [ID], "rule_ids": [str], "target_account": ACCOUNT,
    "outcomes?": [{"status_id": maybe(ID), "state": str, "action": maybe(str), "rule_id": maybe(str), "decided_at": maybe(str),
                   "due_at": str}],
}
ANNOUNCEMENT = {
    "id": re.compile(r"[0-9]{10}"), "content": str, "starts_at": maybe(str), "ends_at": maybe(str), "all_day": bool, "published_at": str,
    "updated_at": str, "read": bool, "mentions": [dict], "statuses": [dict], "tags": [dict], "emojis": [dict], "reactions": [dict],
}
