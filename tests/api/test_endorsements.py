"""Recommended accounts: through the client API and on profiles; they end with the follow."""

import pytest

from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.posts.actions import set_account_effect
from folkmoot.network.relations import actions as relations
from tests.village import Village, Visitor
from tests.web.test_pages import form_token

OWN = "/api/v1/endorsements"


@pytest.fixture
async def jana(village: Village) -> Visitor:
    """Jana follows Karel, Eva and Petr."""
    await village.settle("jana", "karel", "eva", "petr")
    for name in ("karel", "eva", "petr"):
        await village.follow("jana", name)
    return await village.by_app("jana")


def _act(village: Village, name: str, verb: str) -> str:
    return f"/api/v1/accounts/{village.people[name].id}/{verb}"


async def _names(visitor: Visitor, path: str = OWN) -> list[str]:
    return [account["acct"] for account in (await visitor.get(path)).json]


async def test_accounts_are_recommended_until_the_follow_ends(village: Village, jana: Visitor) -> None:
    assert (await jana.post(_act(village, "karel", "endorse"))).json["endorsed"]
    assert (await jana.post(_act(village, "eva", "pin"))).json["endorsed"]
    again = await jana.post(_act(village, "karel", "pin"))
    assert (again.json["endorsed"], "deprecation" in again.headers) == (True, True)
    of_jana = _act(village, "jana", "endorsements")
    for visitor, path in ((jana, OWN), (jana, of_jana), (village.nobody(), of_jana), (await village.by_app("petr"), of_jana)):
        assert await _names(visitor, path) == ["eva", "karel"]
    shown = (await jana.get(f"/api/v1/accounts/relationships?id[]={village.people['karel'].id}&id[]={village.people['petr'].id}")).json
    assert {one["id"]: one["endorsed"] for one in shown} == {
        str(village.people["karel"].id): True, str(village.people["petr"].id): False}
    assert not (await jana.post(_act(village, "karel", "unpin"))).json["endorsed"]
    assert not (await jana.post(_act(village, "karel", "unendorse"))).json["endorsed"]
    assert await _names(jana) == ["eva"]
    await jana.post(_act(village, "eva", "unfollow"))
    await jana.post(_act(village, "eva", "follow"))
    assert await _names(jana) == []


async def test_only_followed_accounts_are_recommended_and_not_too_many(
    village: Village, jana: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("folkmoot.network.endorsements.actions.MOST_ENDORSED", 2)
    petr = await village.by_app("petr")
    assert (await petr.post(_act(village, "eva", "endorse"))).status == 422
    assert (await petr.post("/api/v1/accounts/17/endorse")).status == 404
    assert (await petr.post("/api/v1/accounts/17/unendorse")).status == 404
    assert await _names(petr) == []
    for name, status in (("karel", 200), ("eva", 200), ("petr", 422), ("eva", 200)):
        assert (await jana.post(_act(village, name, "endorse"))).status == status
    assert await _names(jana) == ["eva", "karel"]
    first = await jana.get(f"{OWN}?limit=1")
    older = first.headers["link"].partition(">")[0].partition("localhost:8420")[2]
    assert await _names(jana, older) == ["karel"]
    assert (await (await village.by_app("jana", "read")).post(_act(village, "karel", "unendorse"))).status == 403


async def test_blocked_and_suspended_accounts_are_not_shown(village: Village, jana: Visitor) -> None:
    for name in ("karel", "eva", "petr"):
        await jana.post(_act(village, name, "endorse"))
    async with village.database.write() as tx:
        await set_account_effect(tx, village.people["karel"].id, AccountEffect.SUSPENDED)
        await relations.block(tx, village.people["eva"], village.people["petr"].id)
    of_jana = _act(village, "jana", "endorsements")
    assert await _names(village.nobody(), of_jana) == ["petr", "eva"]
    assert await _names(await village.by_app("eva"), of_jana) == ["eva"]
    assert await _names(await village.by_app("petr"), of_jana) == ["petr"]
    async with village.database.write() as tx:
        await set_account_effect(tx, village.people["jana"].id, AccountEffect.SUSPENDED)
    assert (await village.nobody().get(of_jana)).status == 404


async def test_a_profile_shows_some_and_a_page_shows_all(village: Village) -> None:
    await village.settle("jana", "karel", *(f"soused{number}" for number in range(5)))
    jana = await village.by_browser("jana")
    token = form_token((await jana.get("/settings/profile")).text)
    for name in list(village.people)[1:]:
        await village.follow("jana", name)
        page = (await jana.get(f"/@{name}")).text
        act = f"/accounts/{village.people[name].id}/endorse"
        assert f'formaction="{act}"' in page
        assert (await jana.post(act, {"form_token": token})).status == 303
        assert f'formaction="/accounts/{village.people[name].id}/unendorse"' in (await jana.get(f"/@{name}")).text
    profile = (await village.nobody().get("/@jana")).text
    assert [name for name in village.people if f'href="/@{name}"' in profile.partition("Recommends")[2].partition("</nav>")[0]] == [
        "soused1", "soused2", "soused3", "soused4"]
    whole = (await jana.get("/@jana/recommended")).text
    assert all(f'href="/@{name}"' in whole for name in list(village.people)[1:])
    assert "No longer recommend" in whole
    assert "No longer recommend" not in (await village.nobody().get("/@jana/recommended")).text
    await jana.post(f"/accounts/{village.people['karel'].id}/unendorse", {"form_token": token})
    assert 'href="/@karel"' not in (await village.nobody().get("/@jana/recommended")).text
