"""The directory of accounts, the activity of the network by weeks, and the hashtags that a member uses most."""

from datetime import UTC, datetime, timedelta

import pytest

from folkmoot.base import clock
from folkmoot.network.accounts.actions import set_effect
from folkmoot.network.accounts.model import Account, AccountEffect
from folkmoot.network.activity.jobs import record
from folkmoot.network.folding import fold_counters
from folkmoot.network.posts.actions import delete_post
from folkmoot.network.posts.model import Visibility
from folkmoot.network.relations import actions as relations
from tests.village import Village, Visitor, write


async def _directory(visitor: Visitor, query: str = "") -> list[str]:
    answer = await visitor.get(f"/api/v1/directory{query}")
    assert answer.status == 200
    return [account["acct"] for account in answer.json]


async def _settle_in_turn(village: Village, *names: str) -> list[Account]:
    """Creates accounts a second apart: ids of one millisecond are not ordered."""
    accounts = []
    for number, name in enumerate(names):
        with clock.stopped_at(clock.now() + timedelta(seconds=number - len(names))):
            accounts += await village.settle(name)
    return accounts


async def test_the_directory_lists_accounts_in_both_orders(village: Village) -> None:
    names = ["jana", "karel", "eva", "petr"]
    await _settle_in_turn(village, *names)
    for name in ("eva", "karel", "jana"):
        await village.write(name)
    await fold_counters(village.database)
    nobody = village.nobody()
    assert await _directory(nobody, "?order=new") == names[::-1]
    assert await _directory(nobody) == await _directory(nobody, "?order=active&local=true") == ["jana", "karel", "eva", "petr"]
    assert await _directory(nobody, "?limit=2&offset=1") == ["karel", "eva"]
    assert await _directory(nobody, "?offset=9") == []
    for query in ("?order=tallest", "?limit=-1", "?offset=x"):
        assert (await nobody.get(f"/api/v1/directory{query}")).status == 400, query


@pytest.mark.parametrize("why", [
    "hidden", "suspended", "limited", "limited and frozen", "unconfirmed", "waiting", "disabled", "mutes", "blocks", "is blocked",
])
async def test_the_directory_leaves_out(village: Village, why: str) -> None:
    jana, karel, _ = await _settle_in_turn(village, "jana", "karel", "eva")
    visitor = await village.by_app("jana")
    assert await _directory(visitor, "?order=new") == ["eva", "karel", "jana"]
    async with village.database.write() as tx:
        match why:
            case "hidden":
                await tx.execute("UPDATE accounts SET is_discoverable = false WHERE id = $1", karel.id)
            case "suspended" | "limited":
                await set_effect(tx, karel.id, AccountEffect[why.upper()])
            case "limited and frozen":
                await set_effect(tx, karel.id, AccountEffect.FROZEN, is_limited=True)
            case "mutes":
                await relations.mute(tx, jana, karel.id)
            case "blocks":
                await relations.block(tx, jana, karel.id)
            case "is blocked":
                await relations.block(tx, karel, jana.id)
            case _:
                change = {"unconfirmed": "confirmed_at = NULL", "waiting": "approved_at = NULL", "disabled": "disabled_at = now()"}[why]
                await tx.execute(f"UPDATE logins SET {change} WHERE account_id = $1", karel.id)
    assert await _directory(visitor, "?order=new") == ["eva", "jana"]
    if why in ("mutes", "blocks", "is blocked"):
        assert "karel" in await _directory(village.nobody())  # for others nothing has changed


async def test_the_activity_has_twelve_weeks_of_real_figures(village: Village) -> None:
    now = datetime(2026, 11, 25, 12, tzinfo=UTC)  # a Wednesday
    jana, karel = await village.settle("jana", "karel")
    async with village.database.write() as tx:
        await tx.execute("UPDATE logins SET created_at = $1, seen_at = $1", now - timedelta(weeks=1))
        await tx.execute("UPDATE logins SET seen_at = $1 WHERE account_id = $2", now, jana.id)
    for author, days in ((jana, 0), (karel, 7), (karel, 9), (jana, 77)):
        with clock.stopped_at(now - timedelta(days=days)):
            last = (await write(village.database, author, visibility=Visibility.FOLLOWERS)).post
    with clock.stopped_at(now):
        await record(village.database)
        weeks = (await village.nobody().get("/api/v1/instance/activity")).json
        monday = int(datetime(2026, 11, 23, tzinfo=UTC).timestamp())
        assert [week["week"] for week in weeks] == [str(monday - number * 7 * 86400) for number in range(12)]
        figures = [(week["statuses"], week["logins"], week["registrations"]) for week in weeks]
        assert figures == [("1", "1", "0"), ("2", "1", "2"), *[("0", "0", "0")] * 9, ("1", "1", "0")]
        async with village.database.write() as tx:
            await delete_post(tx, jana, last.id)
            await tx.execute("UPDATE logins SET seen_at = $1", now)
        await record(village.database)
        again = (await village.nobody().get("/api/v1/instance/activity")).json
        assert (again[0]["logins"], again[1:]) == ("2", weeks[1:])  # counts of the past do not fall
    with clock.stopped_at(now + timedelta(weeks=1)):
        later = (await village.nobody().get("/api/v1/instance/activity")).json
        assert later[0]["week"] == str(monday + 7 * 86400)
        assert later[0]["statuses"] == "0"
        assert later[1:] == again[:-1]


async def test_the_hashtags_that_a_member_uses_most_are_suggested(village: Village) -> None:
    await village.settle("jana", "karel")
    for text in ("#Kašna", "#kasna #voda", "#voda #kašna", "#vítr"):
        await village.write("jana", text)
    await village.write("jana", "#tajne #tajne2", visibility=Visibility.FOLLOWERS)
    await village.write("karel", "#cizí")
    found = await (await village.by_app("jana")).get("/api/v1/featured_tags/suggestions")
    assert [tag["name"] for tag in found.json] == ["Kašna", "voda", "vítr"]
    assert (await (await village.by_app("jana", "write")).get("/api/v1/featured_tags/suggestions")).status == 403
    assert (await (await village.by_app("karel")).get("/api/v1/featured_tags/suggestions")).json[0]["name"] == "cizí"


async def test_the_languages_of_the_network(village: Village) -> None:
    found = (await village.nobody().get("/api/v1/instance/languages")).json
    assert {"code": "cs", "name": "Čeština"} in found
