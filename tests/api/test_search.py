"""Search by URL, and the limits of search for visitors."""

from urllib.parse import urlencode

import pytest

from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.posts.actions import set_account_effect, set_effect
from folkmoot.network.posts.model import PostEffect
from tests.village import Village, Visitor

BASE = "http://localhost:8420"


async def _found(visitor: Visitor, **query: str) -> dict[str, list[str]]:
    answer = (await visitor.get("/api/v2/search?" + urlencode(query))).json
    return {"accounts": [account["acct"] for account in answer["accounts"]], "statuses": [status["id"] for status in answer["statuses"]],
            "hashtags": [tag["name"] for tag in answer["hashtags"]]}


async def test_a_url_finds_exactly_one_result(village: Village) -> None:
    await village.settle("jana", "karel", "janacek")
    post = str((await village.write("jana", "Ahoj #jana")).post.id)
    hidden = str((await village.write("jana", "jen nám", visibility=2)).post.id)
    karel = await village.by_app("karel")
    nothing: dict[str, list[str]] = {"accounts": [], "statuses": [], "hashtags": []}
    for text in (f"{BASE}/@jana", f"{BASE}/users/jana", f"{BASE}/@JANA/"):
        assert await _found(karel, q=text, resolve="true") == {**nothing, "accounts": ["jana"]}
    for text in (f"{BASE}/@jana/{post}", f"{BASE}/users/jana/statuses/{post}"):
        assert await _found(karel, q=text, resolve="true") == {**nothing, "statuses": [post]}
    for text in (f"{BASE}/@jana/{hidden}", f"{BASE}/@karel/{post}", f"{BASE}/@nobody", f"{BASE}/@jana/99999999999999999999"):
        assert await _found(karel, q=text, resolve="true") == nothing, text
    assert await _found(karel, q=f"{BASE}/@jana/{post}", type="accounts") == nothing
    assert await _found(village.nobody(), q=f"{BASE}/@jana/{post}") == {**nothing, "statuses": [post]}


async def test_a_full_handle_of_this_network_is_found(village: Village) -> None:
    await village.settle("jana", "karel")
    karel = await village.by_app("karel")
    for text in ("@jana@localhost:8420", "jana@LOCALHOST:8420"):
        assert (await _found(karel, q=text, type="accounts"))["accounts"] == ["jana"]
        assert [account["acct"] for account in (await karel.get("/api/v1/accounts/search?" + urlencode({"q": text}))).json] == ["jana"]
        assert (await karel.get("/api/v1/accounts/lookup?" + urlencode({"acct": text}))).json["acct"] == "jana"
    assert (await _found(karel, q="@jana@elsewhere.example"))["accounts"] == []


async def test_visitors_see_only_the_first_page(village: Village) -> None:
    nobody = village.nobody()
    for query, error in (("q=a&resolve=true", "Search queries that resolve remote resources are not supported without authentication"),
                         ("q=a&offset=5", "Search queries pagination is not supported without authentication")):
        answer = await nobody.get(f"/api/v2/search?{query}")
        assert (answer.status, answer.json["error"]) == (401, error)
    assert (await nobody.get("/api/v2/search?q=a&resolve=false&offset=0")).status == 200
    assert (await nobody.get("/api/v2/search?q=")).status == 400


async def test_a_hashtag_in_a_query_is_whole(village: Village) -> None:
    await village.settle("jana")
    tram, line = [str((await village.write("jana", text)).post.id) for text in ("Jede #Tram dnes", "Jede #tramvaj a #Šalina dnes")]
    plain = str((await village.write("jana", "Jede tramvaj dnes")).post.id)
    jana = await village.by_app("jana")
    for query, found in (("#tram", [tram]), ("tram", [plain, line, tram]), ("#TRAMVAJ", [line]), ("jede #salina", [line]),
                         ("#tram #tramvaj", []), ("nejede #tram", []), ("#", [])):
        assert (await _found(jana, q=query, type="statuses"))["statuses"] == found, query
    assert (await _found(jana, q="#tram"))["hashtags"] == ["Tram", "tramvaj"]


@pytest.mark.parametrize("is_suspended", [False, True])
async def test_a_hashtag_is_suggested_while_a_post_with_it_is_open(village: Village, is_suspended: bool) -> None:
    await village.settle("jana", "karel")
    post = (await village.write("jana", "Nevhodné #tajnost")).post
    karel = await village.by_app("karel")

    async def suggested() -> list[str]:
        return [tag["name"] for tag in (await karel.get("/api/v2/search?q=tajn&type=hashtags")).json["hashtags"]]

    assert await suggested() == ["tajnost"]
    async with village.database.write() as tx:
        if is_suspended:
            await set_account_effect(tx, post.author.id, AccountEffect.SUSPENDED)
        else:
            await set_effect(tx, post.id, PostEffect.HIDDEN, None)
    assert await suggested() == []
