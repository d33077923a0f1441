"""Trends and the posts with a link: what counts, whom it needs, what is never shown, and what the numbers say."""

import re
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from folkmoot.api.admin_shapes import AdminTag, AdminTrendingCard
from folkmoot.base import clock
from folkmoot.network.folding import fold_counters
from folkmoot.network.posts.actions import delete_post, set_effect
from folkmoot.network.posts.actions.mark import favourite_post
from folkmoot.network.posts.model import PostEffect, Visibility
from folkmoot.network.sessions.model import Role
from folkmoot.network.trends import jobs
from folkmoot.network.trends.model import Kind
from folkmoot.network.trends.queries import find_refused
from tests.linked_pages import ADDRESS, sites_up
from tests.moderation.court import Court
from tests.village import Village


async def _trends(village: Village, kind: str, name: str = "") -> Any:
    visitor = await village.by_app(name) if name else village.nobody()
    return (await visitor.get(f"/api/v1/trends/{kind}")).json


async def _settled(village: Village) -> None:
    await village.settle("anna", "bara", "cyril", "dana", "eva")


async def test_a_hashtag_needs_three_accounts_that_want_to_be_found(village: Village) -> None:
    await _settled(village)
    async with village.database.write() as tx:
        await tx.execute("UPDATE accounts SET is_discoverable = false WHERE username = 'dana'")
    for name in ("anna", "bara"):
        await village.write(name, "#Povodeň #Čaj")
        await village.write(name, "Zase #Povodeň")
    await village.write("dana", "#Čaj")  # does not want to be found
    await village.write("eva", "#Čaj", visibility=Visibility.UNLISTED)
    await jobs.count(village.database)
    assert await _trends(village, "tags") == []
    third = await village.write("cyril", "I tady #povoden")
    await jobs.count(village.database)
    [tag] = await _trends(village, "tags")
    assert tag["name"] == "Povodeň"
    today = tag["history"][0]
    assert (today["accounts"], today["uses"], len(tag["history"])) == ("3", "5", 7)
    assert int(today["day"]) % 86400 == 0
    assert tag["history"][1]["uses"] == "0"
    assert (await village.nobody().get("/api/v1/tags/povoden")).json["history"] == tag["history"]
    assert (await village.nobody().get("/api/v1/trends")).json == [tag]

    async with village.database.write() as tx:  # what is hidden later is not counted any more, in the past neither
        await set_effect(tx, third.post.id, PostEffect.HIDDEN, None)
    await jobs.count(village.database)
    assert await _trends(village, "tags") == []
    assert (await village.nobody().get("/api/v1/tags/povoden")).json["history"][0]["accounts"] == "2"


async def test_what_is_new_comes_before_what_is_said_every_day_and_old_things_fade(village: Village) -> None:
    await _settled(village)
    async with village.database.write() as tx:
        await tx.execute(
            "INSERT INTO trend_days (kind, subject, day, accounts, uses) SELECT 1, 'rano', current_date - n, 40, 40"
            " FROM generate_series(2, 6) AS n"
        )
    for name in ("anna", "bara", "cyril"):
        await village.write(name, "#rano #novinka")
    await jobs.count(village.database)
    assert [tag["name"] for tag in await _trends(village, "tags")] == ["novinka", "rano"]
    with clock.stopped_at(clock.now() + timedelta(days=2, minutes=1)):
        await jobs.count(village.database)
    assert await _trends(village, "tags") == []


async def test_statuses_are_ordered_by_how_many_like_them_and_the_viewer_avoids_nobody_there(village: Village) -> None:
    await _settled(village)
    loved, liked, own_liked, covered = [
        await village.write(name, text, **more) for name, text, more in (
            ("anna", "nejvíc", {}), ("bara", "méně", {}), ("anna", "druhý téže autorky", {}), ("cyril", "zakrytý", {"cover": "Pozor"}),
        )
    ]
    async with village.database.write() as tx:
        for post, names in ((loved, ("bara", "cyril", "dana", "eva")), (liked, ("cyril", "dana", "eva")),
                            (own_liked, ("bara", "cyril", "dana")), (covered, ("anna", "bara", "dana"))):
            for name in names:
                await favourite_post(tx, village.people[name], post.post.id)
    await fold_counters(village.database)
    await jobs.count(village.database)
    assert [one["content"] for one in await _trends(village, "statuses")] == ["<p>nejvíc</p>", "<p>méně</p>"]
    await (await village.by_app("eva")).post(f"/api/v1/accounts/{loved.post.author.id}/block")
    assert [one["content"] for one in await _trends(village, "statuses", "eva")] == ["<p>méně</p>"]
    async with village.database.write() as tx:
        await set_effect(tx, liked.post.id, PostEffect.REMOVED, None)
    assert await _trends(village, "statuses", "eva") == []


async def test_links_and_their_timeline(village: Village) -> None:
    await _settled(village)
    async with sites_up() as sites:
        sites.put(ADDRESS, "<title>Most</title>")
        posts = [await village.write(name, f"{name}: {ADDRESS}") for name in ("anna", "bara", "cyril")]
        private = await village.write("eva", f"Jen pro mé: {ADDRESS}", visibility=Visibility.FOLLOWERS)
        await sites.fetch_all(village)
    await jobs.count(village.database)
    [link] = await _trends(village, "links")
    assert (link["url"], link["title"], link["history"][0]["accounts"]) == (ADDRESS, "Most", "3")
    timeline = f"/api/v1/timelines/link?url={ADDRESS}"
    found = await village.nobody().get(timeline)
    assert [one["id"] for one in found.json] == [str(view.post.id) for view in reversed(posts)]
    assert str(private.post.id) not in found.text
    page = await village.nobody().get(f"{timeline}%23x&limit=1&max_id={posts[2].post.id}")
    assert [one["id"] for one in page.json] == [str(posts[1].post.id)]
    assert "rel=\"next\"" in page.headers["link"]
    await (await village.by_app("eva")).post(f"/api/v1/accounts/{posts[0].post.author.id}/mute")
    assert len((await (await village.by_app("eva")).get(timeline)).json) == 2
    async with village.database.write() as tx:
        for view, name in zip(posts, ("anna", "bara", "cyril"), strict=True):
            await delete_post(tx, village.people[name], view.post.id)
    assert await _trends(village, "links") == []
    for url in (ADDRESS, "http://nikdo.example/", "nonsense"):
        assert (await village.nobody().get(f"/api/v1/timelines/link?url={url}")).status == 404


@pytest.mark.usefixtures("known_viewers")
async def test_the_number_of_statements_is_fixed(village: Village) -> None:
    await _settled(village)
    await _trends(village, "tags", "eva")  # the first request of a process reads which networks are kept out
    counts: list[list[int]] = []
    for tags in ("#jedna", "#dva #tri #ctyri #pet"):
        for name in ("anna", "bara", "cyril"):
            await village.write(name, tags)
        await jobs.count(village.database)
        took = []
        for kind in ("tags", "links", "statuses"):
            before = village.database.statements
            await _trends(village, kind, "eva")
            took.append(village.database.statements - before)
        counts.append(took)
    assert counts[0] == counts[1]


async def test_moderators_hold_back_hashtags_and_links_and_the_journal_says_so(village: Village) -> None:
    await _settled(village)
    await village.settle("moderator", role=Role.MODERATOR)
    for name in ("anna", "bara", "cyril"):
        await village.write(name, "#Hádka #vylet")
    await jobs.count(village.database)
    moderator = await village.by_browser("moderator")
    explore = await village.nobody().get("/explore")
    assert "#Hádka" in explore.text.partition('id="talk"')[2].partition("</section>")[0]
    assert (await (await village.by_browser("anna")).get("/moderate/trends")).status == 404
    page = await moderator.get("/moderate/trends")
    form = {"form_token": page.text.partition('name="form_token" value="')[2].partition('"')[0]}
    assert (await moderator.post("/moderate/trends", {**form, "what": "dvě slova"})).status == 422
    assert (await moderator.post("/moderate/trends", {**form, "what": "#hadka"})).status == 303
    assert [tag["name"] for tag in await _trends(village, "tags")] == ["vylet"]
    village.forget_pages()  # the page is kept for two seconds
    assert "#Hádka" not in (await village.nobody().get("/explore")).text.partition('id="talk"')[2].partition("</section>")[0]
    await jobs.count(village.database)
    assert [tag["name"] for tag in await _trends(village, "tags")] == ["vylet"]
    program = await village.by_app("moderator", "admin:read admin:write")
    [held] = (await program.get("/api/folkmoot/v1/moderation/trends")).json
    assert (held["kind"], held["what"]) == ("hashtag", "#Hádka")
    assert "Let in again" in (await moderator.get("/moderate/trends")).text
    assert (await moderator.post("/moderate/trends/allow", {**form, "what": "#Hádka"})).status == 303
    await jobs.count(village.database)
    assert sorted(tag["name"] for tag in await _trends(village, "tags")) == ["Hádka", "vylet"]
    async with village.database.read() as conn:
        rows = await conn.fetch("SELECT kind, facts FROM journal WHERE kind LIKE 'trend.%' ORDER BY id")
    assert [row["kind"] for row in rows] == ["trend.held_back", "trend.let_in"]
    wrong = await program.post("/api/folkmoot/v1/moderation/trends", {"what": "dvě slova"})
    refused = await (await village.by_app("anna", "admin:read")).get("/api/folkmoot/v1/moderation/trends")
    assert (wrong.status, refused.status) == (422, 403)
    for path, held in (("", ["#Hádka"]), ("/allow", [])):
        assert (await program.post(f"/api/folkmoot/v1/moderation/trends{path}", {"what": "#hadka"})).status == 200
        assert [one["what"] for one in (await program.get("/api/folkmoot/v1/moderation/trends")).json] == held
    assert "hadka" not in rows[0]["facts"]


async def test_apps_of_moderators_hold_back_hashtags_and_links_like_the_page(village: Village) -> None:
    await _settled(village)
    await village.settle("moderator", role=Role.MODERATOR)
    async with sites_up() as sites:
        sites.put(ADDRESS, "<title>Most</title>")
        for name in ("anna", "bara", "cyril"):
            await village.write(name, f"#Hádka o {ADDRESS}")
        await village.write("dana", "#výlet")
        await village.write("dana", "#tajně", visibility=Visibility.FOLLOWERS)
        await sites.fetch_all(village)
    await jobs.count(village.database)
    app, base = await village.by_app("moderator", "admin:read admin:write"), "/api/v1/admin"

    async def tags(path: str) -> dict[str, bool]:
        found = msgspec.json.decode((await app.get(f"{base}/{path}")).body, type=list[AdminTag])
        return {one.name: one.trendable for one in found}

    async def links() -> list[AdminTrendingCard]:
        return msgspec.json.decode((await app.get(f"{base}/trends/links")).body, type=list[AdminTrendingCard])

    assert await tags("trends/tags") == {"Hádka": True}
    [link] = await links()
    assert (link.url, link.trendable, link.history[0].accounts) == (ADDRESS, True, "3")
    assert (await app.post(f"{base}/trends/tags/hadka/reject")).json["trendable"] is False
    assert (await app.post(f"{base}/trends/links/{link.id}/reject")).json["trendable"] is False
    assert [await _trends(village, kind) for kind in ("tags", "links")] == [[], []]
    assert (await tags("trends/tags"), [one.trendable for one in await links()]) == ({"Hádka": False}, [False])
    page = (await (await village.by_browser("moderator")).get("/moderate/trends")).text
    assert page.count("Let in again") == 2
    assert (await app.send("PUT", f"{base}/tags/hadka", {"trendable": "true"})).json["trendable"] is True
    assert (await app.post(f"{base}/trends/links/{link.id}/approve")).json["trendable"] is True
    await jobs.count(village.database)
    assert [len(await _trends(village, kind)) for kind in ("tags", "links")] == [1, 1]
    async with village.database.read() as conn:
        rows = await conn.fetch("SELECT kind FROM journal WHERE kind LIKE 'trend.%' ORDER BY id")
    assert [row["kind"] for row in rows] == ["trend.held_back"] * 2 + ["trend.let_in"] * 2

    sites = f"{base}/trends/links/publishers"
    host = ADDRESS.split("/")[2]
    [site] = (await app.get(sites)).json
    assert (site["domain"], site["trendable"], site["reviewed_at"], site["requires_review"]) == (host, True, None, False)
    browser = await village.by_browser("moderator")
    form = {"form_token": (await browser.get("/moderate/trends")).text.partition('name="form_token" value="')[2].partition('"')[0]}
    for held, out in (("ejiny." + host, 1), ("x" + host, 1), (host, 0)):  # a site of a similar name is another one
        assert (await browser.post("/moderate/trends", {**form, "what": held})).status == 303
        assert len(await _trends(village, "links")) == out, held
        await jobs.count(village.database)
        assert (len(await _trends(village, "links")), [one.trendable for one in await links()]) == (out, [True] * out), held
    async with village.database.read() as conn:
        below = await find_refused(conn, Kind.LINK, [f"https://www.{host}/a", f"https://nej{host}/a", ADDRESS])
    assert below == {f"https://www.{host}/a", ADDRESS}
    assert [(one["domain"], one["trendable"]) for one in (await app.get(sites)).json if one["domain"] == host] == [(host, False)]
    assert ("site", host) in [(one["kind"], one["what"]) for one in (await app.get("/api/folkmoot/v1/moderation/trends")).json]
    assert (await app.post(f"{sites}/{host}/approve")).json["trendable"] is True
    await jobs.count(village.database)
    assert len(await _trends(village, "links")) == 1
    assert (await app.post(f"{sites}/{host}/reject")).json["reviewed_at"]
    assert await _trends(village, "links") == []
    assert (await app.post(f"{sites}/nikde.example/reject")).status == 404

    first = await app.get(f"{base}/tags?limit=1")
    after = re.findall(r"<http://localhost:8420/api/v1/admin/([^>]+)>", first.headers["link"])
    assert ([one["name"] for one in first.json], await tags(after[0]), await tags(after[1])) == (["výlet"], {"Hádka": True}, {})
    assert await tags(re.sub("max_id=.*", "min_id=hadka", after[0])) == {"výlet": True}
    for form in ({"usable": "false"}, {"listable": "false"}, {"display_name": "HÁDKA"}):
        assert (await app.send("PUT", f"{base}/tags/hadka", form)).status == 422
    for path in ("tags/tajne", "tags/nikdo", "trends/links/1/approve"):
        assert (await (app.post if "approve" in path else app.get)(f"{base}/{path}")).status == 404, path
    for name, scopes in (("anna", "admin:read admin:write"), ("moderator", "admin:read")):
        stranger = await village.by_app(name, scopes)
        assert (await stranger.post(f"{base}/trends/tags/hadka/reject")).status == 403
    assert len(await _trends(village, "tags")) == 1


async def test_a_status_is_kept_out_of_the_trends_by_a_decision_with_a_statement(village: Village) -> None:
    court = await Court(village).open()
    view = await village.write("author", "Všichni to čtou.")
    async with village.database.write() as tx:
        for name in ("reader", "reporter", "other_reporter"):
            await favourite_post(tx, village.people[name], view.post.id)
    await fold_counters(village.database)
    await jobs.count(village.database)
    app, base = await village.by_app("moderator", "admin:read admin:write"), "/api/v1/admin/trends/statuses"
    assert [one["id"] for one in (await app.get(base)).json] == [str(view.post.id)]
    assert (await app.post(f"{base}/{view.post.id}/reject")).status == 409  # nobody is restricted without a case
    assert (await app.post(f"{base}/1/reject")).status == 404
    await court.report("reporter", view, clauses=("spam",))
    [case] = await court.queue()
    [reported] = (await app.get(base)).json
    assert (reported["id"], reported["trendable"], reported["requires_review"]) == (str(view.post.id), True, True)
    assert (await app.get(f"{base}?offset=1")).json == []
    assert (await app.post(f"{base}/{view.post.id}/reject")).json["id"] == str(view.post.id)
    assert await _trends(village, "statuses") == []
    [limited] = (await app.get(base)).json
    assert (limited["id"], limited["trendable"], limited["requires_review"]) == (str(view.post.id), False, False)
    await court.let_half_a_minute_pass()
    assert [kind for kind, _ in await court.told("author")] == ["statement"]
    assert (await app.post(f"{base}/{view.post.id}/approve")).status == 200
    assert [one["id"] for one in await _trends(village, "statuses")] == [str(view.post.id)]
    assert "restriction.lifted" in await court.journal(case)
