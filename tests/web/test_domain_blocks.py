"""The page of blocked networks: blocking after a question, many at once, unblocking, and the list as a file."""

import pytest

from tests.village import Answer, Village, Visitor
from tests.web.test_pages import form_token

PAGE = "/settings/domains"


async def _send(visitor: Visitor, path: str, **form: object) -> Answer:
    return await visitor.post(path, {"form_token": form_token((await visitor.get(PAGE)).text), **form})


@pytest.fixture
async def jana(village: Village) -> Visitor:
    await village.settle("jana", "vlasta")
    async with village.database.write() as tx:
        await tx.execute("UPDATE accounts SET domain = 'daleko.example' WHERE id = $1", village.people["vlasta"].id)
    return await village.by_browser("jana")


async def _listed(jana: Visitor) -> str:
    return (await jana.get("/settings/export/lists/blocked_domains.csv")).text


async def test_a_block_that_ends_follows_asks_first(village: Village, jana: Visitor) -> None:
    await village.follow("jana", "vlasta")
    profile = (await jana.get("/@vlasta@daleko.example")).text
    assert 'href="/settings/domains?domain=daleko.example"' in profile
    assert 'value="daleko.example"' in (await jana.get(f"{PAGE}?domain=daleko.example")).text
    asked = await _send(jana, PAGE, domain="Daleko.example")
    assert (asked.status, "You will stop following 1 account there." in asked.text) == (200, True)
    assert await _listed(jana) == ""
    assert (await _send(jana, PAGE, domain="Daleko.example", is_sure="true")).headers["location"] == f"{PAGE}?saved=1"
    await village.work()
    profile = (await jana.get("/@vlasta@daleko.example")).text
    assert "You have blocked its network." in profile
    assert f"/accounts/{village.people['vlasta'].id}/follow" not in profile
    assert await _listed(jana) == "daleko.example\n"
    await _send(jana, f"{PAGE}/unblock", domain="daleko.example")
    assert "You have not blocked any network." in (await jana.get(PAGE)).text


async def test_a_list_is_blocked_as_a_whole_or_not_at_all(jana: Visitor) -> None:
    lines = "#domain,#severity\r\npříklad.cz,suspend\r\n\r\nx.example\r\n"
    assert (await _send(jana, f"{PAGE}/several", domains=lines)).status == 303
    assert set((await _listed(jana)).split()) == {"xn--pklad-zsa96e.cz", "x.example"}
    assert "<bdi>příklad.cz</bdi>" in (await jana.get(PAGE)).text
    refused = await _send(jana, f"{PAGE}/several", domains="y.example\nnic\n")
    assert (refused.status, "“nic” is not the name of a network." in refused.text, "y.example" in refused.text) == (422, True, True)
    assert set((await _listed(jana)).split()) == {"xn--pklad-zsa96e.cz", "x.example"}
    own = await _send(jana, PAGE, domain="localhost.example")
    assert own.status == 303  # another network: the tests run on localhost
    assert (await _send(jana, PAGE, domain="")).status == 422
