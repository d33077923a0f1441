"""A network in which every list of the member Jana has at least three entries, and every other entity exists, so that the
walkers over all endpoints find something everywhere. A new endpoint with an id needs its entity here."""

import re
from dataclasses import dataclass, field
from datetime import timedelta

from folkmoot.base import clock
from folkmoot.http.routing import Route
from folkmoot.network.cards.actions import link_post, store_preview
from folkmoot.network.cards.model import Preview
from folkmoot.network.cards.queries import insert_card
from folkmoot.network.media.store import media_store
from folkmoot.network.posts.model import Visibility
from tests.api.test_accounts import picture
from tests.push_service import Device
from tests.village import Village, Visitor

ALL_SCOPES = "read write follow push profile jury"
FRIENDS, ASKING, BLOCKED, MUTED = (
    tuple(f"{word}{number}" for number in range(3)) for word in ("friend", "asking", "blocked", "muted")
)
LINK = "https://noviny.example/clanek"
# Queries that an endpoint needs to answer at all.
QUERIES = {
    "/api/v1/accounts/lookup": "acct=jana", "/api/v1/accounts/search": "q=friend", "/api/v2/search": "q=friend",
    "/.well-known/webfinger": "resource=acct:jana@localhost:8420", "/api/oembed": "url=http://localhost:8420/@jana/{post}",
    "/api/v1/domain_blocks/preview": "domain=daleko0.example",
    "/api/v1/timelines/link": f"url={LINK}",
    "/api/v2/notifications": "grouped_types[]=poll",  # groups of one notification, which no page divides
}


@dataclass
class Crowd:
    """`ids`: of what belongs to Jana, by the name of the part of a path that stands before the id."""

    village: Village
    jana: Visitor
    ids: dict[str, str] = field(default_factory=dict)

    def path(self, route: Route, unknown: str = "") -> str:
        """The address of a route with its query: with the ids of this network, or with an unknown one."""

        def value(found: re.Match[str]) -> str:
            before = route.path[: found.start()].strip("/").removeprefix("api/")
            names = (before, before.partition("/")[2], before.rpartition("/")[2])
            return unknown or next((self.ids[name] for name in names if name in self.ids), "0")

        query = QUERIES.get(route.path, "").format(**self.ids)
        return re.sub(r"\{\w+\}", value, route.path) + (f"?{query}" if query else "")


async def gather(village: Village) -> Crowd:
    await village.settle("jana", *FRIENDS, *ASKING, *BLOCKED, *MUTED)
    jana = await village.by_app("jana", ALL_SCOPES)
    crowd = Crowd(village, jana, {"accounts": str(village.people["jana"].id)})
    await _write(crowd)
    await _relate(crowd)
    await _arrange(crowd)
    await _link(village)
    await village.work()
    crowd.ids["notifications"] = (await jana.get("/api/v1/notifications")).json[0]["id"]
    groups = (await jana.get("/api/v2/notifications?grouped_types[]=favourite")).json["notification_groups"]
    crowd.ids["v2/notifications"] = groups[0]["group_key"]
    await _filter_strangers(crowd)
    return crowd


async def _write(crowd: Crowd) -> None:
    """Posts of Jana and her friends, with quotes, marks and a poll."""
    village, ids = crowd.village, crowd.ids
    own = [str((await village.write("jana", f"{number}. den u #kašna")).post.id) for number in range(3)]
    ids["post"] = ids["statuses"] = own[0]
    poll = {"status": "Jdeme?", "poll[options][]": ["ano", "ne"], "poll[expires_in]": 600}
    ids["polls"] = (await crowd.jana.post("/api/v1/statuses", poll)).json["poll"]["id"]
    for name in FRIENDS:
        await village.follow(name, "jana")
        await village.follow("jana", name)
        friend = await village.by_app(name)
        await friend.post(f"/api/v1/statuses/{own[0]}/favourite")
        await friend.post("/api/v1/statuses", {"status": "viz", "quoted_status_id": own[0]})
        await village.write(name, "@jana mezi námi", visibility=Visibility.DIRECT)
        theirs = (await village.write(name, "Dobré ráno")).post.id
        for verb in ("favourite", "bookmark"):
            await crowd.jana.post(f"/api/v1/statuses/{theirs}/{verb}")
    for name in ASKING:  # not by friends: a timeline shows boosts of one post by several of them once
        await (await village.by_app(name)).post(f"/api/v1/statuses/{own[0]}/reblog")


async def _link(village: Village) -> None:
    """Posts of friends with a link to a page that was fetched."""
    async with village.database.write() as tx:
        card = await insert_card(tx, 1, LINK)
    for name in FRIENDS:
        post = (await village.write(name, f"Čtěte {LINK}")).post.id
        async with village.database.write() as tx:
            await link_post(tx, post, LINK)
            await store_preview(tx, media_store(village.settings), card.id, Preview(title="Most je otevřen"), None, "localhost:8420")


async def _relate(crowd: Crowd) -> None:
    """Relations of Jana, and her reports."""
    village, jana = crowd.village, crowd.jana
    for name in FRIENDS:
        await jana.post(f"/api/v1/accounts/{village.people[name].id}/endorse")
    await jana.send("PATCH", "/api/v1/accounts/update_credentials", {"locked": "true"})
    for name in ASKING:
        await (await village.by_app(name)).post(f"/api/v1/accounts/{crowd.ids['accounts']}/follow")
    for name in BLOCKED:
        id_, post = village.people[name].id, (await village.write(name, "Nic moc")).post.id
        report = {"account_id": id_, "status_ids[]": [post], "category": "spam"}
        crowd.ids["reports"] = (await jana.post("/api/v1/reports", report)).json["id"]
        await jana.post(f"/api/v1/accounts/{id_}/block")
    for name in MUTED:
        await jana.post(f"/api/v1/accounts/{village.people[name].id}/mute")


async def _arrange(crowd: Crowd) -> None:
    """What Jana keeps for herself: a list, filters, scheduled posts, hashtags, blocked networks, an upload, a device."""
    village, jana, ids = crowd.village, crowd.jana, crowd.ids
    ids["lists"] = (await jana.post("/api/v1/lists", {"title": "Sousedé"})).json["id"]
    members = [village.people[name].id for name in FRIENDS]
    await jana.post(f"/api/v1/lists/{ids['lists']}/accounts", {"account_ids[]": members})
    made = (await jana.post("/api/v2/filters", {
        "title": "Doprava", "context[]": ["thread"], "keywords_attributes[0][keyword]": "tramvaj"})).json
    marked = (await jana.post(f"/api/v2/filters/{made['id']}/statuses", {"status_id": ids["post"]})).json
    ids |= {"v2/filters": made["id"], "v2/filters/keywords": made["keywords"][0]["id"], "v1/filters": made["keywords"][0]["id"],
            "v2/filters/statuses": marked["id"]}
    for number in range(3):
        due_at = (clock.now() + timedelta(days=number + 1)).isoformat()
        later = await jana.post("/api/v1/statuses", {"status": f"Za {number}", "scheduled_at": due_at})
        ids["scheduled_statuses"] = later.json["id"]
        await jana.post(f"/api/v1/tags/stitek{number}/follow")
        await jana.post("/api/v1/domain_blocks", {"domain": f"daleko{number}.example"})
    ids["media"] = (await jana.upload("/api/v2/media", "file", picture())).json["id"]
    ids |= {"timelines/tag": "kasna", "tags": "kasna", "timelines/list": ids["lists"]}
    device = Device()
    await jana.post("/api/v1/push/subscription", {
        "subscription[endpoint]": device.endpoint, "subscription[keys][p256dh]": device.keys["p256dh"],
        "subscription[keys][auth]": device.keys["auth"]})


async def _filter_strangers(crowd: Crowd) -> None:
    """Mentions by strangers, which wait in requests."""
    await crowd.jana.send("PATCH", "/api/v2/notifications/policy", {"for_not_following": "filter"})
    for name in ASKING:
        await crowd.village.write(name, "@jana prosím")
    await crowd.village.work()
    crowd.ids["notifications/requests"] = (await crowd.jana.get("/api/v1/notifications/requests")).json[0]["id"]
