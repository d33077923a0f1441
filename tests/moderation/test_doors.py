"""What was hidden, removed or suspended is shown by no route to anybody who must not see it; and everything is back afterwards.

Every GET route of the pages and the API is asked with every id of a small world, before and after, so that a new route is tested without
being named here.
"""

import io
import itertools
import re
from collections.abc import Iterator
from urllib.parse import quote

from PIL import Image

from folkmoot.api.routes import ROUTES as API
from folkmoot.http.routing import Access, Route
from folkmoot.moderation.cases.actions import open_case
from folkmoot.moderation.cases.model import Case, Subject
from folkmoot.moderation.clauses.published import clause_of
from folkmoot.moderation.restrictions.actions import impose_restriction, lift_restriction
from folkmoot.moderation.restrictions.model import Kind
from folkmoot.moderation.restrictions.queries import list_of_case
from folkmoot.network.folding import fold_counters
from folkmoot.web.routes import ROUTES as WEB
from tests.moderation.court import Court
from tests.village import Answer, Visitor

_POST, _PICTURE, _POLL, _PROFILE = "sedmikraska", "petrklic", "bledule", "pomnenka"  # words of each part
_OF_POST, _OF_ACCOUNT = {_POST, _PICTURE}, {_POST, _PICTURE, _POLL, _PROFILE}
_LEFT_OUT = ("/streaming", "/moderate", "/live/", "/log_out", "/oauth/authorize")
_Asked = tuple[str, str]  # a viewer and an address


class World:
    """An author with a profile, a public post with a picture, a poll, and a message; and others who did something with all of it."""

    def __init__(self, court: Court) -> None:
        self.court, self.village, self.database = court, court.village, court.database
        self.visitors: dict[_Asked, Visitor] = {}
        self.kept_too_long: set[str] = set()  # addresses of what a shared cache may show longer than we do

    async def build(self) -> "World":
        village = self.village
        await village.settle("stranger")
        await village.follow("reader", "author")
        await village.follow("author", "reader")
        author, reader = await village.by_app("author"), await village.by_app("reader")
        avatar = io.BytesIO()
        Image.effect_noise((200, 200), 90).save(avatar, "PNG")
        await author.upload("/api/v1/profile", "avatar", avatar.getvalue(), "PATCH")
        await author.send("PATCH", "/api/v1/accounts/update_credentials", {"display_name": f"Jana {_PROFILE}", "note": f"sbírá {_PROFILE}"})
        picture = io.BytesIO()
        Image.effect_noise((800, 600), 90).save(picture, "PNG")
        upload = (await author.upload("/api/v2/media", "file", picture.getvalue(), description=_PICTURE)).json
        post = (await author.post("/api/v1/statuses", {"status": f"{_POST} na @reader #louka", "media_ids[]": upload["id"]})).json
        asked = {"status": "Co?", "poll[options][]": [_POLL, "nic"], "poll[expires_in]": "9999"}
        poll = (await author.post("/api/v1/statuses", asked)).json
        message = (await author.post("/api/v1/statuses", {"status": f"@reader {_POLL} tajně", "visibility": "direct"})).json
        await author.send("PUT", f"/api/v1/statuses/{post['id']}", {"status": f"{_POST} na @reader #louka!", "media_ids[]": upload["id"]})
        await author.post(f"/api/v1/statuses/{post['id']}/pin")
        await author.post("/api/v1/featured_tags", {"name": "louka"})
        boost = (await reader.post(f"/api/v1/statuses/{post['id']}/reblog")).json
        for act in ("favourite", "bookmark"):
            await reader.post(f"/api/v1/statuses/{post['id']}/{act}")
        reply = (await reader.post("/api/v1/statuses", {"status": "Ano", "in_reply_to_id": post["id"]})).json
        await author.post(f"/api/v1/statuses/{reply['id']}/favourite")
        await author.post(f"/api/v1/statuses/{reply['id']}/reblog")
        quote = (await reader.post("/api/v1/statuses", {"status": "Hele", "quoted_status_id": post["id"]})).json
        outer = (await reader.post("/api/v1/statuses", {"status": "Hele, hele", "quoted_status_id": quote["id"]})).json
        listed = (await reader.post("/api/v1/lists", {"title": "kytky"})).json["id"]
        await reader.post(f"/api/v1/lists/{listed}/accounts", {"account_ids[]": str(village.people["author"].id)})
        await village.work()
        for name in ("author", "reader"):
            await (await village.by_app(name)).get("/api/v1/timelines/home")
        await village.work()
        talk = (await reader.get("/api/v1/conversations")).json[0]["id"]
        self.post_id, self.poll_post_id, self.account_id = int(post["id"]), int(poll["id"]), village.people["author"].id
        self.ids = {
            "post": post["id"], "poll_post": poll["id"], "message": message["id"], "boost": boost["id"], "reply": reply["id"],
            "account": str(self.account_id), "reader": str(village.people["reader"].id), "talk": talk, "list": listed,
            "poll": poll["poll"]["id"], "picture": upload["id"], "quote": quote["id"], "outer": outer["id"],
        }
        attached = post["media_attachments"][0]
        self.files = [re.sub(r"^https?://[^/]+", "", attached[name]) for name in ("url", "preview_url")]
        shown = (await village.nobody().get(f"/api/v1/accounts/{self.account_id}")).json
        self.avatar = re.sub(r"^https?://[^/]+", "", shown["avatar"])
        await self._act_as_others(post["id"])
        await fold_counters(self.database)
        self.cases = {
            Subject.POST: await self._case(Subject.POST, self.post_id), Subject.ACCOUNT: await self._case(Subject.ACCOUNT, self.account_id),
        }
        return self

    async def _act_as_others(self, post_id: str) -> None:
        """One has reported and muted the author, another has blocked them, and a third has asked to follow."""
        reporter, blocker = await self.village.by_app("reporter"), await self.village.by_app("stranger")
        report = await reporter.post("/api/v1/reports", {"account_id": self.account_id, "status_ids[]": post_id, "rule_ids[]": "2"})
        for visitor, act in ((reporter, "mute"), (reporter, "follow"), (blocker, "block")):
            await visitor.post(f"/api/v1/accounts/{self.account_id}/{act}")
        report_id = report.json["id"]
        self.of_others = [
            ("reporter", "/settings/mutes"), ("stranger", "/settings/blocks"), ("reporter", "/api/v1/mutes"),
            ("stranger", "/api/v1/blocks"), ("reporter", "/reports"), ("reporter", f"/reports/{report_id}"),
            ("reporter", f"/reports/new?post={post_id}"), ("reporter", f"/reports/new?account={self.account_id}"),
            ("reporter", "/messages/new?to=author"), ("reporter", "/messages/with/author"), ("reporter", "/@reporter/following"),
            ("reporter", f"/accounts/{self.account_id}/lists"),
        ]

    async def _case(self, subject: Subject, subject_id: int) -> Case:
        async with self.database.write() as tx:
            return await open_case(tx, subject, subject_id, self.account_id, clause_of("violence"))

    def addresses(self, route: Route) -> Iterator[str]:
        """The addresses of a route with each id, and with parameters that make lists find what they can."""
        ids = [self.ids[name] for name in ("post", "message", "boost", "reply", "account", "talk", "list", "poll", "quote", "outer")]
        names = {"hashtag": ["louka"], "name": ["author", "reader"], "id": ids}
        holes = re.findall(r"\{(\w+)\}", route.path)
        for values in itertools.product(*(names.get(hole, ["1"]) for hole in holes)):
            path = route.path
            for hole, value in zip(holes, values, strict=True):
                path = path.replace(f"{{{hole}}}", value, 1)
            yield path + self._query(route)

    def _query(self, route: Route) -> str:
        ids = "&".join(f"id[]={id_}" for id_ in (self.ids["post"], self.ids["poll_post"], self.ids["account"], self.ids["boost"]))
        return {
            "/api/v2/search": "?q=louka", "/search": "?q=louka", "/api/v1/accounts/search": "?q=jana",
            "/api/v1/accounts/lookup": "?acct=author", "/.well-known/webfinger": "?resource=acct:author@localhost:8420",
            "/api/v1/directory": "?local=true", "/reports/new": f"?post={self.ids['post']}", "/posts/new": f"?reply_to={self.ids['post']}",
        }.get(route.path, f"?{ids}" if route.path in (
            "/api/v1/statuses", "/api/v1/accounts", "/api/v1/accounts/relationships", "/api/v1/accounts/familiar_followers") else "")

    async def visitor(self, viewer: str, *, is_api: bool) -> Visitor:
        key = (viewer, str(is_api))
        if key not in self.visitors:
            self.visitors[key] = self.village.nobody() if viewer == "nobody" else await (
                self.village.by_app if is_api else self.village.by_browser)(viewer)
        return self.visitors[key]

    async def ask(self, viewer: str, address: str) -> set[str]:
        """The words that an address shows a viewer; for a picture its address."""
        visitor = await self.visitor(viewer, is_api=address.startswith("/api"))
        answer = await visitor.get(quote(address, safe="/@?&=[]:."))
        if address in (*self.files, self.avatar):
            found = {_PROFILE if address == self.avatar else _PICTURE} if answer.status == 200 else set()
        else:
            found = {word for word in _OF_ACCOUNT if word in _text(answer)}
        if found and max(_shared_seconds(answer), _own_seconds(answer) if address in self.files else 0) > _AT_MOST:
            self.kept_too_long.add(address)
        return found

    async def shown(self, viewers: tuple[str, ...], among: dict[_Asked, set[str]] | None = None) -> dict[_Asked, set[str]]:
        """What each viewer is shown where: at all addresses, or at those that have shown something before."""
        if among is not None:
            asked = [key for key in among if key[0] in viewers]
        else:
            routes = [route for route in (*API, *WEB) if route.method == "GET" and route.access in (Access.PUBLIC, Access.MEMBER)
                      and not any(part in route.path for part in _LEFT_OUT)]
            addresses = dict.fromkeys([one for route in routes for one in self.addresses(route)] + [*self.files, self.avatar])
            addresses |= dict.fromkeys(["/search?q=jana", "/api/v2/search?q=jana", "/api/v1/tags/louka"])
            asked = [(viewer, address) for viewer in viewers for address in addresses]
        found = {key: await self.ask(*key) for key in asked}
        return {key: words for key, words in found.items() if words}

    async def impose(self, kind: Kind) -> None:
        async with self.database.write() as tx:
            await impose_restriction(tx, self.cases[kind.subject], kind, clause_of("violence"))
        await self.village.work()

    async def lift(self) -> None:
        async with self.database.write() as tx:
            for case in self.cases.values():
                for restriction in await list_of_case(tx, case.id):
                    await lift_restriction(tx, restriction)
        await self.village.work()
        await fold_counters(self.database)
        self.village.forget_pages()


def _text(answer: Answer) -> str:
    """Without what the page repeats from the address."""
    return re.sub(r'(value|content|href|action)="[^"]*"', "", answer.body.decode("utf-8", "replace"))


def _rules(answer: Answer) -> dict[str, str]:
    written = (part.strip().partition("=") for part in answer.headers.get("cache-control", "max-age=inf").split(","))
    return {name: value for name, _, value in written}


def _own_seconds(answer: Answer) -> float:
    """How long the browser of somebody who has seen it may show it again without asking."""
    rules = _rules(answer)
    return 0 if {"no-store", "no-cache"} & set(rules) else float(rules.get("max-age", "inf"))


def _shared_seconds(answer: Answer) -> float:
    """How long a cache that many people share may answer for us, stale answers included (RFC 9111 4.2.1, RFC 5861)."""
    rules = _rules(answer)
    if {"private", "no-store", "no-cache"} & set(rules):
        return 0
    return float(rules.get("s-maxage", rules.get("max-age", "inf"))) + float(rules.get("stale-while-revalidate", 0))


_AT_MOST = 2.0  # seconds until a restriction is effective everywhere
_VIEWERS = ("nobody", "reader")
_ALL = (*_VIEWERS, "reporter", "stranger")
_UNASKED = {  # what a limited reach leaves out
    "/api/v1/timelines/public", "/api/v1/timelines/tag/louka", "/explore", "/tags/louka", "/api/v2/search?q=louka", "/search?q=louka",
}


async def test_no_route_shows_what_is_restricted(court: Court) -> None:
    world = await World(court).build()
    before = await world.shown(_VIEWERS)
    before |= {key: words for key in world.of_others if (words := await world.ask(*key))}
    assert len(before) > 60, sorted(before)
    assert not world.kept_too_long
    for word in _OF_ACCOUNT:
        assert len([key for key, words in before.items() if word in words]) > 5, word
    wrong: list[object] = []
    for kind, gone in ((Kind.HIDE, _OF_POST), (Kind.REMOVE, _OF_POST), (Kind.SUSPEND, _OF_ACCOUNT)):
        await world.impose(kind)
        after = await world.shown(_ALL, before)
        wrong += [(kind, *key, words & gone) for key, words in after.items() if words & gone]
        if kind is Kind.HIDE:  # for everybody else; its author still has it
            assert await world.ask("author", f"/api/v1/statuses/{world.ids['post']}") >= _OF_POST
        if kind is Kind.REMOVE:
            assert not await world.ask("author", f"/api/v1/statuses/{world.ids['post']}")
            assert not await world.ask("author", f"/api/v1/accounts/{world.account_id}/statuses") & _OF_POST
        await world.lift()
        restored = await world.shown(_ALL, before)
        wrong += [(kind, "after", *key) for key in before if restored.get(key) != before[key]]
    assert not wrong


async def test_no_list_for_everybody_shows_what_has_a_limited_reach(court: Court) -> None:
    world = await World(court).build()
    before = {("nobody", address): await world.ask("nobody", address) for address in _UNASKED}
    assert all(_POST in words or "search" in address for (_, address), words in before.items()), before
    for kind in (Kind.LIMIT_POST, Kind.LIMIT):
        await world.impose(kind)
        after = await world.shown(("nobody",), before)
        assert not [key for key, words in after.items() if _POST in words]
        assert _POST in await world.ask("nobody", f"/api/v1/statuses/{world.ids['post']}")  # whoever opens a link sees it
        assert _POST in await world.ask("reader", "/api/v1/timelines/public")  # a follower
        await world.lift()
        assert await world.shown(("nobody",), before) == {key: words for key, words in before.items() if words}
