"""Changing the language, logging in and signing up lead back to the same page, with its query, and never to another site."""

import html
import re
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.village import Answer, Village, Visitor

OWN = "http://localhost:8420"
OOB = "urn:ietf:wg:oauth:2.0:oob"


def _field(page: Answer, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found, page.text
    return html.unescape(found[1])


def _language_form(page: Answer) -> dict[str, str]:
    """The fields of the form that changes the language."""
    form = page.text.partition('action="/language"')[2].partition("</form>")[0]
    assert form
    return {name: html.unescape(value) for name, value in re.findall(r'name="(form_token|back)" value="([^"]*)"', form)}


async def _switch(visitor: Visitor, page: Answer, language: str = "cs", **headers: str) -> Answer:
    answer = await visitor.post("/language", {**_language_form(page), "language": language}, **{"origin": OWN, **headers})
    assert answer.status == 303
    return answer


async def _authorization(village: Village, **more: str) -> str:
    registration = {"client_name": "Zvonek", "redirect_uris": f"{OOB} zvonek://zpet", "scopes": "read"}
    app = (await village.nobody().post("/api/v1/apps", registration)).json
    query = {"client_id": app["client_id"], "redirect_uri": OOB, "response_type": "code", "scope": "read", **more}
    return f"/oauth/authorize?{urlencode(query)}"


@pytest.mark.parametrize("address", [
    "/explore", "/search?q=ka%C5%A1na&kind=posts", "/tags/ka%C5%A1na?before=12", "/@jana?before=9&x=%26%3D%23", "/log_in?next=%2Fsettings",
    "/sign_up?invitation=abc&next=%2Fsettings", "/nowhere/at%20all?x=1", "/about?a=1&a=2&b",
])
async def test_the_language_form_leads_back_to_the_same_address(village: Village, address: str) -> None:
    await village.settle("jana")
    visitor = village.nobody()
    page = await visitor.get(address)
    answer = await _switch(visitor, page)
    assert answer.headers["location"] == address
    assert 'lang="cs"' in (await visitor.get(address)).text


async def test_the_page_for_apps_survives_a_change_of_language(village: Village) -> None:
    await village.settle("jana")
    browser = await village.by_browser("jana")
    address = await _authorization(village, state="a b+c&d=ř/%25")
    answer = await _switch(browser, await browser.get(address))
    again = await browser.get(answer.headers["location"])
    assert again.status == 200
    assert 'lang="cs"' in again.text
    assert _field(again, "state") == "a b+c&d=ř/%25"


@pytest.mark.parametrize("state", ["", "x" * 4000, "ř%&" * 1300])
async def test_log_in_on_the_way_to_an_app_keeps_its_request(village: Village, state: str) -> None:
    """Over the log-in page, a refused log-in and a change of language on each of them."""
    visitor = village.nobody()
    wanted = await _authorization(village, state=state)
    log_in = (await visitor.get(wanted)).headers["location"]
    page = await visitor.get((await _switch(visitor, await visitor.get(log_in))).headers["location"])
    action = re.search(r'method="post" action="(/log_in[^"]*)"', page.text)
    assert action
    refused = await visitor.post(html.unescape(action[1]), {
        "form_token": _field(page, "form_token"), "next": _field(page, "next"), "name": "jana", "password": "x",
    })
    assert refused.status == 422
    page = await visitor.get((await _switch(visitor, refused, "en")).headers["location"])
    assert parse_qs(urlsplit(_field(page, "next")).query, keep_blank_values=True)["state"] == [state]
    links = [html.unescape(link) for link in re.findall(r'href="(/(?:sign_up|log_in)[^"]*)"', page.text)]
    assert {urlsplit(link).path for link in links} == {"/log_in", "/sign_up"}
    for link in links:
        assert _field(await visitor.get(link), "next") == _field(page, "next"), link


async def test_links_to_the_log_in_page_lead_back(village: Village) -> None:
    await village.settle("jana")
    page = await village.nobody().get("/@jana?before=12&x=1")
    links = {html.unescape(link) for link in re.findall(r'href="(/(?:sign_up|log_in)[^"]*)"', page.text)}
    assert links == {f"/{name}?{urlencode({'next': '/@jana?before=12&x=1'})}" for name in ("log_in", "sign_up")}
    front = await village.nobody().get("/explore")
    assert 'href="/log_in?next=%2Fexplore"' in front.text


@pytest.mark.parametrize("away", [
    "//evil.example", "/\\evil.example", "https://evil.example/", "/%0d//evil.example\r\nx: y", "javascript:alert(1)", "/\t/evil.example",
    "\\\\evil.example", "/" + "x" * 40_000, "evil", "",
])
async def test_no_form_leads_to_another_site(village: Village, away: str) -> None:
    await village.settle("jana")
    visitor = village.nobody()
    page = await visitor.get("/explore")
    sent = {**_language_form(page), "language": "cs", "back": away}
    for headers in ({}, {"referer": f"http://localhost:8420{away}" if away.startswith("/") else "https://evil.example//evil.example"}):
        answer = await visitor.post("/language", sent, origin=OWN, **headers)
        assert answer.status == 303
        assert urlsplit(answer.headers["location"]).netloc == ""
        assert answer.headers["location"].startswith("/")
        assert not answer.headers["location"].startswith(("//", "/\\"))
    shown = await visitor.get(f"/log_in?{urlencode({'next': away})}")
    assert _field(shown, "next") == ""
    for path in ("//evil.example/", "/%5Cevil.example"):
        assert (await _switch(visitor, await visitor.get(path))).headers["location"] in ("/", "/%5Cevil.example")


async def test_an_answer_to_a_form_leads_back_to_its_page(village: Village) -> None:
    """A refused form without a page of its own: the language form leads to where the form was sent from."""
    await village.settle("jana", "karel")
    browser = await village.by_browser("jana")
    token = _field(await browser.get("/@karel"), "form_token")
    for sent, headers, where in (
        ({"back": "/@karel?before=5"}, {}, "/@karel?before=5"), ({}, {}, "/"),
        ({}, {"referer": "http://localhost:8420/tags/x?before=1"}, "/tags/x?before=1"),
    ):
        refused = await browser.post("/posts/1/favourite", {"form_token": token, **sent}, **headers)
        assert refused.status == 404
        assert (await _switch(browser, refused)).headers["location"] == where
