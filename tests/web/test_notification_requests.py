"""Pages of the policy and of requests: choosing, looking, letting through and dismissing, without JavaScript."""

import re

import pytest

from folkmoot.network.notifications import jobs
from folkmoot.network.notifications.model import Kind
from tests.village import Answer, Village, Visitor
from tests.web.test_pages import form_token

POLICY, REQUESTS = "/settings/notifications", "/notifications/requests"


async def _send(visitor: Visitor, path: str, **form: object) -> Answer:
    token = form_token((await visitor.get(POLICY)).text)
    return await visitor.post(path, {"form_token": token, **form})


def _main(answer: Answer) -> str:
    return answer.text.partition("<main")[2].partition("</main")[0]


@pytest.fixture
async def jana(village: Village) -> Visitor:
    await village.settle("jana", "karel", "eva")
    return await village.by_browser("jana")


async def _wait(village: Village, *names: str) -> list[str]:
    """Strangers mention Jana. Returns the addresses of the requests, the newest first."""
    for name in names:
        view = await village.write(name, f"@jana tady {name}")
        await jobs.tell(village.database, [village.people["jana"].id], Kind.MENTION, village.people[name].id, view.post.id)
    text = _main(await (await village.by_browser("jana")).get(REQUESTS))
    return re.findall(r'href="(/notifications/requests/\d+)"', text)


async def test_a_policy_through_the_page(jana: Visitor) -> None:
    page = (await jana.get(POLICY)).text
    assert page.count('value="accept" selected') == 6
    assert (await _send(jana, POLICY, for_bots="drop", for_new_accounts="filter")).headers["location"] == f"{POLICY}?saved=1"
    page = (await jana.get(POLICY)).text
    assert [page.count(f'value="{word}" selected') for word in ("accept", "filter", "drop")] == [4, 1, 1]
    refused = await _send(jana, POLICY, for_bots="maybe", for_new_accounts="drop")
    assert (refused.status, "There is no such choice." in refused.text) == (422, True)
    assert (await jana.get(POLICY)).text.count('value="drop" selected') == 1
    assert f'href="{POLICY}"' in (await jana.get("/settings")).text


async def test_requests_through_the_pages(village: Village, jana: Visitor) -> None:
    assert "Nobody waits" in (await jana.get(REQUESTS)).text
    assert REQUESTS not in (await jana.get("/notifications")).text
    await _send(jana, POLICY, for_not_following="filter")
    of_eva, of_karel = await _wait(village, "karel", "eva")
    notices = await jana.get("/notifications")
    assert "@jana tady" not in notices.text
    assert re.search(r'href="/notifications/requests">Notices kept apart <span class="badge"[^>]*><span class="sr">waiting: </span>'
                     r"<span data-count>2<", _main(notices))
    shown = _main(await jana.get(of_karel))
    assert "tady karel" in shown
    assert "tady eva" not in shown
    assert (await _send(jana, f"{of_karel}/accept")).headers["location"] == f"{REQUESTS}?accepted=1"
    assert "tady karel" in (await jana.get("/notifications")).text
    assert (await jana.get(of_karel)).status == 404
    assert (await _send(jana, f"{of_eva}/dismiss")).headers["location"] == f"{REQUESTS}?dismissed=1"
    assert "tady eva" not in (await jana.get("/notifications")).text
    assert "Nobody waits" in (await jana.get(REQUESTS)).text
    allowed = _main(await jana.get(POLICY))
    stop = re.search(r'formaction="(/settings/notifications/\d+/stop)"', allowed)
    assert stop
    assert "@karel" in allowed
    await _send(jana, stop[1])
    assert "@karel" not in _main(await jana.get(POLICY))
    assert (await _send(jana, stop[1])).status == 404
    assert len(await _wait(village, "karel")) == 1


@pytest.mark.parametrize(("verb", "arrives"), [("accept", True), ("dismiss", False)])
async def test_all_requests_of_a_page_at_once(village: Village, jana: Visitor, verb: str, arrives: bool) -> None:
    await _send(jana, POLICY, for_not_following="filter")
    await _wait(village, "karel", "eva")
    sent = re.findall(r'name="requests\[\]" value="(\d+)"', (await jana.get(REQUESTS)).text)
    assert len(sent) == 2
    assert (await _send(jana, f"{REQUESTS}/{verb}", **{"requests[]": sent})).status == 303
    assert "Nobody waits" in (await jana.get(REQUESTS)).text
    notices = (await jana.get("/notifications")).text
    assert [f"tady {name}" in notices for name in ("karel", "eva")] == [arrives, arrives]


async def test_requests_of_others_are_not_there(village: Village, jana: Visitor) -> None:
    await _send(jana, POLICY, for_not_following="filter")
    of_karel, = await _wait(village, "karel")
    eva = await village.by_browser("eva")
    assert (await eva.get(of_karel)).status == 404
    for verb in ("accept", "dismiss"):
        assert (await _send(eva, f"{of_karel}/{verb}")).status == 404
    assert (await jana.get(of_karel)).status == 200
