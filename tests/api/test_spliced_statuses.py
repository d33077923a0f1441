"""Single statuses, threads, an account's statuses, notifications and accounts are spliced from pieces in memory, and show each change at
once."""

from typing import Any

import pytest

from folkmoot.app import create_front
from folkmoot.network.accounts.actions import set_effect as set_account_effect
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.folding import fold_counters
from folkmoot.network.posts.actions import set_effect
from folkmoot.network.posts.model import PostEffect, Visibility
from tests.village import Village, Visitor


@pytest.fixture
async def root(village: Village) -> str:
    """A status with an answer, a quote, a boost and a poll around it; karel follows jana."""
    await village.settle("jana", "karel", "olga")
    await village.follow("karel", "jana")
    root = str((await village.write("jana", "Kdo přinese žebřík? #louka")).post.id)
    karel = await village.by_app("karel")
    await karel.post("/api/v1/statuses", {"status": "Já", "in_reply_to_id": root})
    await karel.post("/api/v1/statuses", {"status": "Hele", "quoted_status_id": root})
    asked = {"status": "Kdy?", "poll[options][]": ["dnes", "zítra"], "poll[expires_in]": "9999", "in_reply_to_id": root}
    poll = (await (await village.by_app("jana")).post("/api/v1/statuses", asked)).json["poll"]
    await karel.post(f"/api/v1/polls/{poll['id']}/votes", {"choices[]": "1"})
    for act in ("reblog", "favourite", "bookmark", "mute"):
        await karel.post(f"/api/v1/statuses/{root}/{act}")
    await village.write("jana", "jen pro sledující", visibility=Visibility.FOLLOWERS, reply_to_id=int(root))
    return root


async def _everything(village: Village, visitor: Visitor, root: str) -> dict[str, list[dict[str, Any]]]:
    """The statuses around the root by the way in which they are read."""
    thread = (await visitor.get(f"/api/v1/statuses/{root}/context")).json
    lists = {"thread": thread["ancestors"] + thread["descendants"]}
    for name in ("jana", "karel"):
        lists[name] = (await visitor.get(f"/api/v1/accounts/{village.people[name].id}/statuses")).json
    ids = [one["id"] for found in lists.values() for one in found]
    lists["many"] = (await visitor.get("/api/v1/statuses?" + "&".join(f"id[]={id_}" for id_ in ids))).json
    lists["one"] = [(await visitor.get(f"/api/v1/statuses/{id_}")).json for id_ in ids]
    return lists


@pytest.mark.parametrize("reader", ["jana", "karel", "olga", "nobody"])
async def test_a_status_is_the_same_however_it_is_read(village: Village, root: str, reader: str) -> None:
    visitor = village.nobody() if reader == "nobody" else await village.by_app(reader)
    for other in ("jana", "karel", "olga"):  # whose reading leaves statuses in memory
        await _everything(village, await village.by_app(other), root)
    found = await _everything(village, visitor, root)
    alone = Visitor(create_front(village.settings, village.database), token=visitor._token)
    assert found == await _everything(village, alone, root)
    assert found["many"] == found["one"] == found["thread"] + found["jana"] + found["karel"]
    sees_all = reader in ("jana", "karel")
    assert len(found["thread"]) == (3 if sees_all else 2)
    private = [one["content"] for one in found["thread"] + found["jana"] if "jen pro" in one["content"]]
    assert private == ["<p>jen pro sledující</p>"] * (2 if sees_all else 0)
    one = (await visitor.get(f"/api/v1/statuses/{root}")).json
    if reader == "karel":
        assert [one[name] for name in ("favourited", "reblogged", "bookmarked", "muted")] == [True] * 4
        assert all(status["muted"] for status in found["thread"])  # the conversation is
        polls = [status["poll"] for status in found["thread"] if status["poll"]]
        assert (polls[0]["voted"], polls[0]["own_votes"]) == (True, [1])
    elif reader != "nobody":
        assert [one[name] for name in ("favourited", "reblogged", "bookmarked", "muted")] == [False] * 4
    assert [status["quote"]["quoted_status"]["id"] for status in found["karel"] if status["quote"]] == [root]


@pytest.mark.usefixtures("known_viewers")
async def test_warm_statuses_take_few_statements_and_show_each_change_at_once(village: Village, root: str) -> None:
    karel, olga = await village.by_app("karel"), await village.by_app("olga")
    path, thread = f"/api/v1/statuses/{root}", f"/api/v1/statuses/{root}/context"
    profile = f"/api/v1/accounts/{village.people['jana'].id}/statuses"
    for address in (path, thread, profile):
        for visitor in (karel, olga):
            await visitor.get(address)
    for address, most in ((path, 1), (thread, 3), (profile, 3)):
        village.database.statements = 0
        await olga.get(address)
        assert village.database.statements == most, address
    await (await village.by_app("jana")).send("PUT", path, {"status": "Žebřík už máme"})
    for visitor in (karel, olga, village.nobody()):
        assert "už máme" in (await visitor.get(path)).text
        assert "už máme" in (await visitor.get(profile)).text
    async with village.database.write() as tx:
        await set_effect(tx, int(root), PostEffect.HIDDEN, None)
    for visitor in (karel, olga, village.nobody()):
        assert (await visitor.get(path)).status == (await visitor.get(thread)).status == 404
        assert "už máme" not in (await visitor.get(profile)).text
    assert (await (await village.by_app("jana")).get(path)).status == 200


@pytest.mark.usefixtures("known_viewers")
async def test_warm_notifications_and_accounts_take_few_statements_and_show_each_change_at_once(village: Village, root: str) -> None:
    await village.work()
    jana, karel = await village.by_app("jana"), await village.by_app("karel")
    ids = {name: village.people[name].id for name in ("jana", "karel")}
    notifications, groups, lookup = "/api/v1/notifications", "/api/v2/notifications", "/api/v1/accounts/lookup?acct=karel"
    one = f"/api/v1/accounts/{ids['karel']}"
    for address, most in ((notifications, 3), (groups, 4), (lookup, 1), (one, 1)):  # with one for the quote
        await jana.get(address)
        village.database.statements = 0
        await jana.get(address)
        assert village.database.statements == most, address
    before = (await jana.get(notifications)).json
    assert {entry["type"] for entry in before} == {"follow", "mention", "quote", "favourite", "reblog"}
    for entry in before:
        assert entry == (await jana.get(f"{notifications}/{entry['id']}")).json  # which is rendered anew
    assert (await jana.get(lookup)).json == (await jana.get(one)).json == (await jana.get(f"/api/v1/accounts?id[]={ids['karel']}")).json[0]
    await karel.send("PATCH", "/api/v1/accounts/update_credentials", {"display_name": "Karel od mlýna"})
    await village.write("karel", "Ještě jednou")
    await village.follow("olga", "karel")
    await fold_counters(village.database)
    for account in [(await jana.get(address)).json for address in (lookup, one)]:
        assert (account["display_name"], account["followers_count"], account["statuses_count"]) == ("Karel od mlýna", 1, 4)
    assert {entry["account"]["display_name"] for entry in (await jana.get(notifications)).json} == {"Karel od mlýna"}
    assert [person["display_name"] for person in (await jana.get(groups)).json["accounts"]] == ["Karel od mlýna"]
    async with village.database.write() as tx:
        await set_account_effect(tx, ids["karel"], AccountEffect.SUSPENDED)
    assert (await jana.get(notifications)).json == (await jana.get(groups)).json["notification_groups"] == []
    blank = (await jana.get(lookup)).json
    assert (blank["suspended"], blank["display_name"]) == (True, "")
