"""Hashtags on profiles: through the client API, on the profile page and in the settings."""

import re

import pytest

from folkmoot.network.accounts.actions import set_effect
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.featured.model import MOST_FEATURED
from folkmoot.network.posts.model import Visibility
from tests.village import Village, Visitor
from tests.web.test_pages import form_token

ALL = "/api/v1/featured_tags"


@pytest.fixture
async def jana(village: Village) -> Visitor:
    await village.settle("jana", "karel")
    return await village.by_app("jana")


async def test_hashtags_are_featured_with_the_figures_of_open_posts(village: Village, jana: Visitor) -> None:
    for text, visibility in (("#Kašna", 0), ("#kasna #voda", 1), ("#kašna", 2), ("@karel #kasna", 3)):
        await village.write("jana", text, visibility=Visibility(visibility))
    await village.write("karel", "#kašna")
    water = (await jana.post(ALL, {"name": "#voda"})).json
    fountain = (await jana.post(ALL, {"name": "Kašna"})).json
    assert fountain["url"] == "http://localhost:8420/@jana/tagged/Ka%C5%A1na"
    assert (fountain["name"], fountain["statuses_count"], water["statuses_count"]) == ("Kašna", "2", "1")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", fountain["last_status_at"])
    again = (await jana.post(ALL, {"name": "kasna"})).json
    assert again == fountain  # one hashtag, whatever its spelling
    assert (await jana.get(ALL)).json == [fountain, water]
    seen = f"/api/v1/accounts/{village.people['jana'].id}/featured_tags"
    assert (await village.nobody().get(seen)).json == [fountain, water]
    assert (await jana.get(f"{ALL}/suggestions")).json == []
    assert (await (await village.by_app("karel")).send("DELETE", f"{ALL}/{water['id']}")).status == 404
    assert (await jana.send("DELETE", f"{ALL}/{water['id']}")).json == {}
    assert [tag["name"] for tag in (await jana.get(f"{ALL}/suggestions")).json] == ["voda"]
    async with village.database.write() as tx:
        await set_effect(tx, village.people["jana"].id, AccountEffect.SUSPENDED)
    assert (await village.nobody().get(seen)).json == []


async def test_a_hashtag_knows_whether_it_is_featured(jana: Visitor) -> None:
    for verb, is_featured in (("feature", True), ("feature", True), ("unfeature", False), ("unfeature", False)):
        assert (await jana.post(f"/api/v1/tags/kasna/{verb}")).json["featuring"] is is_featured
        assert (await jana.get("/api/v1/tags/ka%C5%A1na".replace("ka%C5%A1na", "kašna"))).json["featuring"] is is_featured
    assert (await jana.post("/api/v1/tags/#x/feature")).status == 404


async def test_what_is_no_hashtag_and_one_too_many_are_refused(village: Village, jana: Visitor) -> None:
    for name in ("", "#", "dvě slova", "1234", "a" * 200):
        assert (await jana.post(ALL, {"name": name})).status == 422, name
    for number in range(MOST_FEATURED):
        assert (await jana.post(ALL, {"name": f"znak{number}"})).status == 200
    assert (await jana.post(ALL, {"name": "dalsi"})).status == 422
    assert (await jana.post(ALL, {"name": "znak3"})).status == 200  # it is there already
    limits = (await jana.get("/api/v2/instance")).json["configuration"]["accounts"]
    assert limits["max_featured_tags"] == MOST_FEATURED == len((await jana.get(ALL)).json)
    assert (await (await village.by_app("jana", "read")).post(ALL, {"name": "x"})).status == 403


async def test_hashtags_on_the_pages(village: Village, jana: Visitor) -> None:
    await village.write("jana", "Teče #Kašna <b>")
    await village.write("jana", "O něčem jiném #voda")
    browser = await village.by_browser("jana")
    page = await browser.get("/settings/hashtags")
    assert 'value="Kašna"' in page.text  # suggested
    token = {"form_token": form_token(page.text)}
    refused = await browser.post("/settings/hashtags", {**token, "name": "dvě slova"})
    assert (refused.status, "This is not a hashtag." in refused.text) == (422, True)
    assert (await browser.post("/settings/hashtags", {**token, "name": "#Kašna"})).status == 303
    saved = (await browser.get("/settings/hashtags")).text
    assert "/@jana/tagged/Ka%C5%A1na" in saved
    profile = (await village.nobody().get("/@jana")).text
    assert 'href="/@jana/tagged/Ka%C5%A1na"><bdi>#Kašna</bdi></a>' in profile
    tagged = (await village.nobody().get("/@jana/tagged/kasna")).text
    assert "Teče" in tagged
    assert "O něčem jiném" not in tagged
    assert (await village.nobody().get("/@nikdo/tagged/kasna")).status == 404
    assert (await village.nobody().get("/@jana/tagged/!")).status == 404
    removal = re.search(r'formaction="(/settings/hashtags/\d+/remove)"', saved)
    assert removal
    await browser.post(removal[1], token)
    village.forget_pages()
    assert "tagged" not in (await village.nobody().get("/@jana")).text
