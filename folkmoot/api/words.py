"""What our words are called on the wire, and how a moment is written there."""

from datetime import datetime

from folkmoot.network.notifications.model import Kind
from folkmoot.network.posts.model import Visibility

VISIBILITY = {Visibility.PUBLIC: "public", Visibility.UNLISTED: "unlisted", Visibility.FOLLOWERS: "private", Visibility.DIRECT: "direct"}
VISIBILITY_OF = {word: visibility for visibility, word in VISIBILITY.items()}
NOTIFICATION = {
    Kind.MENTION: "mention", Kind.BOOST: "reblog", Kind.FAVOURITE: "favourite", Kind.FOLLOW: "follow",
    Kind.FOLLOW_REQUEST: "follow_request", Kind.POLL: "poll", Kind.POST: "status", Kind.UPDATE: "update",
}
NOTIFICATION_OF = {word: kind for kind, word in NOTIFICATION.items()}


def moment(value: datetime) -> str:
    """ISO 8601, milliseconds, Z: what every client parses."""
    return value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"
