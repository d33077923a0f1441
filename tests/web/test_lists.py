"""Pages of lists: creating, choosing members from their profiles, reading, changing and deleting."""

import csv
import io
import re

import pytest

from tests.village import Answer, Village, Visitor
from tests.web.test_pages import form_token


async def _send(visitor: Visitor, page: str, path: str, **form: object) -> Answer:
    token = form_token((await visitor.get(page)).text)
    return await visitor.post(path, {"form_token": token, **form})


@pytest.fixture
async def jana(village: Village) -> Visitor:
    await village.settle("jana", "karel", "eva")
    await village.follow("jana", "karel")
    return await village.by_browser("jana")


async def test_a_list_through_the_pages(village: Village, jana: Visitor) -> None:
    karel = village.people["karel"].id
    await village.write("karel", "Kašna teče.")
    await village.write("eva", "Toho nesleduje.")
    assert 'href="/lists"' in (await jana.get("/")).text
    refused = await _send(jana, "/lists", "/lists", title=" ")
    assert (refused.status, "A list needs a name." in refused.text) == (422, True)
    where = (await _send(jana, "/lists", "/lists", title="Sousedé & <b>spol</b>")).headers["location"]
    assert re.fullmatch(r"/lists/\d+", where)
    empty = await jana.get(where)
    assert "Sousedé &amp; &lt;b&gt;spol" in empty.text
    assert "Nobody is in this list yet" in empty.text
    assert f'href="/accounts/{karel}/lists"' in (await jana.get("/@karel")).text
    choice = await jana.get(f"/accounts/{karel}/lists")
    assert "checked" not in choice.text
    list_id = where.rpartition("/")[2]
    assert (await _send(jana, f"/accounts/{karel}/lists", f"/accounts/{karel}/lists", **{"lists[]": [list_id]})).status == 303
    assert "checked" in (await jana.get(f"/accounts/{karel}/lists")).text
    shown = (await jana.get(where)).text
    assert "Kašna teče." in shown
    assert "Toho nesleduje." not in shown
    edit = await jana.get(f"{where}/edit")
    assert "@karel" in edit.text
    assert (await _send(jana, f"{where}/edit", f"{where}/edit", title="Ulice", replies="none")).headers["location"] == where
    assert "Ulice" in (await jana.get("/lists")).text
    assert 'value="none" checked' in (await jana.get(f"{where}/edit")).text
    assert (await _send(jana, f"{where}/edit", f"{where}/edit", title="x" * 101)).status == 422
    await _send(jana, f"{where}/edit", f"{where}/remove", account=karel)
    assert "@karel" not in (await jana.get(f"{where}/edit")).text.partition("<main")[2].partition("</main")[0]
    await _send(jana, f"{where}/edit", f"{where}/delete")
    assert (await jana.get(where)).status == 404
    assert "Ulice" not in (await jana.get("/lists")).text


async def test_the_form_of_an_account_changes_all_lists_at_once(village: Village, jana: Visitor) -> None:
    karel = village.people["karel"].id
    ids = [(await _send(jana, "/lists", "/lists", title=title)).headers["location"].rpartition("/")[2] for title in "abc"]
    path = f"/accounts/{karel}/lists"
    for chosen in (ids[:2], ids[1:], []):
        await _send(jana, path, path, **{"lists[]": chosen})
        page = (await jana.get(path)).text
        assert re.findall(r'value="(\d+)" checked', page) == sorted(chosen)


async def test_lists_are_private_and_hold_only_followed_accounts(village: Village, jana: Visitor) -> None:
    where = (await _send(jana, "/lists", "/lists", title="Moje")).headers["location"]
    eva = await village.by_browser("eva")
    for path in (where, f"{where}/edit"):
        assert (await eva.get(path)).status == 404
    for path in (f"{where}/edit", f"{where}/delete", f"{where}/remove"):
        assert (await _send(eva, "/lists", path, title="Cizí", account=1)).status == 404
    assert "Moje" in (await jana.get(where)).text
    stranger = village.people["eva"].id
    assert (await jana.get(f"/accounts/{stranger}/lists")).status == 404
    assert f"/accounts/{stranger}/lists" not in (await jana.get("/@eva")).text
    assert (await _send(jana, "/lists", f"/accounts/{stranger}/lists", **{"lists[]": [where.rpartition('/')[2]]})).status == 404
    assert (await village.nobody().get("/lists")).headers["location"] == "/log_in?next=/lists"


async def test_lists_can_be_taken_along(village: Village, jana: Visitor) -> None:
    list_id = (await _send(jana, "/lists", "/lists", title='Sousedé, "naši"')).headers["location"].rpartition("/")[2]
    karel = village.people["karel"].id
    await _send(jana, f"/accounts/{karel}/lists", f"/accounts/{karel}/lists", **{"lists[]": [list_id]})
    answer = await jana.get("/settings/export/lists/lists.csv")
    assert list(csv.reader(io.StringIO(answer.text))) == [['Sousedé, "naši"', "karel@localhost:8420"]]
    assert "lists.csv" in (await jana.get("/settings/export")).text
