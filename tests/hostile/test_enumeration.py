"""Hidden, deleted and nonexistent: the same response, byte by byte, after the same number of statements."""

import re
from typing import Any

import pytest

from folkmoot.api.routes import ROUTES as API_ROUTES
from folkmoot.base import ids
from folkmoot.network.posts.model import Visibility
from folkmoot.web.routes import ROUTES as WEB_ROUTES
from tests.api.test_accounts import picture
from tests.village import Answer, Village, Visitor
from tests.web.test_pages import form_token, send

_BY_ID = re.compile(r"^(/api/v1/statuses/|/posts/|/@\{name\}/\{id\}$|/api/v1/polls/|/api/v1/media/|/media/)")


def _same(answer: Answer, *own: str) -> tuple[Any, ...]:
    """The response without the parts that differ in each response."""
    text = re.sub(r'name="form_token" value="[^"]*"', "", answer.body.decode())
    headers = {name: value for name, value in answer.headers.items() if name not in ("x-request-id", "x-ratelimit-remaining")}
    for word in own:
        text = text.replace(word, "ID")
        headers = {name: value.replace(word, "ID") for name, value in headers.items()}
    return answer.status, text, headers


async def _ask(visitor: Visitor, method: str, path: str, form: Any, village: Village) -> tuple[Answer, int]:
    before = village.database.statements
    answer = await visitor.send(method, path, form)
    return answer, village.database.statements - before


@pytest.mark.usefixtures("known_viewers")
async def test_hidden_deleted_and_nonexistent_posts_look_the_same(village: Village) -> None:
    jana, karel, eva = await village.settle("jana", "karel", "eva")
    hidden = (await village.write("karel", "jen pro nás", visibility=Visibility.FOLLOWERS)).post
    await village.write("karel", "pokračování", visibility=Visibility.FOLLOWERS, reply_to_id=hidden.id)
    direct = (await village.write("karel", "@eva tajné", visibility=Visibility.DIRECT)).post
    deleted = (await village.write("karel", "smazané")).post
    await (await village.by_app("karel")).send("DELETE", f"/api/v1/statuses/{deleted.id}")
    blocking = (await village.write("eva", "ne pro Janu")).post
    await (await village.by_app("eva")).post(f"/api/v1/accounts/{jana.id}/block")
    never = ids.make_id(ids.shard_of(karel.id))
    app, browser = await village.by_app("jana"), await village.by_browser("jana")
    token = form_token((await browser.get("/posts/new")).text)
    compared = 0
    for route in [*API_ROUTES, *WEB_ROUTES]:
        if not _BY_ID.match(route.path) or "{" not in route.path or route.path == "/media/{name}":
            continue
        visitor, proof = (app, {}) if route in API_ROUTES else (browser, {"form_token": token})
        form = None if route.method == "GET" else {**proof, "status": "x", "text": "x", "choices[]": ["0"]}
        seen = []
        for id_ in (hidden.id, direct.id, deleted.id, blocking.id, never):
            path = route.path.replace("{id}", str(id_)).replace("@{name}", "@karel")
            await visitor.send(route.method, path, form)  # the first request fills the caches
            answer, statements = await _ask(visitor, route.method, path, form, village)
            seen.append((_same(answer, str(id_)), statements))
        assert all(other == seen[0] for other in seen), (
            route.method,
            route.path,
            [entry[0][0] for entry in seen],
            [entry[1] for entry in seen],
        )
        assert seen[0][0][0] == 404, route
        compared += 1
    assert compared > 40
    assert eva.id


async def test_a_private_picture_looks_like_a_nonexistent_one(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana")
    upload = (await jana.upload("/api/v2/media", "file", picture())).json
    await jana.post("/api/v1/statuses", {"status": "x", "media_ids[]": [upload["id"]], "visibility": "private"})
    path = upload["url"].removeprefix("http://localhost:8420").partition("?")[0]
    key = path.split("/")[-1].split(".")[0]
    other = "A" * len(key)
    for query in ("", "?until=9&key=x"):  # the page repeats its own address
        private, absent = [_same(await village.nobody().get(address + query), key, other) for address in (path, path.replace(key, other))]
        assert private == absent
        assert private[0] == 404


async def test_data_of_other_accounts_are_not_found(village: Village) -> None:
    """Notifications, uploads, sessions, tokens, conversations and invitations of other accounts are not found."""
    await village.settle("jana", "karel", "eva")
    conversation = (await village.write("eva", "@jana důvěrně", visibility=Visibility.DIRECT)).post.conversation_id
    await village.work()
    jana, karel, browser = await village.by_app("jana"), await village.by_app("karel"), await village.by_browser("karel")
    upload = (await jana.upload("/api/v2/media", "file", picture())).json["id"]
    notice = (await jana.get("/api/v1/notifications")).json[0]["id"]
    token = form_token((await browser.get("/settings")).text)
    async with village.database.read() as conn:
        session = await conn.fetchval("SELECT id FROM tokens WHERE account_id = $1", village.people["jana"].id)
    await send(await village.by_browser("jana"), "/settings/invitations", "/settings/invitations", uses="1", days="7")
    async with village.database.read() as conn:
        invitation = await conn.fetchval("SELECT id FROM invitations")
    for visitor, method, path in (
        (karel, "GET", f"/api/v1/notifications/{notice}"),
        (karel, "POST", f"/api/v1/notifications/{notice}/dismiss"),
        (karel, "GET", f"/api/v1/media/{upload}"),
        (karel, "PUT", f"/api/v1/media/{upload}"),
        (karel, "DELETE", f"/api/v1/media/{upload}"),
        (browser, "POST", f"/settings/tokens/{session}/revoke"),
        (browser, "POST", f"/settings/sessions/{session}/end"),
        (karel, "POST", f"/api/v1/conversations/{conversation}/read"),
        (karel, "POST", f"/api/v1/conversations/{conversation}/unread"),
        (karel, "DELETE", f"/api/v1/conversations/{conversation}"),
        (browser, "POST", f"/settings/invitations/{invitation}/withdraw"),
    ):
        first = _same(await visitor.send(method, path, {"form_token": token}), *re.findall(r"\d{10,}", path))
        never = str(ids.make_id(7))
        other = re.sub(r"\d{10,}", never, path)
        assert first == _same(await visitor.send(method, other, {"form_token": token}), never), path
        assert first[0] == 404
    assert (await jana.get(f"/api/v1/notifications/{notice}")).status == 200
    assert (await jana.post(f"/api/v1/conversations/{conversation}/read")).status == 200
    async with village.database.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM invitations") == 1
