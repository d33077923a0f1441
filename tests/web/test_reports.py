"""Pages of reports, statements and appeals, without a script: forms, outcomes, and who may read them."""

import asyncio
import re
from typing import Any

import pytest
from markupsafe import escape

from folkmoot.moderation.clauses.published import current
from folkmoot.network.posts.model import PostView
from tests.moderation.court import Court
from tests.village import Village, Visitor
from tests.web.test_pages import send


async def _report(visitor: Visitor, view: PostView, rule: str = "2", comment: str = "") -> str:
    """The address of the report's page."""
    answer = await send(visitor, f"/reports/new?post={view.post.id}", "/reports", post=view.post.id, rule=rule, comment=comment)
    assert answer.status == 303, answer.text
    return answer.headers["location"]


async def test_a_reporter_is_thanked_and_reads_the_outcome(court: Court) -> None:
    view = await court.village.write("author", "Přijďte si pro ránu.")
    visitor = await court.village.by_browser("reporter")
    assert f'href="/reports/new?post={view.post.id}"' in (await visitor.get(f"/@author/{view.post.id}")).text
    form = (await visitor.get(f"/reports/new?post={view.post.id}")).text
    assert "Přijďte si pro ránu." in form
    for clause in current().clauses:
        assert f"{clause.number}. {escape(clause.title['en'])}" in form
    where = await _report(visitor, view, comment="Myslí to vážně.")
    page = (await visitor.get(where)).text
    assert "Thank you." in page
    assert re.search(r"People will look at it by .+, and we will tell you the outcome\.", page)
    assert await _report(visitor, view) == where  # a second report is the same one
    case, = await court.queue()
    await court.decide("moderator", case, "remove")
    page = (await visitor.get(where)).text
    assert "The post was removed." in page
    assert "That is rule 2." in page
    assert "Appeal" not in page  # only the author may appeal against a restriction
    assert where in (await visitor.get("/reports")).text
    assert where in (await visitor.get("/notifications")).text


async def test_a_reporter_appeals_against_a_decision_to_keep(court: Court) -> None:
    view = await court.village.write("author", "Přijďte si pro ránu.")
    visitor = await court.village.by_browser("reporter")
    where = await _report(visitor, view)
    case, = await court.queue()
    verdict = await court.decide("moderator", case, "keep")
    assert "The post stays. People found no broken rule." in (await visitor.get(where)).text
    answer = await send(visitor, where, f"{where}/appeal", verdict=verdict.id, reason="x" * 1001)
    assert answer.status == 422
    assert "x" * 1001 in answer.text
    answer = await send(visitor, where, f"{where}/appeal", verdict=verdict.id, reason="Čtěte to celé.")
    assert answer.status == 303
    page = (await visitor.get(answer.headers["location"])).text
    assert "We have your appeal." in page
    assert "Čtěte to celé." in page
    second, = await court.queue()
    await court.decide("other_moderator", second, "remove")
    assert "We were wrong." in (await visitor.get(answer.headers["location"])).text
    assert "The post was removed." in (await visitor.get(where)).text
    other = await court.village.by_browser("other_reporter")
    for path in (where, answer.headers["location"]):
        assert (await other.get(path)).status == 404
    assert (await send(other, "/reports", f"{where}/appeal", verdict=verdict.id)).status == 404


async def test_a_refused_report_comes_back_with_its_texts(court: Court) -> None:
    view = await court.village.write("author", "Přijďte si pro ránu.")
    visitor = await court.village.by_browser("reporter")
    page = f"/reports/new?post={view.post.id}"
    answer = await send(visitor, page, "/reports", post=view.post.id, comment="Něco tu nehraje.")
    assert answer.status == 422
    assert "Please choose what comes closest." in answer.text
    assert "Něco tu nehraje." in answer.text
    answer = await send(visitor, page, "/reports", post=view.post.id, rule="3", comment="x" * 1001)
    assert answer.status == 422
    assert re.search(r'value="3" checked', answer.text)
    assert not await court.queue()
    assert (await send(visitor, page, "/reports", post=view.post.id, rule="other", comment="Jiné.")).status == 303
    author = await court.village.by_browser("author")
    assert (await author.get(page)).status == 403
    assert (await visitor.get("/reports/new?post=12345")).status == 404
    assert (await visitor.get("/reports/new")).status == 404


async def test_an_account_is_reported_from_its_page(court: Court) -> None:
    account = court.village.people["author"]
    visitor = await court.village.by_browser("reporter")
    link = f"/reports/new?account={account.id}"
    assert link in (await visitor.get("/@author")).text
    answer = await send(visitor, link, "/reports", account=account.id, rule="1")
    assert answer.status == 303
    case, = await court.queue()
    await court.decide("moderator", case, "keep", clause="identity")
    assert "The account stays." in (await visitor.get(answer.headers["location"])).text


async def test_a_statement_has_the_appeal_on_the_same_page(court: Court) -> None:
    view = await court.village.write("author", "Přijďte si pro ránu,\nvšichni.")
    await court.report("reporter", view, clauses=("violence",))
    case, = await court.queue()
    await court.decide("moderator", case, "hide", explanation="Zve na rvačku.", days=3)
    (_, statement), = [told for told in await court.told("author") if told[0] == "statement"]
    author = await court.village.by_browser("author")
    assert f"/posts/{view.post.id}/statement" in (await author.get(f"/@author/{view.post.id}")).text
    assert (await author.get(f"/posts/{view.post.id}/statement")).headers["location"] == f"/statements/{statement}"
    content = (await author.get(f"/statements/{statement}")).text
    for words in ("We hid your post for a time", "Zve na rvačku.", "That is rule 2.", "Přijďte si pro ránu,\nvšichni.",
                  "A person of this network.", "People of this network reported it.", f"/rules/{current().version}#rule-2",
                  "What have we misunderstood?"):
        assert words in content, words
    assert f"/statements/{statement}" in (await author.get("/statements")).text
    assert (await (await court.village.by_browser("reporter")).get(f"/statements/{statement}")).status == 404
    answer = await send(author, f"/statements/{statement}", f"/statements/{statement}/appeal", reason="Byl to vtip.")
    assert answer.status == 303
    content = (await author.get(f"/statements/{statement}")).text
    assert answer.headers["location"] in content
    assert "What have we misunderstood?" not in content
    again = await author.post(f"/statements/{statement}/appeal", {"form_token": _token(content)})
    assert again.headers["location"] == f"/statements/{statement}"
    second, = await court.queue()
    await court.decide("other_moderator", second, "keep")
    assert "We were wrong." in (await author.get(f"/statements/{statement}")).text
    assert "We were wrong." in (await author.get(answer.headers["location"])).text
    assert "Only you see this post." not in (await author.get(f"/@author/{view.post.id}")).text


async def test_an_interim_statement_is_replaced_by_that_of_the_decision(court: Court) -> None:
    view = await court.village.write("author", "Zítra tě zabiju, ty svině, a tvoji rodinu taky.", language="cs")
    await court.village.work()
    await court.village.work()
    case, = await court.queue()
    author = await court.village.by_browser("author")
    interim = (await author.get(f"/posts/{view.post.id}/statement")).headers["location"]
    content = (await author.get(interim)).text
    assert "Your post is hidden until people have looked at it" in content
    assert "Nobody yet. A program has hidden the post until people look at it." in content
    assert "A program pointed it out." in content
    assert "What have we misunderstood?" not in content  # nobody has decided yet
    assert (await send(author, "/statements", f"{interim}/appeal")).status == 403
    await court.decide("moderator", case, "remove")
    content = (await author.get(interim)).text
    assert "Another decision stands in its place." in content
    assert "We removed your post" in content


async def test_a_suspended_member_can_read_the_reasons_and_appeal_and_nothing_else(court: Court) -> None:
    village = court.village
    view = await village.write("author", "Přijďte si pro ránu.")
    await court.report("reporter", view, clauses=("violence",))
    case, = await court.queue()
    author, app = await village.by_browser("author"), await village.by_app("author")
    await court.decide("moderator", case, "suspend", explanation="Zve na rvačku.")
    await _wait_for_cache()
    for path in ("/", "/explore", "/notifications", "/settings", "/posts/new", f"/@author/{view.post.id}", "/search?q=a", "/@reader",
                 "/reports"):
        answer = await author.get(path)
        assert answer.status == 403, path
        assert 'href="/statements"' in answer.text, path
    assert (await author.post("/posts", {"form_token": "x", "text": "Ahoj"})).status == 403
    for path in ("/about", "/about/rules", "/statements"):
        assert (await author.get(path)).status == 200, path
    assert (await app.get("/api/v1/accounts/verify_credentials")).status == 403
    suspension = next(link for link in re.findall(r"/statements/\d+", (await author.get("/statements")).text))
    content = (await author.get(suspension)).text
    assert "We suspended your account" in content
    answer = await send(author, suspension, f"{suspension}/appeal", reason="Byl to vtip.")
    assert "We have your appeal." in (await author.get(answer.headers["location"])).text
    second, = await court.queue()
    await court.decide("other_moderator", second, "keep")
    await _wait_for_cache()
    assert (await author.get("/")).status == 200
    assert (await author.get(f"/@author/{view.post.id}")).status == 200
    assert (await send(author, "/statements", "/log_out")).status == 303


async def test_a_labelled_post_has_a_cover_that_names_the_rule(court: Court) -> None:
    view = await court.village.write("author", "Přijďte si pro ránu.")
    await court.report("reporter", view, clauses=("harassment",))
    case, = await court.queue()
    await court.decide("moderator", case, "label", "harassment")
    reader = await court.village.by_browser("reader")
    for path in ("/explore", f"/@author/{view.post.id}", "/@author"):
        page = (await reader.get(path)).text
        assert "Rule 3: Do not hound people" in page, path
        cover = page.index('<details class="cover label">')
        assert cover < page.index("Přijďte si pro ránu.", page.index("<main")) < page.index("</details>", cover), path
    assert "ránu" not in (await reader.get(f"/@author/{view.post.id}")).text.partition("<body")[0]


async def test_the_rules_are_shown_in_full_with_examples(village: Village) -> None:
    page = (await village.nobody().get("/about/rules")).text
    for clause in current().clauses:
        assert f'id="rule-{clause.number}"' in page
        for words in (clause.text["en"], clause.breaks["en"][0], clause.keeps["en"][0]):
            assert str(escape(words)) in page
    date = current().date
    assert f"Version of {date.day} {date:%B} {date.year}." in page
    assert current().version not in page
    czech = (await village.nobody().get("/about/rules", accept_language="cs")).text
    assert re.search(rf"Verze z {date.day}\. [a-ž]+ {date.year}\.", czech)
    assert "/about/rules#rule-9" in (await village.nobody().get("/about")).text


def _token(page: str) -> str:
    found = re.search(r'name="form_token" value="([^"]+)"', page)
    assert found
    return found[1]


async def _wait_for_cache() -> None:
    """Waits until the cached viewer expires; it is cached for a second when no message arrives."""
    await asyncio.sleep(1.1)


@pytest.mark.parametrize(("sent", "family", "clause"), [
    ({"rule": "misleading"}, "misleading", "identity"), ({"rule": "misleading", "clause-misleading": "7"}, "misleading", "spam"),
    ({"rule": "self-harm"}, "self-harm", "violence"), ({"rule": "civic", "clause-civic": "2"}, "civic", "spam"),
    ({"rule": "children", "clause-violence": "2"}, "children", "children"), ({"rule": "7"}, "misleading", "spam"),
    ({"rule": "other"}, None, None),
])
async def test_a_report_names_a_family_and_a_rule_of_it(court: Court, sent: dict[str, str], family: str | None, clause: str | None) -> None:
    view = await court.village.write("author", "Přijďte si pro ránu.")
    visitor = await court.village.by_browser("reporter")
    form = (await visitor.get(f"/reports/new?post={view.post.id}")).text
    assert form.count('name="rule"') == 9
    answer = await send(visitor, f"/reports/new?post={view.post.id}", "/reports", post=view.post.id, comment="Prosím.", **sent)
    assert answer.status == 303, answer.text
    async with court.database.read() as conn:
        row = await conn.fetchrow("SELECT family, clauses, category FROM reports")
    assert (row["family"], row["clauses"]) == (family, [clause] if clause else [])
    assert row["category"] == ("violation" if clause else "other")


@pytest.mark.parametrize(("sent", "family", "category"), [
    ({"category": "spam"}, "misleading", "spam"), ({"category": "legal"}, "rules", "legal"), ({"category": "other"}, None, "other"),
    ({"category": "violation", "rule_ids[]": ["7", "2"]}, "violence", "violation"),
])
async def test_reports_of_apps_get_a_family(court: Court, sent: dict[str, Any], family: str | None, category: str) -> None:
    view = await court.village.write("author", "Přijďte si pro ránu.")
    app = await court.village.by_app("reporter")
    answer = await app.post("/api/v1/reports", {"account_id": str(view.post.author.id), "status_ids[]": str(view.post.id), **sent})
    assert answer.json["category"] == category
    async with court.database.read() as conn:
        assert await conn.fetchval("SELECT family FROM reports") == family
