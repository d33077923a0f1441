"""The subscription of an app to web push: one for each token. `push_payloads.py` has what is sent to it."""

from typing import Annotated, Literal

from folkmoot.api.account_shapes import Id, Shape, Url
from folkmoot.api.endpoints import endpoint
from folkmoot.api.identification import token_of
from folkmoot.api.network_shapes import Nothing
from folkmoot.api.parameters import Parameters, about
from folkmoot.api.request import Request
from folkmoot.base.errors import NotFound
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.network.web_push import actions, queries
from folkmoot.network.web_push.model import Alert, Policy, Subscription, SubscriptionDraft

_POLICY = Annotated[Literal["all", "followed", "follower", "none"] | None, about("From whom: all, followed accounts, followers, nobody.")]


class Keys(Parameters, frozen=True, kw_only=True):
    p256dh: Annotated[str, about("The public key of the app, a point on P-256: base64, 65 bytes.")] = ""
    auth: Annotated[str, about("The shared secret: base64, 16 bytes.")] = ""


class NewSubscription(Parameters, frozen=True, kw_only=True):
    endpoint: Annotated[str, about("The https address of the push service.", maxLength=2000)] = ""
    keys: Keys | None = None
    standard: Annotated[bool, about("Whether messages are encrypted as in RFC 8291; otherwise as in its draft.")] = False


class Alerts(Parameters, frozen=True, kw_only=True, rename={"admin_sign_up": "admin.sign_up", "admin_report": "admin.report"}):
    """Absent ones are off. Quotes and those of administrators are kept as they are chosen: nothing wakes apps for them yet."""

    mention: bool = False
    status: bool = False
    reblog: bool = False
    follow: bool = False
    follow_request: bool = False
    favourite: bool = False
    poll: bool = False
    update: bool = False
    quote: bool = False
    quoted_update: bool = False
    moderation_warning: bool = False
    admin_sign_up: bool = False
    admin_report: bool = False

    def chosen(self) -> frozenset[Alert]:
        return frozenset(alert for field, alert in _ALERTS.items() if getattr(self, field))


class Choices(Parameters, frozen=True, kw_only=True):
    alerts: Alerts | None = None
    policy: _POLICY = None


class NewPush(Parameters, frozen=True, kw_only=True):
    subscription: NewSubscription | None = None
    data: Choices | None = None
    policy: _POLICY = None

    @property
    def draft(self) -> SubscriptionDraft:
        wanted, chosen = self.subscription or NewSubscription(), self.data or Choices()
        keys, alerts = wanted.keys or Keys(), chosen.alerts or Alerts()
        return SubscriptionDraft(
            endpoint=wanted.endpoint, public_key=keys.p256dh, auth=keys.auth, is_standard=wanted.standard,
            alerts=alerts.chosen(), policy=Policy(chosen.policy or self.policy or "all"),
        )


class ChangedPush(Parameters, frozen=True, kw_only=True):
    """What is absent stays as it is."""

    data: Choices | None = None
    policy: _POLICY = None


class AlertShape(Shape, kw_only=True, rename={"admin_sign_up": "admin.sign_up", "admin_report": "admin.report"}):
    mention: bool
    status: bool
    reblog: bool
    follow: bool
    follow_request: bool
    favourite: bool
    poll: bool
    update: bool
    quote: bool
    quoted_update: bool
    moderation_warning: bool
    admin_sign_up: bool
    admin_report: bool


class WebPushSubscription(Shape, kw_only=True):
    """`server_key`: the key of this network (VAPID)."""

    id: Id
    endpoint: Url
    standard: bool
    alerts: AlertShape
    server_key: str
    policy: str


# The names of clients for our alerts.
_ALERTS = {
    "mention": Alert.MENTION, "status": Alert.POST, "reblog": Alert.BOOST, "follow": Alert.FOLLOW, "follow_request": Alert.FOLLOW_REQUEST,
    "favourite": Alert.FAVOURITE, "poll": Alert.POLL, "update": Alert.UPDATE, "quote": Alert.QUOTE, "quoted_update": Alert.QUOTED_UPDATE,
    "moderation_warning": Alert.NETWORK, "admin_sign_up": Alert.SIGN_UP, "admin_report": Alert.CASE,
}


async def show(request: Request) -> Reply:
    """The subscription of the app; 404 without one."""
    async with request.database.read() as conn:
        found = await queries.find_subscription(conn, request.viewer.id, token_id=request.viewer.token_id)
    if found is None:
        raise NotFound
    return request.json(_shape(request, found))


async def subscribe(request: Request, params: NewPush) -> Reply:
    """Subscribes the app; it replaces an earlier subscription of the same token."""
    settings = request.context.settings
    async with request.database.write() as tx:
        found = await actions.subscribe(
            tx, request.viewer, params.draft, own_host=settings.domain, token=token_of(request.scope) or "",
            sealer=actions.token_sealer(settings.secret),
        )
    return request.json(_shape(request, found))


async def change(request: Request, params: ChangedPush) -> Reply:
    """Changes what the app wakes for."""
    chosen = params.data or Choices()
    policy = chosen.policy or params.policy
    alerts = chosen.alerts.chosen() if chosen.alerts else None
    async with request.database.write() as tx:
        found = await actions.change_choices(tx, request.viewer, alerts, Policy(policy) if policy else None)
    return request.json(_shape(request, found))


async def unsubscribe(request: Request) -> Reply:
    """Ends the subscription of the app, if there is one."""
    async with request.database.write() as tx:
        await actions.unsubscribe(tx, request.viewer)
    return request.json(Nothing())


def _shape(request: Request, found: Subscription) -> WebPushSubscription:
    return WebPushSubscription(
        id=str(found.id), endpoint=found.endpoint, standard=found.is_standard, server_key=request.context.vapid.public,
        policy=found.policy.value, alerts=AlertShape(**{field: alert in found.alerts for field, alert in _ALERTS.items()}),
    )


_PATH = "/api/v1/push/subscription"
ROUTES = [
    endpoint("GET", _PATH, show, Access.MEMBER, "push", answer=WebPushSubscription),
    endpoint("POST", _PATH, subscribe, Access.MEMBER, "push", params=NewPush, answer=WebPushSubscription),
    endpoint("PUT", _PATH, change, Access.MEMBER, "push", params=ChangedPush, answer=WebPushSubscription),
    endpoint("PATCH", _PATH, change, Access.MEMBER, "push", params=ChangedPush, answer=WebPushSubscription),
    endpoint("DELETE", _PATH, unsubscribe, Access.MEMBER, "push", answer=Nothing),
]
