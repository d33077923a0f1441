"""The wire names of our terms, and the wire format of times."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta

from folkmoot.network.notifications.model import Kind
from folkmoot.network.posts import model as posts

_NO_QUOTE_POLICY = "The choices are public, followers and nobody."
_NO_VISIBILITY = "This visibility does not exist."
VisibilityWord = Literal["public", "unlisted", "private", "direct"]
Visibility = Annotated[VisibilityWord, Meta(extra={"unknown": _NO_VISIBILITY})]
BoostVisibility = Annotated[Literal["public", "unlisted", "private"], Meta(extra={"unknown": _NO_VISIBILITY})]
QuotePolicyWord = Literal["public", "followers", "nobody"]
QuotePolicy = Annotated[QuotePolicyWord, Meta(extra={"unknown": _NO_QUOTE_POLICY})]
DefaultQuotePolicy = Annotated[QuotePolicyWord, Meta(extra={"unknown": _NO_QUOTE_POLICY, "field": "source"})]
DefaultVisibility = Annotated[VisibilityWord, Meta(extra={"unknown": _NO_VISIBILITY, "field": "source"})]
VISIBILITY: dict[posts.Visibility, VisibilityWord] = {
    posts.Visibility.PUBLIC: "public", posts.Visibility.UNLISTED: "unlisted", posts.Visibility.FOLLOWERS: "private",
    posts.Visibility.DIRECT: "direct",
}
QuoteStateWord = Literal[
    "pending", "accepted", "rejected", "revoked", "deleted", "unauthorized", "blocked_account", "blocked_domain", "muted_account"
]
QUOTE_STATE: dict[posts.QuoteState, QuoteStateWord] = {
    posts.QuoteState.SHOWN: "accepted", posts.QuoteState.REVOKED: "revoked", posts.QuoteState.DELETED: "deleted",
    posts.QuoteState.WITHHELD: "unauthorized", posts.QuoteState.BLOCKED: "blocked_account", posts.QuoteState.MUTED: "muted_account",
}
QUOTE_POLICY: dict[posts.QuotePolicy, QuotePolicyWord] = {
    posts.QuotePolicy.PUBLIC: "public", posts.QuotePolicy.FOLLOWERS: "followers", posts.QuotePolicy.NOBODY: "nobody",
}
QUOTE_POLICY_OF: dict[str, posts.QuotePolicy] = {word: policy for policy, word in QUOTE_POLICY.items()}
VISIBILITY_OF = {word: visibility for visibility, word in VISIBILITY.items()}
# The parameter names of clients for the fields of errors.
PARAMETER_OF = {
    "text": "status", "cover": "spoiler_text", "bio": "note", "post_ids": "status_ids", "clauses": "rule_ids", "invitation": "invite_code",
    "clause": "rule", "quoted_id": "quoted_status_id", "name": "client_name", "redirect_uri": "redirect_uris", "contexts": "context",
    "action": "filter_action", "keywords": "keyword", "due_at": "scheduled_at",
}
NOTIFICATION = {
    Kind.MENTION: "mention", Kind.BOOST: "reblog", Kind.FAVOURITE: "favourite", Kind.FOLLOW: "follow",
    Kind.FOLLOW_REQUEST: "follow_request", Kind.POLL: "poll", Kind.POST: "status", Kind.UPDATE: "update",
    Kind.QUOTE: "quote", Kind.QUOTED_UPDATE: "quoted_update",
    Kind.STATEMENT: "moderation_warning", Kind.KEPT: "moderation_warning",
}
UNKNOWN_TO_APPS = tuple(kind for kind in Kind if kind not in NOTIFICATION)


def moment(value: datetime) -> str:
    """ISO 8601 with milliseconds and Z, which every client can parse."""
    return f"{value.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
