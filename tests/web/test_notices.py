"""Similar notices are grouped, and new ones stay apart from read ones."""

import re

from tests.village import Village
from tests.web.test_pages import send


async def test_notices_of_one_post_share_one_line(village: Village) -> None:
    await village.settle("jana", "karel", "eva", "marie", "tomas", "anna")
    first, second = (await village.write("jana", "Kašna teče.")).post, (await village.write("jana", "Polévka je.")).post
    for name in ("karel", "eva", "marie", "tomas"):
        await (await village.by_app(name)).post(f"/api/v1/statuses/{first.id}/favourite")
    await (await village.by_app("karel")).post(f"/api/v1/statuses/{second.id}/favourite")
    await village.work()
    jana = await village.by_browser("jana")
    page = (await jana.get("/notifications", accept_language="en")).text
    lines = [re.sub(r"<[^>]+>|\s+", " ", line) for line in re.findall(r'<p class="gloss">.*?</p>', page, re.S)]
    assert len(lines) == 2
    assert all("liked by" in line for line in lines)
    assert sum("and 1 more" in re.sub(r"\s+", " ", line) for line in lines) == 1  # three names, and one that is only counted
    assert 'class="read-mark"' not in page  # everything is new
    await (await village.by_app("anna")).post(f"/api/v1/statuses/{second.id}/favourite")
    await village.work()
    page = (await jana.get("/notifications", accept_language="en")).text
    assert page.count('<p class="gloss">') == 3  # a new notice does not join read ones
    assert page.count('class="read-mark"') == 1


async def test_for_a_taken_name_free_ones_are_suggested(village: Village) -> None:
    await village.settle("jana", "jana_m")
    form = {"username": "jana", "email": "mala.j@example.org", "password": "tri hrusky dve svestky", "agrees": "true"}
    page = (await send(village.nobody(), "/sign_up", "/sign_up", **form)).text
    assert "mala_j, jana_j, jana_1" in page
    page = (await send(village.nobody(), "/sign_up", "/sign_up", **{**form, "email": "jana.m@example.org"})).text
    assert "jana_1, jana_2, jana_3" in page
    assert "jana_m," not in page


async def test_values_of_closed_tools_are_not_published(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_browser("jana")
    form = {"text": "Bez ankety.", "poll_titles[]": "zbytek", "cover": "zbytek", "visibility": "0", "has_tools": "true"}
    assert (await send(jana, "/posts/new", "/posts", **form)).status == 303
    assert "zbytek" not in (await jana.get("/@jana")).text
    assert (await send(jana, "/posts/new", "/posts", **form, with_cover="true")).status == 303
    assert "zbytek" in (await jana.get("/@jana")).text
