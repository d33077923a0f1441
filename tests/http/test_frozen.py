"""A frozen member can read, undo, report and appeal, but do nothing that others see. Every unsafe route is tested."""

import re
from typing import Any

import pytest

from folkmoot.api.routes import ROUTES as API
from folkmoot.http.routing import Access, Route
from folkmoot.network.accounts.actions import set_effect
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.posts.model import PollDraft
from folkmoot.network.sessions.actions import forget_viewer
from folkmoot.web.routes import ROUTES as WEB
from tests.api.test_accounts import picture
from tests.hostile.sample import Sample, build_sample, schedule, state
from tests.hostile.test_routes import TOMORROW
from tests.village import Answer, Village
from tests.web.test_pages import form_token

SENTENCE = "Your account is frozen. You can read, but not write."
# Undoing, reporting and appealing, own privacy, log-ins, and what nobody else sees.
ALLOWED = {
    *(f"POST /api/v1/statuses/{{id}}/{verb}" for verb in (
        "unreblog", "unfavourite", "bookmark", "unbookmark", "mute", "unmute", "unpin", "translate", "quotes/{quoting_id}/revoke")),
    "PUT /api/v1/statuses/{id}/interaction_policy", "PATCH /api/v1/statuses/{id}/interaction_policy",
    "DELETE /api/v1/statuses/{id}",
    *(f"POST /api/v1/accounts/{{id}}/{verb}" for verb in (
        "unfollow", "remove_from_followers", "block", "unblock", "mute", "unmute", "note", "unendorse", "unpin")),
    "POST /api/v1/follow_requests/{id}/authorize", "POST /api/v1/follow_requests/{id}/reject",
    "POST /api/v1/reports", "DELETE /api/v1/media/{id}", "POST /api/v1/markers",
    "POST /api/v1/notifications/clear", "DELETE /api/v1/notifications/destroy_multiple", "DELETE /api/v1/notifications/{id}",
    "POST /api/v1/notifications/{id}/dismiss", "POST /api/v2/notifications/clear", "POST /api/v2/notifications/{key}/dismiss",
    *(f"{method} /api/{version}/notifications/policy" for method in ("PUT", "PATCH") for version in ("v1", "v2")),
    *(f"POST /api/v1/notifications/requests/{path}" for path in ("accept", "dismiss", "{id}/accept", "{id}/dismiss")),
    *(f"POST /notifications/requests/{path}" for path in ("accept", "dismiss", "{id}/accept", "{id}/dismiss")),
    "DELETE /api/v1/suggestions/{id}", "POST /suggestions/{id}/dismiss",
    "POST /api/v1/domain_blocks", "DELETE /api/v1/domain_blocks",
    *(f"POST /settings/domains{path}" for path in ("", "/several", "/unblock")),
    "POST /settings/notifications", "POST /settings/notifications/{id}/stop",
    "POST /api/v1/conversations/{id}/read", "POST /api/v1/conversations/{id}/unread", "DELETE /api/v1/conversations/{id}",
    "POST /api/v1/apps", "POST /oauth/token", "POST /oauth/revoke", "POST /oauth/userinfo", "POST /api/v1/accounts",
    "POST /api/v1/emails/confirmations",
    *(f"POST /posts/{{id}}/{verb}" for verb in (
        "delete", "unfavourite", "unboost", "bookmark", "unbookmark", "unpin", "mute", "unmute", "quoting",
        "quotes/{quoting_id}/revoke")),
    *(f"POST /accounts/{{id}}/{verb}" for verb in (
        "note", "unfollow", "mute", "unmute", "block", "unblock", "remove", "accept", "reject", "unendorse")),
    "POST /log_in", "POST /log_out", "POST /sign_up", "POST /confirm/{code}", "POST /reset", "POST /reset/{code}", "POST /language",
    "POST /settings/email/mails",
    "POST /settings/appearance", "POST /settings/password", "POST /settings/sessions/others/end", "POST /settings/sessions/{id}/end",
    "POST /settings/tokens/{id}/revoke", "POST /settings/invitations/{id}/withdraw",
    "POST /notifications/clear", "POST /messages/{id}/put_away", "POST /messages/{id}/put_back",
    "POST /oauth/authorize",
    "POST /settings/email", "POST /email/change/{code}", "POST /email/keep/{code}", "POST /settings/export", "POST /settings/delete",
    "POST /rules/{version}/seen", "POST /notice", "POST /notice/{number}/confirm/{code}", "POST /api/folkmoot/v1/notices",
    "POST /api/v1/announcements/{id}/dismiss", "POST /notice/{number}/{key}/appeal", "POST /api/folkmoot/v1/notices/{number}/appeal",
    "POST /stay/{code}", "POST /waiting/send_again", "POST /waiting/withdraw",
    "POST /reports", "POST /reports/{id}/appeal", "POST /statements/{id}/appeal",
    "POST /api/v1/lists", "PUT /api/v1/lists/{id}", "PATCH /api/v1/lists/{id}", "DELETE /api/v1/lists/{id}",
    "POST /api/v1/lists/{id}/accounts", "DELETE /api/v1/lists/{id}/accounts",
    "POST /lists", "POST /lists/{id}/edit", "POST /lists/{id}/delete", "POST /lists/{id}/remove", "POST /accounts/{id}/lists",
    *(f"{method} /api/v{version}/filters/{{id}}" for method in ("PUT", "PATCH", "DELETE") for version in (1, 2)),
    *(f"{method} /api/v2/filters/keywords/{{id}}" for method in ("PUT", "PATCH", "DELETE")),
    "POST /api/v1/filters", "POST /api/v2/filters", "POST /api/v2/filters/{id}/keywords", "POST /api/v2/filters/{id}/statuses",
    "DELETE /api/v2/filters/statuses/{id}", "POST /settings/filters", "POST /settings/filters/{id}", "POST /settings/filters/{id}/delete",
    "POST /settings/filters/posts/{id}/remove", "POST /posts/{id}/filters",
    *(f"{method} /api/v1/push/subscription" for method in ("POST", "PUT", "PATCH", "DELETE")),
    "POST /settings/push", "POST /settings/push/end",
    *(f"POST /jury{path}" for path in (
        "", "/choices", "/pause", "/resume", "/leave", "/training", "/training/answer", "/mails", "/review", "/review/answer",
        "/review/skip")),
    *(f"POST /api/folkmoot/v1/jury{path}" for path in (
        "", "/pause", "/resume", "/training", "/training/answers", "/items", "/items/{id}/answer", "/items/{id}/skip")),
    "PUT /api/folkmoot/v1/jury", "DELETE /api/folkmoot/v1/jury", "PUT /api/folkmoot/v1/jury/calls",
    "DELETE /api/v1/scheduled_statuses/{id}", "POST /scheduled/{id}/delete",
    "POST /api/v1/tags/{name}/follow", "POST /api/v1/tags/{name}/unfollow",  # nobody else sees it
    "POST /hashtags", "POST /tags/{hashtag}/follow", "POST /tags/{hashtag}/unfollow",
    # Nothing is announced here; tests/api/test_announcements.py tests that a frozen member cannot react.
    *(f"{method} /api/v1/announcements/{{id}}/reactions/{{name}}" for method in ("PUT", "DELETE")), "POST /rules/{version}/react",
    "DELETE /api/v1/featured_tags/{id}", "POST /api/v1/tags/{name}/unfeature", "POST /settings/hashtags/{id}/remove",
}
# Routes whose effect others see, with valid parameters. The ids are those of the sample, or of the member's own objects.
REFUSED: dict[str, dict[str, Any]] = {
    "POST /api/v1/statuses": {"status": "dobré ráno"},
    "PUT /api/v1/statuses/{own}": {"status": "opraveno"},
    "PATCH /api/v1/statuses/{own}": {"status": "opraveno znovu"},
    "POST /api/v1/statuses/{poll_post}/reblog": {},
    "POST /api/v1/statuses/{poll_post}/favourite": {},
    "POST /api/v1/statuses/{own}/pin": {},
    "PATCH /api/v1/accounts/update_credentials": {"display_name": "Jana z Prahy"},
    "PUT /api/v1/accounts/update_credentials": {"note": "Zahradnice"},
    "PATCH /api/v1/profile": {"fields_attributes[0][name]": "Web", "fields_attributes[0][value]": "example.org"},
    "PUT /api/v1/profile": {"bot": "true"},
    "DELETE /api/v1/profile/avatar": {},
    "DELETE /api/v1/profile/header": {},
    "POST /api/v1/polls/{poll}/votes": {"choices[]": "0"},
    "POST /api/v2/media": {"file": picture()},
    "POST /api/v1/media": {"file": picture()},
    "PUT /api/v1/media/{media}": {"description": "Kašna"},
    "PATCH /api/v1/media/{media}": {"description": "Kašna v zimě"},
    "POST /api/v1/accounts/{other}/follow": {},
    "POST /api/v1/featured_tags": {"name": "zahrada"},
    "POST /api/v1/accounts/{other}/endorse": {},
    "POST /api/v1/accounts/{account}/pin": {},
    "POST /api/v1/tags/{name}/feature": {},
    "PUT /api/v1/scheduled_statuses/{scheduled}": {"scheduled_at": f"{TOMORROW}:00Z"},
    "PATCH /api/v1/scheduled_statuses/{scheduled}": {"scheduled_at": f"{TOMORROW}:30Z"},
    "POST /posts": {"text": "dobré ráno"},
    "POST /scheduled/{scheduled}/edit": {"text": "jindy", "with_due_at": "true", "due_at": TOMORROW},
    "POST /scheduled/{scheduled}/publish": {},
    "POST /posts/{own}/edit": {"text": "opraveno"},
    "POST /posts/{poll_post}/vote": {"choices_{poll_post}": "0"},
    "POST /posts/{poll_post}/favourite": {},
    "POST /posts/{poll_post}/boost": {},
    "POST /posts/{own}/pin": {},
    "POST /accounts/{other}/follow": {},
    "POST /accounts/{other}/endorse": {},
    "POST /settings/profile": {"display_name": "Jana z Prahy"},
    "POST /settings/hashtags": {"name": "lavička"},
    "POST /settings/invitations": {"uses": "100", "days": "7"},
}


def _name(route_name: str) -> str:
    return re.sub(r"\{(own|poll_post|poll|media|other|account|scheduled)\}", "{id}", route_name)


UNSAFE: dict[str, Route] = {f"{route.method} {route.path}": route for route in [*API, *WEB] if route.method != "GET"}
ROLES = {route_name for route_name, route in UNSAFE.items() if route.access in (Access.MODERATOR, Access.OPERATOR)}


def test_every_unsafe_route_is_allowed_or_refused() -> None:
    assert {_name(route_name) for route_name in REFUSED} | ALLOWED | ROLES == set(UNSAFE)
    assert ROLES
    assert not {_name(route_name) for route_name in REFUSED} & ALLOWED


class _Member:
    """Jana with a browser and an app, who can be frozen and unfrozen."""

    def __init__(self, village: Village, sample: Sample) -> None:
        self.village, self.sample = village, sample

    async def open(self) -> "_Member":
        self.program = await self.sample.program("read write follow push jury profile admin:read admin:write")
        self.browser = await self.sample.member()
        self.token = form_token((await self.browser.get("/posts/new")).text)
        await self.program.upload("/api/v1/profile", "avatar", picture(), "PATCH")
        await self.program.upload("/api/v1/profile", "header", picture(), "PATCH")
        media = (await self.program.upload("/api/v2/media", "file", picture())).json["id"]
        await self.village.settle("dana")
        self.ids = await self._objects("eva", media)
        self.ids_of_pages = await self._objects("dana", media)
        return self

    async def _objects(self, other: str, media: str) -> dict[str, str]:
        """The objects for one entry point. Each has its own, because repeating an action on the same object changes nothing."""
        ids, own = self.sample.ids, await self.village.write("jana", "moje slova")
        poll = await self.village.write("karel", "Kam?", poll=PollDraft(titles=("sem", "tam"), expires_in=3600))
        scheduled = await schedule(self.village, "jana", "někdy")
        assert poll.post.poll
        return {**ids, "own": str(own.post.id), "poll_post": str(poll.post.id), "poll": str(poll.post.poll.id), "media": media,
                "scheduled": str(scheduled.id), "other": str(self.village.people[other].id), "id": ids["post"]}

    async def be(self, effect: AccountEffect) -> None:
        async with self.village.database.write() as tx:
            await set_effect(tx, self.village.people["jana"].id, effect)
            forget_viewer(tx, self.village.people["jana"].id)

    async def send(self, route_name: str, form: dict[str, Any]) -> Answer:
        method, path = route_name.split()
        is_api = UNSAFE[_name(route_name)] in API
        ids = self.ids if is_api else self.ids_of_pages
        path = path.format(**ids, quoting_id="1", hashtag="kašna", key="x", code="x", list="x", number="x", version="x", name="kašna",
                           host="kasna.example")
        if "file" in form:
            return await self.program.upload(path, "file", form["file"], method)
        form = {key.format(**ids): value for key, value in form.items()}
        if is_api:
            return await self.program.send(method, path, form)
        return await self.browser.send(method, path, {**form, "form_token": self.token})


@pytest.fixture
async def member(village: Village) -> _Member:
    return await _Member(village, await build_sample(village)).open()


async def test_visible_actions_are_refused_only_because_of_the_freeze(member: _Member) -> None:
    for route_name, form in REFUSED.items():
        await member.be(AccountEffect.FROZEN)
        before = await state(member.village.database)
        answer = await member.send(route_name, form)
        assert (answer.status, SENTENCE in answer.text) == (403, True), (route_name, answer.status, answer.text[:300])
        assert await state(member.village.database) == before, route_name
        await member.be(AccountEffect.NONE)
        before = await state(member.village.database)
        answer = await member.send(route_name, form)
        assert answer.status in (200, 202, 303), (route_name, answer.status, answer.text[:300])
        assert await state(member.village.database) != before, route_name


async def test_other_actions_are_not_refused(member: _Member) -> None:
    await member.be(AccountEffect.FROZEN)
    last = ["POST /log_out", "POST /settings/sessions/others/end", "POST /settings/password"]
    for route_name in [*sorted(ALLOWED - set(last)), *last]:
        answer = await member.send(route_name, {"id": "1", "q": "1"})
        assert SENTENCE not in answer.text, route_name
        assert answer.status < 500, route_name


async def test_a_frozen_member_still_decides_who_finds_and_follows_them(member: _Member) -> None:
    await member.be(AccountEffect.FROZEN)
    changed = await member.program.send("PATCH", "/api/v1/accounts/update_credentials", {"locked": "true", "discoverable": "false"})
    assert (changed.status, changed.json["locked"], changed.json["discoverable"]) == (200, True, False)
    form = {"form_token": member.token, "display_name": "Jana", "hides_collections": "true"}
    assert (await member.browser.post("/settings/profile", form)).status == 303


async def test_a_frozen_moderator_loses_the_role(member: _Member) -> None:
    async with member.village.database.write() as tx:
        await tx.execute("UPDATE logins SET role = 'operator'")
    for effect in (AccountEffect.FROZEN, AccountEffect.NONE):
        await member.be(effect)
        for route_name in ROLES:
            answer = await member.send(route_name, {})
            if effect is AccountEffect.NONE:
                assert answer.status in {200, 303, 400, 403, 404, 409, 422}, route_name
            elif UNSAFE[route_name] in API:
                assert (answer.status, answer.json) == (403, {"error": "This action is not allowed"}), route_name
            else:
                assert answer.status == 404, route_name
        assert (await member.browser.get("/moderate")).status == (404 if effect else 200)
