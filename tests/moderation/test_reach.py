"""Limited reach: a post, or all posts of an account, reach followers and whoever opens a link, and nobody else unasked."""

from datetime import timedelta

import pytest

from folkmoot.base import clock
from folkmoot.moderation.restrictions.jobs import lift_expired, repair_reach
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.posts.model import PostEffect, Visibility
from folkmoot.portability.queries import count_public_posts_unscoped
from tests import series
from tests.moderation.court import Court
from tests.moderation.test_restrictions import VIEWERS, PostAccess

_UNASKED = {"timelines/public", "timelines/tag/louka", "search", "page /explore", "page /tags/louka"}


async def _counted(court: Court) -> int:
    """How many posts of a restored copy a drill expects in the public timeline."""
    async with court.database.read() as conn:
        return await count_public_posts_unscoped(
            conn, public=Visibility.PUBLIC, hidden=PostEffect.HIDDEN, limited=AccountEffect.LIMITED
        )


async def _home(court: Court, name: str) -> str:
    return (await (await court.village.by_app(name)).get("/api/v1/timelines/home")).text.replace("\\u00e1", "á")


@pytest.mark.parametrize(
    ("action", "also", "is_frozen"),
    [("limit", (), False), ("warn", ("limit",), True), *series.length([], [("warn", ("limit",), False)])],
)
async def test_a_limited_post_reaches_followers_and_those_who_open_it(
    court: Court, action: str, also: tuple[str, ...], is_frozen: bool
) -> None:
    access = PostAccess(court)
    case = await access.build()
    await court.village.settle("fan")
    await court.village.follow("fan", "reader")  # who has boosted it
    assert "sedmikráska" in await _home(court, "fan")
    before = {viewer: await access.reachable(viewer) for viewer in VIEWERS}
    await court.decide("moderator", case, action, also=also, days=3)
    if is_frozen:  # for another post: a frozen account is limited still
        await court.report("reporter", await court.village.write("author", "pampeliška"))
        await court.decide("moderator", (await court.queue())[0], "freeze", days=3)
    assert await _counted(court) == len((await court.village.nobody().get("/api/v1/timelines/public?local=true")).json)
    for viewer in VIEWERS:
        unasked = set() if viewer in ("author", "follower") else _UNASKED
        reached = await access.reachable(viewer)
        assert {way for way, is_reached in reached.items() if not is_reached} == unasked & set(reached), viewer
    assert "sedmikráska" not in await _home(court, "fan")
    assert "sedmikráska" in await _home(court, "follower")
    with clock.stopped_at(clock.now() + timedelta(days=3, minutes=1)):
        await lift_expired(court.database)
    court.village.forget_pages()
    assert {viewer: await access.reachable(viewer) for viewer in VIEWERS} == before
    assert "sedmikráska" in await _home(court, "fan")


async def test_a_limited_account_is_found_by_its_whole_name_only(court: Court) -> None:
    post = await court.village.write("author", "sedmikráska")
    await court.village.follow("reader", "author")

    async def found(name: str, words: str) -> bool:
        answer = await (await court.village.by_app(name)).get(f"/api/v2/search?type=accounts&q={words}")
        return "author" in [account["acct"] for account in answer.json["accounts"]]

    assert await found("other_reporter", "auth")
    await court.report("reporter", post, clauses=("spam",))
    await court.decide("moderator", (await court.queue())[0], "label", "spam", also=("limit",))
    assert (await found("other_reporter", "auth"), await found("other_reporter", "author")) == (False, True)
    assert (await found("reader", "auth"), await found("author", "auth")) == (True, True)


@pytest.mark.parametrize("is_lifted_first", [False, True])
async def test_a_limit_also_acts_while_the_account_is_frozen(court: Court, is_lifted_first: bool) -> None:
    """Two restrictions of one account act together, and each ends by itself, in any order."""
    await court.village.follow("reader", "author")
    posts = [await court.village.write("author", f"sedmikráska číslo {number}") for number in range(2)]
    await court.village.work()
    await court.report("reporter", posts[0], clauses=("spam",))
    await court.report("reporter", posts[1], clauses=("spam",))

    async def decide(also: str, days: int) -> None:
        case = (await court.queue())[0]
        await court.decide("moderator", case, "label", "spam", also=(also,), days=days)

    async def reached(name: str) -> list[bool]:
        app = await court.village.by_app(name)
        search = await app.get("/api/v2/search?q=sedmikraska&type=statuses")
        people = await app.get("/api/v2/search?q=auth&type=accounts")
        directory = await app.get("/api/v1/directory?local=true")
        return [
            bool((await app.get("/api/v1/timelines/public")).json), bool(search.json["statuses"]),
            "author" in [one["acct"] for one in people.json["accounts"]], "author" in [one["acct"] for one in directory.json],
        ]

    assert await reached("other_reporter") == [True] * 4
    await decide("limit", 2 if is_lifted_first else 6)
    assert await reached("other_reporter") == [False] * 4
    await decide("freeze", 6 if is_lifted_first else 2)
    assert await reached("other_reporter") == [False] * 4
    assert await reached("reader") == [True, True, True, False]  # a follower; the directory is for strangers
    account = (await (await court.village.by_app("reader")).get(f"/api/v1/accounts/{posts[0].post.author.id}")).json
    assert account["limited"]
    for days, expected in ((3, is_lifted_first), (7, True)):
        with clock.stopped_at(clock.now() + timedelta(days=days)):
            await lift_expired(court.database)
        assert await reached("other_reporter") == [expected] * 4


async def test_a_limit_that_an_earlier_release_lifts_or_imposes_during_an_upgrade_is_corrected(court: Court) -> None:
    """Its code writes the restrictions and `effect`, but not `is_limited`."""
    ids = []
    for also in ((), ("limit",)):
        view = await court.village.write("author", f"pampeliška {also}")
        await court.report("reporter", view)
        await court.decide("moderator", (await court.queue())[0], "warn" if also else "limit", also=also, days=3)
        ids.append(view.post.id)
    async with court.database.write() as tx:
        await tx.execute("UPDATE restrictions SET lifted_at = now() WHERE kind IN ('limit', 'limit_post')")
        await tx.execute("UPDATE accounts SET effect = 0")
    limited = (
        "SELECT count(*) FROM (SELECT is_limited FROM posts UNION ALL SELECT is_limited FROM accounts) AS all_of_them WHERE is_limited")
    async with court.database.read() as conn:
        assert await conn.fetchval(limited) == 2
        steps = await conn.fetchval("SELECT count(*) FROM journal")
    for expected in (0, 2):
        await repair_reach(court.database)
        async with court.database.write() as tx:
            assert await tx.fetchval(limited) == expected
            assert await tx.fetchval("SELECT count(*) FROM journal") == steps
            await tx.execute("UPDATE restrictions SET lifted_at = NULL WHERE kind IN ('limit', 'limit_post')")
    found = (await (await court.village.by_app("reader")).get("/api/v1/timelines/public?local=true")).json
    assert not {str(one) for one in ids} & {post["id"] for post in found}
