"""Subscriptions to web push, and what is sent to them. No input or output."""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

import msgspec

from folkmoot.base.web_push import Receiver
from folkmoot.network.notifications.model import Kind, Notification

SEND_JOB = "web_push.send"
MOST_SUBSCRIPTIONS = 50  # of an account: the oldest ones end
LASTS = timedelta(days=2)  # a notification; the push service keeps it for a sleeping device
CALL_LASTS = timedelta(hours=2)
GIVEN_UP_AFTER = timedelta(days=7)  # a subscription whose push service only fails


class Alert(StrEnum):
    """What a subscription wakes for. Stored."""

    MENTION = "mention"
    BOOST = "boost"
    FAVOURITE = "favourite"
    FOLLOW = "follow"
    FOLLOW_REQUEST = "follow_request"
    POLL = "poll"
    POST = "post"
    UPDATE = "update"
    QUOTE = "quote"
    QUOTED_UPDATE = "quoted_update"
    NETWORK = "network"  # decisions of the network, archives, and calls to jurors
    SIGN_UP = "sign_up"
    CALL = "call"  # of moderators and operators: the time for cases runs out
    CASE = "case"  # apps choose this too. There are no such notifications yet


ALERT_OF = {
    **{kind: Alert(kind.value) for kind in (
        Kind.MENTION, Kind.BOOST, Kind.FAVOURITE, Kind.FOLLOW, Kind.FOLLOW_REQUEST, Kind.POLL, Kind.POST, Kind.UPDATE, Kind.QUOTE,
        Kind.QUOTED_UPDATE, Kind.SIGN_UP)},
    **dict.fromkeys(
        (Kind.STATEMENT, Kind.LIFTED, Kind.REPORT, Kind.APPEAL, Kind.EXPORT, Kind.UNPUBLISHED, Kind.JURY, Kind.KEPT, Kind.RING),
        Alert.NETWORK,
    ),
}


class Policy(StrEnum):
    """From whom a subscription wakes. Stored. Notifications from the network itself come under each but `none`."""

    ALL = "all"
    FOLLOWED = "followed"
    FOLLOWER = "follower"
    NONE = "none"


class SubscriptionDraft(msgspec.Struct, frozen=True, kw_only=True):
    """What a browser or an app sends. The keys are base64."""

    endpoint: str
    public_key: str
    auth: str
    is_standard: bool
    alerts: frozenset[Alert]
    policy: Policy = Policy.ALL


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """One device. It belongs to a token of an app (then `sealed_token` is set) or to the session of a browser."""

    id: int
    account_id: int
    token_id: int | None
    session_id: int | None
    endpoint: str
    public_key: bytes
    auth: bytes
    is_standard: bool
    alerts: frozenset[Alert]
    policy: Policy
    sealed_token: bytes | None
    failing_since: datetime | None

    @property
    def host(self) -> str:
        return urlsplit(self.endpoint).hostname or ""

    @property
    def origin(self) -> str:
        parts = urlsplit(self.endpoint)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def receiver(self) -> Receiver:
        return Receiver(self.public_key, self.auth, self.is_standard, is_padded=self.session_id is not None)


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """Calls moderators, without any content. `text`: a key of `wording.CALLS`."""

    text: str
    count: int


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one subscription: the payload of a job. Either a notification or a call."""

    subscription_id: int
    notification_id: int = 0
    call: Call | None = None
    until: datetime
    tries: int = 0


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What a message is composed from. `token`: that of the app. Either a notification or a call."""

    subscription: Subscription
    language: str
    token: str | None = None
    notification: Notification | None = None
    call: Call | None = None


Compose = Callable[[Content], bytes | None]  # None: this device does not know such notifications
