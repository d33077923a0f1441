"""Unlocking an account accepts the follow requests that wait."""

import pytest

from folkmoot.base.errors import Forbidden
from folkmoot.base.paging import Page
from folkmoot.network.accounts.actions import ProfileDraft, update_profile
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.accounts.queries import lock_account
from folkmoot.network.notifications.queries import list_notifications
from folkmoot.network.posts.actions import set_account_effect
from folkmoot.network.relations import actions as relations
from folkmoot.network.relations.queries import count_requests, list_relations
from tests.invariants import list_broken
from tests.village import Village

NAMES = ["karel", "eva", "petr"]


async def _set_locked(village: Village, is_locked: bool) -> list[str]:
    """Returns the events."""
    async with village.database.write() as tx:
        await update_profile(tx, await lock_account(tx, village.people["jana"].id), ProfileDraft(is_locked=is_locked), "")
        return tx.told


async def _asked(village: Village) -> None:
    """Jana's account is locked, and three accounts ask to follow it."""
    jana, *others = await village.settle("jana", *NAMES)
    await _set_locked(village, True)
    for other in others:
        async with village.database.write() as tx:
            assert (await relations.follow(tx, other, jana.id, notifies=other.username == "eva")).has_requested
    await village.work()


async def test_unlocking_accepts_all_requests_with_their_options(village: Village) -> None:
    await _asked(village)
    assert await _set_locked(village, False) == ["account.changed", "account.unlocked"]
    await village.work()
    await village.work()
    async with village.database.read() as conn:
        jana = village.people["jana"].id
        relations_to = await list_relations(conn, jana, [village.people[name].id for name in NAMES])
        assert {relation.is_followed_by for relation in relations_to} == {True}
        assert await conn.fetchval("SELECT notifies FROM follows WHERE account_id = $1", village.people["eva"].id)
        assert await count_requests(conn, jana) == 0
        told = await list_notifications(conn, jana, Page(limit=20))
        assert sorted((str(one.kind), one.sender.username) for one in told) == sorted(("follow", name) for name in NAMES)
        assert not await list_broken(conn)


async def test_an_account_that_is_locked_again_accepts_nobody(village: Village) -> None:
    await _asked(village)
    await _set_locked(village, False)
    await _set_locked(village, True)
    await village.work()
    async with village.database.read() as conn:
        assert await count_requests(conn, village.people["jana"].id) == 3


async def test_a_suspended_account_is_not_accepted(village: Village) -> None:
    await _asked(village)
    async with village.database.write() as tx:
        await set_account_effect(tx, village.people["karel"].id, AccountEffect.SUSPENDED)
    await _set_locked(village, False)
    await village.work()
    async with village.database.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM follows") == 2
        assert not await list_broken(conn)


async def test_other_changes_of_a_profile_accept_nobody(village: Village) -> None:
    await _asked(village)
    async with village.database.write() as tx:
        await update_profile(tx, await lock_account(tx, village.people["jana"].id), ProfileDraft(bio="Zahradnice", is_locked=True), "")
        assert tx.told == ["account.updated"]
    await village.work()
    async with village.database.read() as conn:
        assert await count_requests(conn, village.people["jana"].id) == 3


@pytest.mark.parametrize("by", ["app", "browser"])
async def test_both_entry_points_unlock(village: Village, by: str) -> None:
    await _asked(village)
    if by == "app":
        await (await village.by_app("jana")).send("PATCH", "/api/v1/accounts/update_credentials", {"locked": "false"})
    else:
        from tests.web.test_pages import send

        answer = await send(await village.by_browser("jana"), "/settings/profile", "/settings/profile", display_name="Jana", note="")
        assert answer.status == 303
    await village.work()
    found = (await village.nobody().get(f"/api/v1/accounts/{village.people['jana'].id}/followers")).json
    assert {account["acct"] for account in found} == set(NAMES)


async def test_relations_to_a_suspended_account_can_be_ended(village: Village) -> None:
    """Withdrawn requests, ended follows, blocks and mutes; nothing new can be begun."""
    jana, karel, *_ = await village.settle("jana", *NAMES)
    path = f"/api/v1/accounts/{karel.id}"
    for one, other in (("jana", "karel"), ("karel", "jana")):
        await village.follow(one, other)
    app = await village.by_app("jana")
    await app.post(f"{path}/mute")
    async with village.database.write() as tx:
        await set_account_effect(tx, karel.id, AccountEffect.SUSPENDED)
    for verb, flag in (("unfollow", "following"), ("remove_from_followers", "followed_by"), ("unmute", "muting")):
        answer = await app.post(f"{path}/{verb}")
        assert (answer.status, answer.json[flag]) == (200, False), verb
    for verb in ("follow", "mute", "block"):
        assert (await app.post(f"{path}/{verb}")).status == 404
    async with village.database.write() as tx:
        assert not await list_broken(tx)
        await set_account_effect(tx, karel.id, AccountEffect.NONE)
        assert not await list_broken(tx)
        await relations.block(tx, jana, karel.id)
        await set_account_effect(tx, karel.id, AccountEffect.SUSPENDED)
    assert (await app.post(f"{path}/unblock")).json["blocking"] is False


async def test_a_request_to_a_suspended_account_can_be_withdrawn_and_one_from_it_rejected(village: Village) -> None:
    jana, karel, eva, _ = await village.settle("jana", *NAMES)
    await _set_locked(village, True)
    async with village.database.write() as tx:
        await relations.follow(tx, karel, jana.id)
        await relations.follow(tx, eva, jana.id)
        await set_account_effect(tx, karel.id, AccountEffect.SUSPENDED)
        assert not (await relations.reject_follower(tx, jana, karel.id)).is_requested_by
        await set_account_effect(tx, jana.id, AccountEffect.SUSPENDED)
        assert not (await relations.unfollow(tx, eva, jana.id)).has_requested
        with pytest.raises(Forbidden):
            await relations.unfollow(tx, jana, eva.id)
