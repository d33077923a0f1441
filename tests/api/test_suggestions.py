"""Suggestions: whom followed accounts follow, and who is popular; nobody whom the member knows, avoids or has dismissed, and nobody who
does not want to be found."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from folkmoot.base.db import WriteTx
from folkmoot.network.accounts.actions import ProfileDraft, update_profile
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.accounts.queries import lock_account
from folkmoot.network.domain_blocks.actions import block_domains
from folkmoot.network.folding import fold_counters
from folkmoot.network.posts.actions import set_account_effect
from folkmoot.network.relations import actions as relations
from folkmoot.network.suggestions.queries import list_suggestions
from tests.village import Village, Visitor
from tests.web.test_pages import form_token

OLD, NEW = "/api/v1/suggestions", "/api/v2/suggestions"
Prepare = Callable[[WriteTx, Village], Awaitable[object]]


@pytest.fixture
async def jana(village: Village) -> Visitor:
    """Jana follows Karel and Eva. Both follow Petr, and Karel follows Vera; all want to be found. Hana writes and has a follower."""
    await village.settle("jana", "karel", "eva", "petr", "vera", "hana", "ota")
    async with village.database.write() as tx:
        await tx.execute("UPDATE accounts SET is_discoverable = true")
    for one, others in {"jana": ("karel", "eva"), "karel": ("petr", "vera"), "eva": ("petr", "jana"), "ota": ("hana",)}.items():
        for other in others:
            await village.follow(one, other)
    await village.write("hana", "Dobré ráno")
    await fold_counters(village.database)
    return await village.by_app("jana")


async def _names(visitor: Visitor) -> list[str]:
    return [account["acct"] for account in (await visitor.get(OLD)).json]


async def test_suggestions_are_ordered_and_say_their_sources(village: Village, jana: Visitor) -> None:
    assert await _names(jana) == ["petr", "vera", "hana"]
    found = (await jana.get(NEW)).json
    assert [(one["account"]["acct"], one["source"], one["sources"]) for one in found] == [
        ("petr", "past_interactions", ["friends_of_friends"]), ("vera", "past_interactions", ["friends_of_friends"]),
        ("hana", "global", ["most_followed"])]
    assert len((await jana.get(f"{NEW}?limit=1")).json) == 1
    assert "deprecation" in (await jana.get(OLD)).headers
    ota = await village.by_app("ota")
    assert await _names(ota) == []
    assert (await (await village.by_app("jana", "write")).get(NEW)).status == 403


def _relate(verb: Callable[..., Awaitable[object]], one: str, other: str) -> Prepare:
    return lambda tx, village: verb(tx, village.people[one], village.people[other].id)


def _profile(name: str, draft: ProfileDraft) -> Prepare:
    async def change(tx: WriteTx, village: Village) -> None:
        await update_profile(tx, await lock_account(tx, village.people[name].id), draft, "")

    return change


def _sql(statement: str, name: str = "petr") -> Prepare:
    return lambda tx, village: tx.execute(statement, village.people[name].id)


async def _move_and_block(tx: WriteTx, village: Village) -> None:
    await tx.execute("UPDATE accounts SET domain = 'daleko.example' WHERE id = $1", village.people["petr"].id)
    await block_domains(tx, village.people["jana"], ["daleko.example"], "localhost")


async def _request(tx: WriteTx, village: Village) -> None:
    await _profile("petr", ProfileDraft(is_locked=True))(tx, village)
    await relations.follow(tx, village.people["jana"], village.people["petr"].id)


UNFIT: dict[str, tuple[Prepare, list[str]]] = {
    "followed": (_relate(relations.follow, "jana", "petr"), ["vera", "hana"]),
    "requested": (_request, ["vera", "hana"]),
    "blocked": (_relate(relations.block, "jana", "petr"), ["vera", "hana"]),
    "blocks": (_relate(relations.block, "petr", "jana"), ["vera", "hana"]),
    "muted": (_relate(relations.mute, "jana", "petr"), ["vera", "hana"]),
    "does not want to be found": (_profile("petr", ProfileDraft(is_discoverable=False)), ["vera", "hana"]),
    "known through a hidden list": (_profile("karel", ProfileDraft(hides_collections=True)), ["petr", "hana"]),
    "suspended": (lambda tx, village: set_account_effect(tx, village.people["petr"].id, AccountEffect.SUSPENDED), ["vera", "hana"]),
    "limited": (lambda tx, village: set_account_effect(tx, village.people["petr"].id, AccountEffect.LIMITED), ["vera", "hana"]),
    "waits for approval": (_sql("UPDATE logins SET approved_at = NULL WHERE account_id = $1"), ["vera", "hana"]),
    "of another network": (_sql("UPDATE accounts SET domain = 'daleko.example' WHERE id = $1"), ["petr", "vera", "hana"]),
    "of a blocked network": (_move_and_block, ["vera", "hana"]),
}


async def test_whoever_does_not_fit_is_not_suggested(village: Village, jana: Visitor) -> None:
    """Each change is undone before the next one."""
    assert await _names(jana) == ["petr", "vera", "hana"]
    found = {}
    for why, (prepare, _) in UNFIT.items():
        with suppress(ZeroDivisionError):
            async with village.database.write() as tx:
                await prepare(tx, village)
                found[why] = [one.account.username for one in await list_suggestions(tx, village.people["jana"].id, 40)]
                raise ZeroDivisionError
    assert found == {why: left for why, (_, left) in UNFIT.items()}


async def test_a_dismissed_suggestion_does_not_come_back(village: Village, jana: Visitor) -> None:
    assert (await jana.send("DELETE", f"{OLD}/{village.people['petr'].id}")).json == {}
    assert (await jana.send("DELETE", f"{OLD}/17")).json == {}
    assert await _names(jana) == ["vera", "hana"]
    browser = await village.by_browser("jana")
    page = (await browser.get("/suggestions")).text
    assert [f'href="/@{name}"' in page for name in ("petr", "vera", "hana")] == [False, True, True]
    assert "1 person you follow follows this account" in page
    assert 'href="/suggestions"' in (await browser.get("/explore")).text
    token = form_token(page)
    sent = await browser.post(f"/suggestions/{village.people['vera'].id}/dismiss", {"form_token": token})
    assert sent.headers["location"] == "/suggestions?dismissed=1"
    assert await _names(jana) == ["hana"]
    await browser.post(f"/accounts/{village.people['hana'].id}/follow", {"form_token": token})
    assert "No suggestions right now" in (await browser.get("/suggestions")).text
