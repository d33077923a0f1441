"""The visibility rule for all combinations of viewer, visibility, relation and entry point; all entry points agree."""

from folkmoot.network.posts.actions import delete_post
from folkmoot.network.posts.model import PostDraft, Visibility
from folkmoot.network.posts.queries import list_reportable
from folkmoot.network.posts.visibility import is_visible
from tests.village import Village, Visitor

# The viewers, named by their relation to the author.
VIEWERS = ["author", "follower", "mentioned", "stranger", "blocked_follower", "blocked_mentioned", "nobody"]


async def _settled(village: Village) -> dict[int, str]:
    """Writes a post of each visibility, which mentions `mentioned` and `blocked_mentioned`; returns them by id."""
    await village.settle("author", *VIEWERS[1:-1])
    for name in ("follower", "blocked_follower"):
        await village.follow(name, "author")
    posts = {}
    for visibility in Visibility:
        view = await village.write(
            "author", f"sedmikráska {visibility.word} @mentioned @blocked_mentioned #louka", visibility=visibility, cover=""
        )
        posts[view.post.id] = visibility.word
    async with village.database.write() as tx:
        from folkmoot.network.relations.actions import block

        for name in ("blocked_follower", "blocked_mentioned"):
            await block(tx, village.people["author"], village.people[name].id)
    await village.work()
    return posts


def _expected(viewer: str, visibility: Visibility, is_suspended: bool = False, is_hidden: bool = False) -> bool:
    return is_visible(
        visibility=visibility, post_effect=2 if is_hidden else 0, author_effect=3 if is_suspended else 0, is_own=viewer == "author",
        follows_author=viewer == "follower", is_mentioned=viewer in ("mentioned", "blocked_mentioned"),
        is_blocked_by_author=viewer.startswith("blocked"),
    )


async def _visitor(village: Village, viewer: str, application: str) -> Visitor:
    if viewer == "nobody":
        return village.nobody()
    return await (village.by_app(viewer) if application == "api" else village.by_browser(viewer))


async def _seen_by_app(visitor: Visitor, viewer: str, author_id: int, posts: dict[int, str]) -> dict[str, set[int]]:
    """The posts that each route of the API shows."""
    seen: dict[str, set[int]] = {}
    for id_ in posts:
        for address in ("", "/context", "/history", "/favourited_by", "/reblogged_by"):
            answer = await visitor.get(f"/api/v1/statuses/{id_}{address}")
            assert answer.status in (200, 404)
            if answer.status == 200:
                seen.setdefault(f"status{address}", set()).add(id_)
        if viewer != "nobody":
            for verb in ("favourite", "bookmark"):
                if (await visitor.post(f"/api/v1/statuses/{id_}/{verb}")).status == 200:
                    seen.setdefault(verb, set()).add(id_)
                    await visitor.post(f"/api/v1/statuses/{id_}/un{verb}")
            answer = await visitor.post("/api/v1/statuses", {"status": "@author odpověď", "in_reply_to_id": id_, "visibility": "direct"})
            if answer.status == 200:
                seen.setdefault("reply", set()).add(id_)
                await visitor.send("DELETE", f"/api/v1/statuses/{answer.json['id']}")
    lists = [f"/api/v1/accounts/{author_id}/statuses", "/api/v1/statuses?" + "&".join(f"id[]={id_}" for id_ in posts)]
    for address in lists:
        found = (await visitor.get(address)).json
        seen[address.partition("?")[0].replace(str(author_id), "ID")] = {int(status["id"]) for status in found} & set(posts)
    if viewer != "nobody":
        found = (await visitor.get("/api/v2/search?q=sedmikraska&type=statuses")).json["statuses"]
        seen["search"] = {int(status["id"]) for status in found} & set(posts)
    return seen


async def test_every_route_of_the_api_shows_what_the_rule_allows(village: Village) -> None:
    posts = await _settled(village)
    author_id = village.people["author"].id
    for viewer in VIEWERS:
        visitor = await _visitor(village, viewer, "api")
        expected = {id_ for id_, word in posts.items() if _expected(viewer, Visibility[word.upper()])}
        seen = await _seen_by_app(visitor, viewer, author_id, posts)
        direct = {id_ for id_, word in posts.items() if word == "direct"}
        for address, found in seen.items():
            wanted = expected - direct if address == "search" else expected
            assert found == wanted, f"{viewer} at {address}: {sorted(posts[id_] for id_ in found ^ wanted)}"
        assert expected == seen.get("status", set())


async def test_every_page_shows_what_the_rule_allows(village: Village) -> None:
    posts = await _settled(village)
    for viewer in VIEWERS:
        visitor = await _visitor(village, viewer, "web")
        for id_, word in posts.items():
            allowed = _expected(viewer, Visibility[word.upper()])
            conversation = 303 if word == "direct" else 200  # a message is shown and answered in its conversation
            for address in (f"/@author/{id_}", f"/posts/{id_}/history", f"/posts/{id_}/favourited_by", f"/posts/{id_}/boosted_by"):
                answer = await visitor.get(address)
                expected = conversation if address.startswith("/@") else 200
                assert answer.status == (expected if allowed else 404), f"{viewer} at {address} ({word})"
                assert ("sedmikráska" in answer.text) <= allowed
            if viewer != "nobody":
                assert (await visitor.get(f"/posts/new?reply_to={id_}")).status == (conversation if allowed else 404)
        profile = (await visitor.get("/@author/with_replies")).text
        for word in posts.values():
            is_shown = word != "direct" and _expected(viewer, Visibility[word.upper()])  # messages have pages of their own
            assert (f"sedmikráska {word}" in profile) == is_shown, f"{viewer}, profile, {word}"


async def test_timelines_show_what_the_rule_allows(village: Village) -> None:
    posts = await _settled(village)
    for viewer in VIEWERS:
        visitor = await _visitor(village, viewer, "api")
        for address in ("public", "public?local=true", "tag/louka"):
            found = {posts[int(status["id"])] for status in (await visitor.get(f"/api/v1/timelines/{address}")).json}
            assert found == (set() if viewer.startswith("blocked") else {"public"}), f"{viewer} at {address}"
        if viewer == "nobody":
            assert (await visitor.get("/api/v1/timelines/home")).status == 401
            continue
        await visitor.get("/api/v1/timelines/home")  # pulled; then it is built
        for _ in range(2):
            found = {posts[int(status["id"])] for status in (await visitor.get("/api/v1/timelines/home")).json}
            expected = {word for word in posts.values() if _expected(viewer, Visibility[word.upper()])}
            assert found == ({"author": expected, "follower": expected}.get(viewer, set())), viewer


async def test_a_hidden_post_is_visible_to_its_author_only(village: Village) -> None:
    posts = await _settled(village)
    public = next(id_ for id_, word in posts.items() if word == "public")
    async with village.database.write() as tx:
        await tx.execute("UPDATE posts SET effect = 2 WHERE id = $1", public)
    for viewer in VIEWERS:
        visitor = await _visitor(village, viewer, "api")
        assert (await visitor.get(f"/api/v1/statuses/{public}")).status == (200 if viewer == "author" else 404)
    async with village.database.write() as tx:
        await tx.execute("UPDATE accounts SET effect = 3, version = version + 1 WHERE username = 'author'")
    for viewer in VIEWERS[1:]:
        visitor = await _visitor(village, viewer, "api")
        for id_ in posts:
            assert (await visitor.get(f"/api/v1/statuses/{id_}")).status == 404


async def test_a_hidden_post_and_a_missing_post_get_the_same_response(village: Village) -> None:
    posts = await _settled(village)
    private = next(id_ for id_, word in posts.items() if word == "followers")
    stranger = await village.by_app("stranger")
    hidden, absent = [await stranger.get(f"/api/v1/statuses/{id_}") for id_ in (private, private + 1)]
    assert (hidden.status, hidden.body) == (absent.status, absent.body)


async def test_notifications_reach_only_who_may_see_the_post(village: Village) -> None:
    await village.settle("author", "friend", "enemy")
    async with village.database.write() as tx:
        from folkmoot.network.posts.actions import create_post
        from folkmoot.network.relations.actions import block
        from tests.village import LIMITS

        await block(tx, village.people["enemy"], village.people["author"].id)
        await create_post(tx, village.people["author"], PostDraft(text="@friend @enemy ahoj"), LIMITS)
    await village.work()
    for name, expected in (("friend", ["mention"]), ("enemy", [])):
        answer = await (await village.by_app(name)).get("/api/v1/notifications")
        assert [notification["type"] for notification in answer.json] == expected


async def test_everything_visible_and_everything_that_was_visible_before_a_block_can_be_reported(village: Village) -> None:
    posts = await _settled(village)
    reportable = {
        "public": set(VIEWERS[1:-1]), "unlisted": set(VIEWERS[1:-1]), "direct": {"mentioned", "blocked_mentioned"},
        "followers": {"follower", "mentioned", "blocked_follower", "blocked_mentioned"},
    }
    for is_deleted in (False, True):
        if is_deleted:
            async with village.database.write() as tx:
                for id_ in posts:
                    await delete_post(tx, village.people["author"], id_)
        async with village.database.read() as conn:
            for viewer in VIEWERS[1:-1]:
                found = await list_reportable(conn, [*posts], village.people[viewer].id)
                assert {post.post_id for post in found} == {id_ for id_, word in posts.items() if viewer in reportable[word]}, viewer
                assert all(_expected(viewer, Visibility[word.upper()]) <= (viewer in reportable[word]) for word in posts.values())
