"""Domains whose pages may name a member as their author, and the cards that show it."""

from typing import Any

from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.posts.actions import set_account_effect
from tests.linked_pages import ADDRESS, sites_up
from tests.village import Village

PATH = "/api/v1/accounts/update_credentials"
CREATOR = '<title>Most</title><meta name="fediverse:creator" content="{}">'


async def test_a_member_sets_and_clears_attribution_domains(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana")
    changed = await jana.send("PATCH", PATH, {"attribution_domains[]": ["https://Noviny.example/clanek", "blog.example", "noviny.example"]})
    assert changed.json["source"]["attribution_domains"] == ["noviny.example", "blog.example"]
    await jana.send("PATCH", PATH, {"note": "Knihovnice"})
    kept = (await jana.get("/api/v1/accounts/verify_credentials")).json["source"]
    assert kept["attribution_domains"] == ["noviny.example", "blog.example"]
    assert (await jana.get("/api/v1/profile")).json["attribution_domains"] == ["noviny.example", "blog.example"]
    refused = await jana.send("PATCH", PATH, {"attribution_domains[]": ["blog.example", "no domain"]})
    assert (refused.status, "attribution_domains" in refused.json["details"]) == (422, True)
    assert (await jana.send("PATCH", PATH, as_json={"attribution_domains": []})).json["source"]["attribution_domains"] == []


async def _shown(village: Village, post_id: int) -> str | None:
    """Whom the card of a post shows as the author of its page, in the API and on the page of the post."""
    [author] = (await village.nobody().get(f"/api/v1/statuses/{post_id}")).json["card"]["authors"] or [{"account": None}]
    village.forget_pages()
    page = (await village.nobody().get(f"/@reader/{post_id}")).text
    assert ("Written by" in page) == bool(author["account"])
    return author["account"]["acct"] if author["account"] else None


async def test_a_page_shows_the_member_whom_it_names_while_the_member_lists_its_site(village: Village) -> None:
    await village.settle("jana", "reader")
    jana: Any = await village.by_app("jana")
    async with sites_up() as sites:
        sites.put(ADDRESS, CREATOR.format("@Jana@localhost:8420"))
        post_id = (await village.write("reader", ADDRESS)).post.id
        await sites.fetch_all(village)
    assert await _shown(village, post_id) is None
    for domains, shown in ((["example"], None), (["noviny.example"], "jana"), (["viny.example"], None), (["noviny.example"], "jana")):
        await jana.send("PATCH", PATH, {"attribution_domains[]": domains})
        await village.work()
        assert await _shown(village, post_id) == shown, domains
    await jana.send("PATCH", PATH, {"display_name": "Jana z novin"})
    await village.work()
    [author] = (await jana.get(f"/api/v1/statuses/{post_id}")).json["card"]["authors"]
    assert (author["account"]["display_name"], author["account"]["id"]) == ("Jana z novin", str(village.people["jana"].id))
    async with village.database.write() as tx:
        await set_account_effect(tx, village.people["jana"].id, AccountEffect.SUSPENDED)
    assert await _shown(village, post_id) is None  # at the next read, before any job
    async with village.database.write() as tx:
        await set_account_effect(tx, village.people["jana"].id, AccountEffect.NONE)
    assert await _shown(village, post_id) == "jana"


async def test_nobody_is_named_by_a_handle_that_means_somebody_else(village: Village) -> None:
    await village.settle("jana", "reader")
    await (await village.by_app("jana")).send("PATCH", PATH, {"attribution_domains[]": ["noviny.example"]})
    handles = ["@jana", "jana@jinde.example", "@reader@localhost:8420", "@nikdo@localhost:8420", "@@localhost:8420"]
    async with sites_up() as sites:
        urls = [sites.put(f"{ADDRESS}/{number}", CREATOR.format(handle)) for number, handle in enumerate(handles)]
        posts = [(await village.write("reader", url)).post.id for url in urls]
        await sites.fetch_all(village)
    assert [await _shown(village, post_id) for post_id in posts] == [None] * len(handles)


async def test_only_sites_of_the_member_lead_to_a_page_of_the_member(village: Village) -> None:
    """Who redirects to an article could answer something else to readers; who is redirected to has written the page."""
    await village.settle("jana", "reader")
    await (await village.by_app("jana")).send("PATCH", PATH, {"attribution_domains[]": ["noviny.example"]})
    async with sites_up() as sites:
        sites.put("http://www.noviny.example/b", CREATOR.format("@jana@localhost:8420"))
        sites.put("http://noviny.example.zly.example/", CREATOR.format("@jana@localhost:8420"))
        sites.redirects |= {
            "noviny.example/a": "http://www.noviny.example/b", "zly.example/a": "http://www.noviny.example/b",
            "noviny.example/ven": "http://noviny.example.zly.example/",
        }
        wanted = {
            "http://noviny.example/a": "jana", "http://www.noviny.example/b": "jana", "http://zly.example/a": None,
            "http://noviny.example/ven": None, "http://noviny.example.zly.example/": None,
        }
        posts = {url: (await village.write("reader", url)).post.id for url in wanted}
        await sites.fetch_all(village)
    assert {url: await _shown(village, post_id) for url, post_id in posts.items()} == wanted
