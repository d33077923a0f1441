"""Pages of what a member's policy has filtered: the policy, the requests of senders, and the notices of one of them."""

from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.network.filters.matching import is_hidden
from folkmoot.network.filters.model import FilterContext
from folkmoot.network.notifications import actions
from folkmoot.network.notifications.model import MOST_REQUESTS, Policy, Treatment
from folkmoot.network.notifications.queries import get_policy, get_request, list_allowed, list_notifications, list_requests
from folkmoot.web.notifications import folded, group_notices
from folkmoot.web.request import Request
from folkmoot.web.timelines import page_links

_FIELDS = Policy.__struct_fields__
_CHOICES = {treatment.name.lower(): treatment for treatment in Treatment}


async def show_policy(request: Request) -> Reply:
    async with request.database.read() as conn:
        policy = await get_policy(conn, request.viewer.id)
    return await _policy_page(request, {name: getattr(policy, name).name.lower() for name in _FIELDS}, {})


async def change_policy(request: Request) -> Reply:
    """Changes the policy. With an unknown choice nothing is changed, and the form comes back as it was sent."""
    sent = {name: request.form.text(name) for name in _FIELDS if name in request.form}
    wrong = {name: request.sentence("There is no such choice.") for name, word in sent.items() if word not in _CHOICES}
    if wrong:
        return await _policy_page(request, sent, wrong, 422)
    async with request.database.write() as tx:
        await actions.change_policy(tx, request.viewer.id, {name: _CHOICES[word] for name, word in sent.items()})
    return request.redirect("/settings/notifications?saved=1")


async def stop_allowing(request: Request) -> Reply:
    async with request.database.write() as tx:
        await actions.stop_allowing(tx, request.viewer.id, request.id())
    return request.redirect("/settings/notifications?saved=1")


async def index(request: Request) -> Reply:
    """The senders whose notices wait."""
    page = request.page()
    async with request.database.read() as conn:
        found = await list_requests(conn, request.viewer.id, page)
    return await request.show(
        "notifications/requests.html", requests=found, most=MOST_REQUESTS, **page_links(page, [one.id for one in found])
    )


async def show(request: Request) -> Reply:
    """The notices of one sender that wait."""
    page = request.page()
    async with request.database.read() as conn:
        asked = await get_request(conn, request.viewer.id, request.id())
        found = await list_notifications(conn, request.viewer.id, page, sender_id=asked.sender.id, with_filtered=True)
    shown = [folded(request, one) for one in found if not is_hidden(request.filters, FilterContext.NOTIFICATIONS, one.post)]
    return await request.show(
        "notifications/request.html", asked=asked, notices=group_notices(shown, read_to=0), statements={}, outcomes={},
        **page_links(page, [one.id for one in found]),
    )


async def accept(request: Request) -> Reply:
    async with request.database.write() as tx:
        await actions.accept_request(tx, request.viewer.id, request.id())
    return request.redirect("/notifications/requests?accepted=1")


async def dismiss(request: Request) -> Reply:
    async with request.database.write() as tx:
        await actions.dismiss_request(tx, request.viewer.id, request.id())
    return request.redirect("/notifications/requests?dismissed=1")


async def accept_several(request: Request) -> Reply:
    async with request.database.write() as tx:
        await actions.accept_requests(tx, request.viewer.id, request.form.ids("requests"))
    return request.redirect("/notifications/requests?accepted=1")


async def dismiss_several(request: Request) -> Reply:
    async with request.database.write() as tx:
        await actions.dismiss_requests(tx, request.viewer.id, request.form.ids("requests"))
    return request.redirect("/notifications/requests?dismissed=1")


async def _policy_page(request: Request, policy: dict[str, str], errors: dict[str, str], status: int = 200) -> Reply:
    page = request.page()
    async with request.database.read() as conn:
        rows = await list_allowed(conn, request.viewer.id, page)
    return await request.show(
        "settings/notifications.html", status, policy=policy, errors=errors, allowed=[account.shown_to_others() for _, account in rows],
        **page_links(page, [row_id for row_id, _ in rows]),
    )


_REQUESTS = "/notifications/requests"
ROUTES = [
    Route("GET", "/settings/notifications", show_policy, Access.MEMBER),
    Route("POST", "/settings/notifications", change_policy, Access.MEMBER),
    Route("POST", "/settings/notifications/{id}/stop", stop_allowing, Access.MEMBER),
    Route("GET", _REQUESTS, index, Access.MEMBER),
    Route("POST", f"{_REQUESTS}/accept", accept_several, Access.MEMBER),
    Route("POST", f"{_REQUESTS}/dismiss", dismiss_several, Access.MEMBER),
    Route("GET", f"{_REQUESTS}/{{id}}", show, Access.MEMBER),
    Route("POST", f"{_REQUESTS}/{{id}}/accept", accept, Access.MEMBER),
    Route("POST", f"{_REQUESTS}/{{id}}/dismiss", dismiss, Access.MEMBER),
]
