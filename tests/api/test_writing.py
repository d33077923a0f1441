"""Writing through the client API as apps do: forms, multipart, JSON; edits; replies; scheduled times."""

from datetime import timedelta

import pytest

from folkmoot.base import clock
from tests.api.test_accounts import picture
from tests.village import Village


async def test_an_edit_removes_absent_parts_but_keeps_the_language(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana")
    await jana.send("PATCH", "/api/v1/accounts/update_credentials", {"source[language]": "cs", "source[sensitive]": "true"})
    status = (await jana.post("/api/v1/statuses", {"status": "Hello", "spoiler_text": "careful", "language": "en"})).json
    assert (status["language"], status["sensitive"]) == ("en", True)
    edited = (await jana.send("PUT", f"/api/v1/statuses/{status['id']}", {"status": "Hello again"})).json
    assert (edited["language"], edited["sensitive"], edited["spoiler_text"]) == ("en", False, "")
    edited = (await jana.send("PATCH", f"/api/v1/statuses/{status['id']}", as_json={
        "status": "Ahoj", "language": "cs", "sensitive": True, "poll": None, "media_ids": []})).json
    assert (edited["language"], edited["sensitive"]) == ("cs", True)


async def test_history_shows_the_pictures_of_each_version(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana")
    media = (await jana.upload("/api/v2/media", "file", picture(), description="Plocha")).json["id"]
    status = (await jana.post("/api/v1/statuses", {"status": "a", "media_ids[]": [media]})).json
    await jana.send("PUT", f"/api/v1/statuses/{status['id']}", {
        "status": "b", "media_ids[]": [media], "media_attributes[][id]": media, "media_attributes[][description]": "Rudá plocha"})
    versions = (await village.nobody().get(f"/api/v1/statuses/{status['id']}/history")).json
    assert [[item["description"] for item in version["media_attachments"]] for version in versions] == [["Plocha"], ["Rudá plocha"]]


async def test_an_edit_describes_only_its_own_pictures(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana")
    first, second = [(await jana.upload("/api/v2/media", "file", picture(), description="Plocha")).json["id"] for _ in range(2)]
    other = (await jana.post("/api/v1/statuses", {"status": "a", "media_ids[]": [first]})).json
    status = (await jana.post("/api/v1/statuses", {"status": "b", "media_ids[]": [second]})).json
    answer = await jana.send("PUT", f"/api/v1/statuses/{status['id']}", as_json={
        "status": "b", "media_ids": [second], "media_attributes": [{"id": first, "description": "přepsáno"}]})
    assert answer.status == 404
    assert (await jana.send("PUT", f"/api/v1/media/{first}", {"description": "přepsáno"})).status == 404
    seen = (await jana.get(f"/api/v1/statuses/{other['id']}")).json
    assert seen["media_attachments"][0]["description"] == "Plocha"


async def test_a_missing_parent_has_its_own_error(village: Village) -> None:
    await village.settle("jana", "karel")
    hidden = (await village.write("karel", "jen nám", visibility=2)).post.id
    jana = await village.by_app("jana")
    for target in (str(hidden), "12", "abc"):
        answer = await jana.post("/api/v1/statuses", {"status": "a", "in_reply_to_id": target})
        assert (answer.status, answer.json) == (404, {"error": "The post you are trying to reply to does not appear to exist."})
    await village.follow("jana", "karel")
    assert (await jana.post("/api/v1/statuses", {"status": "a", "in_reply_to_id": hidden})).json["in_reply_to_id"] == str(hidden)


async def test_a_past_time_publishes_at_once(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana")
    past, ahead = clock.now() - timedelta(hours=1), clock.now() + timedelta(hours=1)
    assert (await jana.post("/api/v1/statuses", {"status": "a", "scheduled_at": past.isoformat()})).json["content"] == "<p>a</p>"
    assert "content" not in (await jana.post("/api/v1/statuses", {"status": "a", "scheduled_at": ahead.isoformat()})).json
    assert (await jana.post("/api/v1/statuses", {"status": "a", "scheduled_at": "zítra"})).status == 422
    assert len((await jana.get(f"/api/v1/accounts/{village.people['jana'].id}/statuses")).json) == 1


async def test_form_multipart_and_json_are_equivalent(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana")
    fields = {"status": "?", "spoiler_text": "pozor", "visibility": "unlisted", "poll[options][]": "ano", "poll[expires_in]": "600",
              "poll[multiple]": "1"}
    parts = [*fields.items(), ("poll[options][]", "ne")]
    multipart = "".join(f'--frontier\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in parts)
    answers = [
        await jana.post("/api/v1/statuses", {**fields, "poll[options][]": ["ano", "ne"]}),
        await jana.send("POST", "/api/v1/statuses", body=f"{multipart}--frontier--\r\n".encode(),
                        headers={"content-type": "multipart/form-data; boundary=frontier"}),
        await jana.send("POST", "/api/v1/statuses", as_json={
            "status": "?", "spoiler_text": "pozor", "visibility": "unlisted", "in_reply_to_id": None, "media_ids": None,
            "poll": {"options": ["ano", "ne"], "expires_in": 600, "multiple": True}}),
        await jana.send("POST", "/api/v1/statuses", as_json={
            "status": "?", "spoiler_text": "pozor", "visibility": "unlisted", "poll": {
                "options": ["ano", "ne"], "expires_in": "600", "multiple": "on"}}),
    ]
    shown = [(answer.status, answer.json["spoiler_text"], answer.json["visibility"], answer.json["poll"]["multiple"],
              [option["title"] for option in answer.json["poll"]["options"]]) for answer in answers]
    assert shown == [(200, "pozor", "unlisted", True, ["ano", "ne"])] * 4


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_both_methods_edit(village: Village, method: str) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana")
    media = (await jana.upload("/api/v1/media", "file", picture())).json["id"]
    status = (await jana.post("/api/v1/statuses", {"status": "a"})).json["id"]
    for path, form in ((f"/api/v1/media/{media}", {"description": "x", "focus": "2,-0.25"}),
                       (f"/api/v1/statuses/{status}", {"status": "b"}),
                       ("/api/v1/profile", {"note": "c"}), ("/api/v1/accounts/update_credentials", {"note": "c"})):
        assert (await jana.send(method, path, form)).status == 200, path
    assert (await jana.get(f"/api/v1/media/{media}")).json["meta"]["focus"] == {"x": 1.0, "y": -0.25}


async def test_unused_media_can_be_deleted_and_used_ones_not(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana")
    media = (await jana.upload("/api/v2/media", "file", picture())).json["id"]
    assert (await jana.send("DELETE", f"/api/v1/media/{media}")).json == {}
    assert (await jana.get(f"/api/v1/media/{media}")).status == 404
    media = (await jana.upload("/api/v2/media", "file", picture())).json["id"]
    await jana.post("/api/v1/statuses", {"status": "a", "media_ids[]": [media]})
    refused = await jana.send("DELETE", f"/api/v1/media/{media}")
    assert (refused.status, refused.json["error"]) == (422, "Validation failed: Media attachment is currently used by a status")
    for method in ("GET", "PUT"):
        assert (await jana.send(method, f"/api/v1/media/{media}", {"description": "x"})).status == 404


async def test_content_is_html_that_apps_can_show(village: Village) -> None:
    await village.settle("jana", "karel")
    jana = await village.by_app("jana")
    long_ = "https://www.example.org/a/very/long/path/that/goes/on?and=on"
    text = f"<b>tučně</b> & @karel #Kašna {long_}\nřádek\n\nodstavec :smile: javascript:alert(1)"
    content = (await jana.post("/api/v1/statuses", {"status": text})).json["content"]
    assert "&lt;b&gt;tučně&lt;/b&gt; &amp; " in content
    assert '<span class="h-card"' in content
    assert 'class="u-url mention"' in content
    assert 'class="mention hashtag" rel="tag"' in content
    for part in ('<span class="invisible">https://www.</span>', '<span class="ellipsis">', "<br", "</p><p>odstavec :smile:"):
        assert part in content, content
    assert 'href="javascript' not in content
    edge = "x" * 476 + " " + long_ * 1
    assert (await jana.post("/api/v1/statuses", {"status": edge})).status == 200  # a URL counts as 23 characters
    assert (await jana.post("/api/v1/statuses", {"status": "x" + edge})).status == 422
