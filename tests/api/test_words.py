"""The words of posts through the client API: handles, audience, hashtags, languages, lengths, and the bounds of pages."""

import unicodedata
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.posts.actions import set_account_effect
from folkmoot.network.relations import actions as relations
from tests.village import Answer, Village, Visitor

STATUSES, CREDENTIALS = "/api/v1/statuses", "/api/v1/accounts/update_credentials"
FAMILY = "👨‍👩‍👧‍👦"
Post = Callable[..., Awaitable[Any]]


@pytest.fixture
async def jana(village: Village) -> Visitor:
    await village.settle("jana", "karel", "eva")
    return await village.by_app("jana")


async def _post(visitor: Visitor, text: str, **more: Any) -> Answer:
    return await visitor.post(STATUSES, {"status": text, **more})


# -- handles and audience ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("handle", ["@karel@localhost:8420", "@Karel@LOCALHOST:8420", "@karel"])
async def test_a_full_handle_of_this_network_is_a_mention(village: Village, jana: Visitor, handle: str) -> None:
    status = (await _post(jana, f"{handle} ahoj", visibility="direct")).json
    assert [(one["acct"], one["url"]) for one in status["mentions"]] == [("karel", "http://localhost:8420/@karel")]
    assert 'href="http://localhost:8420/@karel"' in status["content"]
    await village.work()
    karel = await village.by_app("karel")
    assert [one["type"] for one in (await karel.get("/api/v1/notifications")).json] == ["mention"]


@pytest.mark.parametrize(("text", "said"), [
    ("ahoj", "This names nobody"), ("@karell ahoj", "Nobody here is called @karell,"), ("@karell a @evaa ahoj", "called @karell, @evaa,"),
    ("@karel@elsewhere.example ahoj", "called @karel@elsewhere.example,"),
])
async def test_a_direct_post_to_nobody_is_refused(village: Village, jana: Visitor, text: str, said: str) -> None:
    answer = await _post(jana, text, visibility="direct")
    assert answer.status == 422
    assert said in answer.json["error"]
    assert [(one["error"], said in one["description"]) for one in answer.json["details"]["status"]] == [("ERR_INVALID", True)]
    assert (await _post(jana, text, visibility="public")).status == 200
    parent = await village.write("karel", "@jana mezi námi", visibility=3)
    assert (await _post(jana, text, in_reply_to_id=str(parent.post.id))).status == 422


async def test_a_direct_post_that_somebody_gets_is_sent(village: Village, jana: Visitor) -> None:
    assert (await _post(jana, "@jana poznámka", visibility="direct")).status == 200  # a note to oneself
    note = (await _post(jana, "@jana poznámka", visibility="direct")).json["id"]
    assert (await _post(jana, "a ještě něco", in_reply_to_id=note)).status == 200
    assert (await _post(jana, "@karell něco", in_reply_to_id=note)).status == 422
    message = (await _post(jana, "@karel @evaa ahoj", visibility="direct")).json["id"]
    assert (await _post(jana, "a ještě něco", in_reply_to_id=message)).status == 422  # Karel would not get it
    async with village.database.write() as tx:
        await relations.block(tx, village.people["karel"], village.people["jana"].id)
        await set_account_effect(tx, village.people["eva"].id, AccountEffect.SUSPENDED)
    blocked = await _post(jana, "@karel ahoj", visibility="direct")  # a block must not be told
    assert (blocked.status, blocked.json["mentions"]) == (200, [])
    assert (await _post(jana, "@eva ahoj", visibility="direct")).status == 422  # like her profile, which is gone


async def test_an_edit_of_a_message_is_not_refused_while_somebody_reads_it(jana: Visitor) -> None:
    for first, edited, status in (("@karel ahoj", "ahoj", 200), ("@karel ahoj", "@evaa ahoj", 200), ("@jana poznámka", "@jana lepší", 200)):
        path = f"{STATUSES}/{(await _post(jana, first, visibility='direct')).json['id']}"
        assert (await jana.send("PUT", path, {"status": edited})).status == status, edited


@pytest.mark.parametrize("handle", ["karel", "@karel", "karel@localhost:8420", "@KAREL@LocalHost:8420"])
async def test_accounts_are_found_by_every_spelling_of_their_handle(jana: Visitor, handle: str) -> None:
    assert (await jana.get("/api/v1/accounts/lookup?" + urlencode({"acct": handle}))).json["acct"] == "karel"
    assert [one["acct"] for one in (await jana.get("/api/v1/accounts/search?" + urlencode({"q": handle}))).json] == ["karel"]
    assert [one["acct"] for one in (await jana.get("/api/v2/search?" + urlencode({"q": handle}))).json["accounts"]] == ["karel"]
    assert (await jana.get("/api/v1/accounts/lookup?" + urlencode({"acct": f"{handle}@elsewhere.example"}))).status == 404


async def test_urls_find_accounts_in_every_spelling(jana: Visitor) -> None:
    for url in ("http://localhost:8420/@karel", "HTTP://LOCALHOST:8420/@karel@localhost:8420", "http://localhost:8420/users/karel"):
        assert [one["acct"] for one in (await jana.get("/api/v2/search?" + urlencode({"q": url}))).json["accounts"]] == ["karel"], url
        if "@localhost" not in url:
            found = await jana.get("/.well-known/webfinger?" + urlencode({"resource": url}))
            assert found.json["subject"] == "acct:karel@localhost:8420"
    for resource in ("acct:Karel@LOCALHOST:8420", "karel@localhost:8420"):
        assert (await jana.get("/.well-known/webfinger?" + urlencode({"resource": resource}))).status == 200
    for resource in ("acct:karel", "acct:karel@elsewhere.example", "https://elsewhere.example/@karel"):
        assert (await jana.get("/.well-known/webfinger?" + urlencode({"resource": resource}))).status == 404


# -- hashtags ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("written", "asked"), [
    ("ที่นี่", "ที่นี่"), ("हिन्दी", "हिन्दी"), ("Příroda", "PRIRODA"), ("Œuvre", "oeuvre"),
    ("Ærø", "aero"), ("한국어", "한국어"), ("がっこう", "がっこう"),
    ("می\u200cخواهم", "میخواهم"), ("Cafe\u0301", "cafe"), ("Příroda", "#příroda"),
])
async def test_a_hashtag_is_found_in_every_spelling(village: Village, jana: Visitor, written: str, asked: str) -> None:
    status = (await _post(jana, f"Tady je #{written}.")).json
    name = unicodedata.normalize("NFC", written)
    assert status["tags"] == [{"name": name, "url": f"http://localhost:8420/tags/{quote(name)}"}]
    assert f"#<span>{name}</span></a>." in status["content"]
    for form in ("NFC", "NFD"):
        text = unicodedata.normalize(form, asked)
        listed = [
            f"/api/v1/accounts/{village.people['jana'].id}/statuses?" + urlencode({"tagged": text}),
            f"/api/v1/timelines/tag/{text}", "/api/v1/timelines/tag/jine?" + urlencode({"any[]": text}),
            f"/api/v1/timelines/tag/{text}?" + urlencode({"all[]": text}),
        ]
        for path in listed:
            assert [one["id"] for one in (await jana.get(path)).json] == [status["id"]], path
        assert (await jana.get(f"/api/v1/timelines/tag/{text}?" + urlencode({"none[]": text}))).json == []
        tags = (await jana.get("/api/v2/search?" + urlencode({"q": text, "type": "hashtags"}))).json["hashtags"]
        assert [(tag["name"], tag["url"]) for tag in tags] == [(name, status["tags"][0]["url"])]
        if not text.startswith("#"):
            tag = (await jana.get(f"/api/v1/tags/{text}")).json
            assert (tag["name"], unicodedata.is_normalized("NFC", tag["id"])) == (name, True)


async def test_a_hashtag_keeps_the_spelling_of_its_first_writer(village: Village, jana: Visitor) -> None:
    await _post(jana, "#FolkMoot")
    second = (await _post(await village.by_app("karel"), "#folkmoot")).json
    assert second["tags"][0]["name"] == "folkmoot"
    assert (await jana.get("/api/v1/tags/FOLKMOOT")).json["name"] == "FolkMoot"


async def test_search_finds_words_of_scripts_with_combining_marks(jana: Visitor) -> None:
    ids = {text: (await _post(jana, text)).json["id"] for text in ("हिन्दी भाषा", "हम नहीं दे", "がっこうへ", "かっこう", "קוראים שָׁלוֹם")}
    for asked, text in (("हिन्दी", "हिन्दी भाषा"), ("がっこう", "がっこうへ"), ("שלום", "קוראים שָׁלוֹם")):
        found = (await jana.get("/api/v2/search?" + urlencode({"q": asked, "type": "statuses"}))).json["statuses"]
        assert [one["id"] for one in found] == [ids[text]], asked


# -- languages -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sent", "stored"), [
    ("cs", "cs"), ("es-419", "es"), ("zh-Hant-TW", "zh-TW"), ("en-US", "en"), ("EN", "en"),
    ("čeština", None), ("x" * 300, None), ("", None),
])
async def test_an_unknown_language_loses_no_post(jana: Visitor, sent: str, stored: str | None) -> None:
    status = (await _post(jana, "a", language=sent)).json
    assert status["language"] == stored
    path = f"{STATUSES}/{(await _post(jana, 'b', language='sk')).json['id']}"
    edited = (await jana.send("PUT", path, {"status": "c", "language": sent})).json["language"]
    assert edited == (stored if stored or not sent else "sk")


async def test_an_unknown_language_is_the_default_of_the_member(village: Village, jana: Visitor) -> None:
    for sent, own in (("pt-BR", "pt"), ("nesmysl", "pt"), ("zh-Hant-TW", "zh-TW"), ("cs-CZ", "cs")):
        assert (await jana.send("PATCH", CREDENTIALS, {"source[language]": sent})).json["source"]["language"] == own
    assert (await _post(jana, "a", language="nesmysl")).json["language"] == "cs"
    assert (await _post(jana, "a", language="")).json["language"] is None
    karel = f"/api/v1/accounts/{village.people['karel'].id}/follow"
    for languages, followed in ((["en-US", "zh", "nesmysl", "en"], ["en", "zh"]), (["nesmysl"], None)):
        assert (await jana.post(karel, {"languages[]": languages})).json["languages"] == followed


async def test_a_follow_of_a_language_includes_its_written_forms(village: Village, jana: Visitor) -> None:
    await jana.post(f"/api/v1/accounts/{village.people['karel'].id}/follow", {"languages[]": ["zh", "en"]})
    ids = [(await village.write("karel", "a", language=language)).post.id for language in ("zh-TW", "cs", "en", None)]
    await village.work()
    home = [one["id"] for one in (await jana.get("/api/v1/timelines/home")).json]
    assert home == [str(ids[3]), str(ids[2]), str(ids[0])]


# -- lengths and invisible characters ------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "is_accepted"), [
    (FAMILY * 500, True), (FAMILY * 501, False), ("a" + "\u0301" * 10_000, False), ("ที่" * 500, True), ("각" * 501, False),
    ("https://example.com/" + "a" * 3_000 + "。" + "x" * 476, True), ("@karel@localhost:8420 " + "x" * 493, True), ("x" * 501, False),
])
async def test_length_counts_characters_as_people_see_them(jana: Visitor, text: str, is_accepted: bool) -> None:
    answer = await _post(jana, text)
    assert (answer.status == 200) == is_accepted, answer.json
    if answer.status == 200:
        assert (await jana.get(f"{STATUSES}/{answer.json['id']}/source")).json["text"] == unicodedata.normalize("NFC", text)


async def test_all_limits_count_the_same_characters(jana: Visitor) -> None:
    assert (await jana.send("PATCH", CREDENTIALS, {"display_name": FAMILY * 30, "note": FAMILY * 500})).json["display_name"] == FAMILY * 30
    row = {"fields_attributes[0][name]": FAMILY * 255, "fields_attributes[0][value]": FAMILY * 255}
    assert (await jana.send("PATCH", CREDENTIALS, row)).json["fields"][0]["name"] == FAMILY * 255
    for wrong in ({"display_name": FAMILY * 31}, {"note": FAMILY * 501}, {"fields_attributes[0][name]": FAMILY * 256}):
        assert (await jana.send("PATCH", CREDENTIALS, wrong)).status == 422, wrong
    poll = {"poll[options][]": [FAMILY * 50, "b"], "poll[expires_in]": "600"}
    assert (await _post(jana, "a", **poll)).json["poll"]["options"][0]["title"] == FAMILY * 50
    assert (await _post(jana, "a", **{**poll, "poll[options][]": [FAMILY * 51, "b"]})).status == 422
    assert (await _post(jana, "", spoiler_text=FAMILY * 10, **poll)).json["spoiler_text"] == FAMILY * 10
    assert (await _post(jana, "a", spoiler_text=FAMILY * 500)).status == 422


@pytest.mark.parametrize("blank", ["\u200b", "\u3164", "\u2800", "\u00ad\u200d", "\u0301", "\U000e0041", "\u200f", "\u115f"])
async def test_invisible_characters_are_nothing(jana: Visitor, blank: str) -> None:
    assert (await _post(jana, blank * 3)).status == 422
    assert (await _post(jana, "a", **{"poll[options][]": ["a", blank], "poll[expires_in]": "600"})).status == 422
    same = {"poll[options][]": ["ano", f"a{blank}no"], "poll[expires_in]": "600"}
    assert (await _post(jana, "a", **same)).status == (200 if blank in "\u2800\u0301" else 422)
    assert (await _post(jana, "a", spoiler_text=blank)).json["spoiler_text"] == ""
    own = (await jana.send("PATCH", CREDENTIALS, {"display_name": blank, "note": blank})).json
    assert (own["display_name"], own["note"]) == ("", "")


# -- bounds of pages -----------------------------------------------------------------------------------------------


async def test_zero_is_a_bound_of_a_page(village: Village, jana: Visitor) -> None:
    ids = [(await _post(jana, f"slovo {number} #a")).json["id"] for number in range(4)]
    for id_ in ids:
        await jana.post(f"{STATUSES}/{id_}/favourite")
        await jana.post(f"{STATUSES}/{id_}/bookmark")
    karel = await village.by_app("karel")
    for number in range(4):
        await _post(karel, f"@jana {number}")
    await village.work()
    own = village.people["jana"].id
    for path in ("/api/v1/timelines/home", "/api/v1/timelines/public", "/api/v1/timelines/tag/a", f"/api/v1/accounts/{own}/statuses",
                 "/api/v1/favourites", "/api/v1/bookmarks", "/api/v1/notifications", "/api/v2/search"):
        base = f"{path}?q=slovo&type=statuses&limit=" if path.endswith("search") else f"{path}?limit="

        async def listed(query: str, base: str = base) -> list[str]:
            found = (await jana.get(f"{base}{query}")).json
            return [one["id"] for one in (found["statuses"] if isinstance(found, dict) else found)]

        every = await listed("40")
        assert len(every) >= 4, path
        assert await listed("2&max_id=0") == [], path
        assert await listed("2&min_id=0") == every[-2:], path
        assert await listed("2&since_id=0") == every[:2], path
