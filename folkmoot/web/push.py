"""The settings page for web push: notifications of this browser, also while no page is open."""

from folkmoot.base.errors import Invalid, NotFound
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.network.sessions.model import Role
from folkmoot.network.web_push import actions, queries
from folkmoot.network.web_push.model import Alert, Policy, SubscriptionDraft
from folkmoot.web.request import Request

_OF_MEMBERS = (
    Alert.MENTION, Alert.FOLLOW_REQUEST, Alert.FOLLOW, Alert.POST, Alert.BOOST, Alert.QUOTE, Alert.FAVOURITE, Alert.POLL, Alert.UPDATE,
    Alert.QUOTED_UPDATE, Alert.NETWORK,
)
_USUAL = frozenset([Alert.MENTION, Alert.QUOTE, Alert.FOLLOW_REQUEST, Alert.POST, Alert.NETWORK, Alert.SIGN_UP, Alert.CALL])
_POLICIES = (Policy.ALL, Policy.FOLLOWED, Policy.FOLLOWER)


async def show(request: Request) -> Reply:
    return await _page(request)


async def save(request: Request) -> Reply:
    """Subscribes this browser if the script has filled in its keys; otherwise changes what it wakes for."""
    form = request.form
    offered = _offered(request)
    alerts = frozenset(alert for alert in offered if form.flag(alert))
    policy = Policy(form.text("policy")) if form.text("policy") in _POLICIES else Policy.ALL
    try:
        async with request.database.write() as tx:
            if form.text("endpoint"):
                draft = SubscriptionDraft(
                    endpoint=form.text("endpoint"), public_key=form.text("p256dh"), auth=form.text("auth"), is_standard=True,
                    alerts=alerts, policy=policy,
                )
                await actions.subscribe(tx, request.viewer, draft, own_host=request.context.settings.domain)
            else:
                await actions.change_choices(tx, request.viewer, alerts, policy)
    except (Invalid, NotFound):  # a push service that we do not send to, or a form without the script
        return await _page(request, 422, is_refused=True)
    return request.redirect("/settings/push?saved=1")


async def end(request: Request) -> Reply:
    async with request.database.write() as tx:
        await actions.unsubscribe(tx, request.viewer)
    return request.redirect("/settings/push?off=1")


async def _page(request: Request, status: int = 200, *, is_refused: bool = False) -> Reply:
    async with request.database.read() as conn:
        found = await queries.find_subscription(conn, request.viewer.id, session_id=request.viewer.session_id)
    return await request.show(
        "settings/push.html", status, subscription=found, offered=_offered(request), is_refused=is_refused,
        chosen=found.alerts if found else _USUAL, policy=found.policy if found else Policy.ALL, key=request.context.vapid.public,
    )


def _offered(request: Request) -> list[Alert]:
    """What this member can be woken for."""
    viewer = request.viewer
    return [
        *_OF_MEMBERS, *([Alert.CALL] if viewer.holds(Role.MODERATOR) else []), *([Alert.SIGN_UP] if viewer.holds(Role.OPERATOR) else [])
    ]


ROUTES = [
    Route("GET", "/settings/push", show, Access.MEMBER),
    Route("POST", "/settings/push", save, Access.MEMBER),
    Route("POST", "/settings/push/end", end, Access.MEMBER),
]
