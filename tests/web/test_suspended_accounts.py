"""Relations with a suspended account can be seen and ended; nothing else of it can be seen."""

import re

import msgspec
import pytest

from folkmoot.network.accounts.actions import set_effect
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.accounts.queries import update_profile
from folkmoot.network.relations import actions as relations
from folkmoot.network.relations.queries import get_relation
from tests.village import Village
from tests.web.test_pages import send


async def _suspended(village: Village, *verbs: str) -> int:
    """Jana has these relations with Karel, who is then suspended. Returns Karel's id."""
    await village.settle("jana", "karel", "eva")
    jana, karel = village.people["jana"], village.people["karel"]
    async with village.database.write() as tx:
        await update_profile(tx, msgspec.structs.replace(karel, display_name="Karel Vrána", bio_html="Tajný život"), [])
        for verb in verbs:
            if verb == "followed":
                await relations.follow(tx, karel, jana.id)
            else:
                await getattr(relations, verb)(tx, jana, karel.id)
        await set_effect(tx, karel.id, AccountEffect.SUSPENDED)
    return karel.id


def _main(page: str) -> str:
    return page.partition("<main")[2].partition("</main>")[0]


@pytest.mark.parametrize(("verb", "page", "action", "left"), [
    ("follow", "/@jana/following", "unfollow", "follows"), ("followed", "/@jana/followers", "remove", "is_followed_by"),
    ("mute", "/settings/mutes", "unmute", "mutes"), ("block", "/settings/blocks", "unblock", "blocks"),
])
async def test_a_relation_is_listed_and_ended_in_the_list_and_on_the_profile(
    village: Village, verb: str, page: str, action: str, left: str
) -> None:
    karel = await _suspended(village, verb)
    browser = await village.by_browser("jana")
    for where in (page, "/@karel"):
        answer = await browser.get(where)
        assert answer.status == 200
        assert "@karel" in _main(answer.text)
        assert "Vrána" not in answer.text
        assert "Tajný život" not in answer.text
        assert re.findall(r'formaction="([^"]+)"', _main(answer.text)) == [f"/accounts/{karel}/{action}"]
    assert (await send(browser, "/@karel", f"/accounts/{karel}/{action}", back="/@karel")).headers["location"] == "/@jana/following"
    async with village.database.read() as conn:
        assert not getattr(await get_relation(conn, village.people["jana"].id, karel), left)
    assert "@karel" not in _main((await browser.get(page)).text)
    assert (await browser.get("/@karel")).status == 404


async def test_ending_one_of_two_relations_leaves_the_page(village: Village) -> None:
    karel = await _suspended(village, "follow", "mute")
    browser = await village.by_browser("jana")
    assert (await send(browser, "/@karel", f"/accounts/{karel}/unfollow", back="/@karel")).headers["location"] == "/@karel"
    assert re.findall(r'formaction="([^"]+)"', _main((await browser.get("/@karel")).text)) == [f"/accounts/{karel}/unmute"]


async def test_others_see_nothing_of_a_suspended_account(village: Village) -> None:
    await _suspended(village, "follow", "block")
    for visitor in (await village.by_browser("eva"), village.nobody()):
        for page in ("/@karel", "/@karel/with_replies", "/@karel/media", "/@karel/followers"):
            assert (await visitor.get(page)).status == 404
        assert "karel" not in _main((await visitor.get("/@jana/following")).text)
    assert (await (await village.by_browser("jana")).get("/@karel/followers")).status == 404
