"""A restriction applies to every page and API route at the next request, and is undone completely."""

import io

import pytest
from PIL import Image

from folkmoot.moderation.appeals.actions import lodge_appeal
from folkmoot.moderation.cases.model import Case
from folkmoot.network.posts.model import PostEffect, Visibility
from folkmoot.network.posts.visibility import is_visible
from tests.moderation.court import Court
from tests.village import Answer, Visitor

VIEWERS = ("author", "follower", "stranger", "nobody")
_EFFECTS = {
    "keep": (PostEffect.NONE, 0), "label": (PostEffect.LABEL, 0), "hide": (PostEffect.HIDDEN, 0), "remove": (PostEffect.REMOVED, 0),
    "suspend": (PostEffect.REMOVED, 3),
}


def _picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(out, "PNG")
    return out.getvalue()


class PostAccess:
    """A public post with a picture, boosts, favourites, bookmarks and replies; and all addresses that show it."""

    def __init__(self, court: Court) -> None:
        self.court = court
        self.village = court.village

    async def build(self) -> Case:
        await self.village.settle("follower", "stranger")
        await self.village.follow("follower", "author")
        await self.village.follow("follower", "reader")
        author = await self.village.by_app("author")
        upload = (await author.upload("/api/v2/media", "file", _picture(), description="tyrkysová plocha")).json
        posted = (await author.post("/api/v1/statuses", {
            "status": "sedmikráska na @stranger #louka", "media_ids[]": upload["id"], "visibility": "public"})).json
        self.id = posted["id"]
        self.picture = posted["media_attachments"][0]["url"].partition("localhost:8420")[2]
        self.account_id = self.village.people["author"].id
        reader = await self.village.by_app("reader")
        self.boost_id = (await reader.post(f"/api/v1/statuses/{self.id}/reblog")).json["id"]
        for name in ("follower", "stranger"):
            visitor = await self.village.by_app(name)
            await visitor.post(f"/api/v1/statuses/{self.id}/favourite")
            await visitor.post(f"/api/v1/statuses/{self.id}/bookmark")
            await visitor.get("/api/v1/timelines/home")
            await visitor.get("/api/v1/timelines/home")
        answered = await (await self.village.by_app("stranger")).post("/api/v1/statuses", {"status": "odpověď", "in_reply_to_id": self.id})
        self.answer_id = answered.json["id"]
        await author.post(f"/api/v1/statuses/{self.id}/pin")
        await self.village.work()
        view = await self.court.village.by_app("reporter")
        await view.post("/api/v1/reports", {
            "account_id": self.account_id, "status_ids[]": self.id, "rule_ids[]": "2", "comment": "Čtěte pozorně."})
        return (await self.court.queue())[0]

    async def reachable(self, viewer: str) -> dict[str, bool]:
        """Which addresses show this viewer the post's text or its picture."""
        app = await self.village.by_app(viewer) if viewer != "nobody" else self.village.nobody()
        browser = await self.village.by_browser(viewer) if viewer != "nobody" else self.village.nobody()
        reached: dict[str, bool] = {"picture": (await self.village.nobody().get(self.picture)).status == 200}
        for address in (
            f"statuses/{self.id}", f"statuses/{self.id}/context", f"statuses/{self.id}/history", f"statuses/{self.boost_id}",
            f"statuses/{self.id}/favourited_by",
        ):
            reached[address] = (await app.get(f"/api/v1/{address}")).status == 200
        lists = [f"accounts/{self.account_id}/statuses", f"accounts/{self.account_id}/statuses?pinned=true", "timelines/public",
                 "timelines/tag/louka", f"statuses/{self.answer_id}/context", f"statuses?id[]={self.id}",
                 f"accounts/{self.village.people['reader'].id}/statuses"]
        if viewer != "nobody":
            lists += ["favourites", "bookmarks"] if viewer in ("follower", "stranger") else []
            lists += ["notifications"] if viewer == "stranger" else []
            lists += ["timelines/home"] if viewer in ("author", "follower") else []
            reached["search"] = _is_in(await app.get("/api/v2/search?q=sedmikraska&type=statuses"))
        for address in lists:
            reached[address] = _is_in(await app.get(f"/api/v1/{address}"))
        pages = [f"/@author/{self.id}", "/@author", "/explore", "/tags/louka", f"/@stranger/{self.answer_id}", "/@reader"]
        for address in [*pages, *(["/", "/search?q=sedmikraska"] if viewer in ("author", "follower") else [])]:
            reached[f"page {address}"] = _is_in(await browser.get(address))
        return reached


def _is_in(answer: Answer) -> bool:
    return "sedmikráska" in answer.text.replace("\\u00e1", "á")


@pytest.mark.parametrize("action", ["keep", "label", "hide", "remove", "suspend"])
async def test_every_address_of_a_post_follows_the_decision_and_its_reversal(court: Court, action: str) -> None:
    access = PostAccess(court)
    case = await access.build()
    before = {viewer: await access.reachable(viewer) for viewer in VIEWERS}
    for viewer in VIEWERS:
        assert all(before[viewer].values()), (viewer, [way for way, is_reached in before[viewer].items() if not is_reached])

    verdict = await court.decide("moderator", case, action)
    effect, author_effect = _EFFECTS[action]
    for viewer in VIEWERS:
        if viewer == "author" and action == "suspend":
            continue  # has no access: see the test about a suspended member's apps
        allowed = is_visible(
            visibility=Visibility.PUBLIC, post_effect=effect, author_effect=author_effect, is_own=viewer == "author",
            follows_author=False, is_mentioned=False, is_blocked_by_author=False,
        )
        for way, is_reached in (await access.reachable(viewer)).items():
            expected = allowed if way != "picture" else effect < PostEffect.HIDDEN and not author_effect
            assert is_reached == expected, (action, viewer, way)
    if action == "keep":
        return
    async with court.database.write() as tx:
        await lodge_appeal(tx, (await court.viewer("author")).account, verdict.id)
    (second,) = await court.queue()
    await court.decide("other_moderator", second, "keep")
    court.village.forget_pages()
    assert {viewer: await access.reachable(viewer) for viewer in VIEWERS} == before


async def test_a_label_is_sent_to_apps_as_a_content_warning(court: Court) -> None:
    post = await court.village.write("author", "krev a střeva", language="cs")
    await court.report("reporter", post, clauses=("cover",))
    await court.decide("moderator", (await court.queue())[0], "label", "cover")
    status = (await (await court.village.by_app("reader")).get(f"/api/v1/statuses/{post.post.id}")).json
    assert (status["spoiler_text"], status["sensitive"]) == ("Bod 5: Zakryjte, co může nepřipraveného čtenáře zasáhnout", True)


async def test_a_frozen_member_reads_but_does_not_write(court: Court) -> None:
    post = await court.village.write("author")
    await court.report("reporter", post, clauses=("spam",))
    author = await court.village.by_app("author")
    assert (await author.post("/api/v1/statuses", {"status": "před"})).status == 200
    await court.decide("moderator", (await court.queue())[0], "freeze", "spam", days=2)
    assert (await author.get("/api/v1/timelines/home")).status in (200, 206)
    assert (await author.post("/api/v1/statuses", {"status": "po"})).status == 403


async def test_a_suspended_member_s_apps_lose_access_at_once(court: Court) -> None:
    post = await court.village.write("author")
    await court.report("reporter", post, clauses=("violence",))
    author = await court.village.by_app("author")
    assert (await author.get("/api/v1/timelines/home")).status in (200, 206)
    await court.decide("moderator", (await court.queue())[0], "suspend")
    assert (await author.get("/api/v1/timelines/home")).status == 403
    assert (await author.post("/api/v1/statuses", {"status": "ještě něco"})).status == 403


async def test_reporting_needs_an_account_and_the_write_scope(court: Court) -> None:
    post = await court.village.write("author")
    form = {"account_id": post.post.author.id, "status_ids[]": post.post.id}
    assert (await Visitor(court.village.front).post("/api/v1/reports", form)).status == 401
    narrow = await court.village.by_app("reader", scopes="read")
    assert (await narrow.post("/api/v1/reports", form)).status == 403


@pytest.mark.parametrize(("form", "status"), [
    ({}, 400), ({"account_id": "0"}, 404), ({"account_id": "SELF"}, 403), ({"account_id": "ACCOUNT", "rule_ids[]": "77"}, 422),
    ({"account_id": "ACCOUNT", "status_ids[]": "1"}, 404), ({"account_id": "ACCOUNT", "category": "hate"}, 422),
    ({"account_id": "ACCOUNT", "comment": "x" * 1001}, 422),
])
async def test_a_wrong_report_is_refused_in_the_documented_shape(court: Court, form: dict[str, str], status: int) -> None:
    people = court.village.people
    names = {"ACCOUNT": str(people["author"].id), "SELF": str(people["reader"].id)}
    reader = await court.village.by_app("reader")
    answer = await reader.post("/api/v1/reports", {key: names.get(value, value) for key, value in form.items()})
    assert answer.status == status, answer.text
    assert "error" in answer.json
    if status == 422:  # each field by the name that the app sent
        assert set(answer.json["details"]) == {key.removesuffix("[]") for key in form} - {"account_id"}
    assert not await court.queue()


async def test_a_report_is_returned_in_the_documented_shape(court: Court) -> None:
    post = await court.village.write("author", "kup teď")
    reader = await court.village.by_app("reader")
    answer = await reader.post("/api/v1/reports", {
        "account_id": post.post.author.id, "status_ids[]": post.post.id, "rule_ids[]": ["7", "2"], "comment": "Reklama", "forward": "true"})
    assert answer.status == 200
    report = answer.json
    assert (report["category"], report["comment"], report["forwarded"], report["action_taken"]) == ("violation", "Reklama", True, False)
    assert report["rule_ids"] == ["7", "2"]
    assert report["status_ids"] == [str(post.post.id)]
    assert report["target_account"]["acct"] == "author"
    rules = (await court.village.nobody().get("/api/v1/instance/rules")).json
    assert [rule["id"] for rule in rules] == [str(number) for number in range(1, 10)]
    assert rules[1]["translations"]["cs"]["text"] == "Žádné výzvy k násilí, žádné výhrůžky"
