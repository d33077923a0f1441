"""Members read through the client API what became of their reports, and apps are told that the rules change."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from folkmoot.base import clock
from folkmoot.moderation.clauses.published import replace_own
from tests.api import shapes
from tests.moderation.court import Court
from tests.moderation.policies import edited, publish
from tests.village import Village

_PATH = "/api/v1/reports"


@pytest.fixture
async def court(village: Village) -> Court:
    return await Court(village).open()


@pytest.fixture
def _own_policy() -> Iterator[None]:
    yield
    replace_own(())


async def test_reporters_read_what_became_of_their_reports(court: Court) -> None:
    views = [await court.village.write("author", f"Počkáme na něj {number}") for number in range(2)]
    report = await court.report("reporter", *views, clauses=("violence",), comment="Mám strach.")
    app = await court.village.by_app("reporter")
    waiting, = (await app.get(_PATH)).json
    assert shapes.problems(waiting, shapes.REPORT) == []
    assert (waiting["id"], waiting["action_taken"], waiting["comment"]) == (str(report.id), False, "Mám strach.")
    assert [(one["state"], one["action"]) for one in waiting["outcomes"]] == [("open", None)] * 2
    for case, action in zip(await court.queue(), ("remove", "keep"), strict=True):
        await court.decide("moderator", case, action)
    decided = (await app.get(f"{_PATH}/{report.id}")).json
    assert decided["action_taken"]
    assert decided["action_taken_at"] == max(one["decided_at"] for one in decided["outcomes"])
    assert sorted((one["action"], one["rule_id"]) for one in decided["outcomes"]) == [("keep", "2"), ("remove", "2")]
    assert {one["status_id"] for one in decided["outcomes"]} == {str(view.post.id) for view in views}
    assert (await app.get(_PATH)).json == [decided]


async def test_nobody_reads_the_reports_of_others(court: Court) -> None:
    report = await court.report("reporter", clauses=("identity",))
    other = await court.village.by_app("other_reporter")
    assert (await other.get(_PATH)).json == []
    assert (await other.get(f"{_PATH}/{report.id}")).status == 404
    assert (await court.village.nobody().get(_PATH)).status == 401


async def test_reports_are_paged(court: Court) -> None:
    ids = [str((await court.report("reporter", clauses=("identity",), comment=str(number))).id) for number in range(3)]
    app = await court.village.by_app("reporter")
    first = await app.get(f"{_PATH}?limit=2")
    assert [one["id"] for one in first.json] == [ids[2], ids[1]]
    assert f"max_id={ids[1]}" in first.headers["link"]
    assert [one["id"] for one in (await app.get(f"{_PATH}?limit=2&max_id={ids[1]}")).json] == [ids[0]]


@pytest.mark.usefixtures("_own_policy")
async def test_apps_are_told_that_the_rules_change_until_it_is_dismissed(court: Court) -> None:
    app, path = await court.village.by_app("reader"), "/api/v1/announcements"
    assert (await app.get(path)).json == []
    begins = (clock.now() + timedelta(days=14)).date()
    version = f"{begins}.2"
    await publish(court.database, edited(version, ("### English\n\n", "### English\n\nLet <people> be. "), begins=begins.isoformat()))
    announced, = (await app.get(path)).json
    assert shapes.problems(announced, shapes.ANNOUNCEMENT) == []
    assert f"/rules/{version}" in announced["content"]
    assert "Let &lt;people&gt; be." in announced["content"]
    assert announced["id"] == f"{begins:%Y%m%d}02"
    assert 'id="rules-news"' in (await (browser := await court.village.by_browser("reader")).get("/")).text
    assert (await app.post(f"{path}/1/dismiss")).status == 404
    for _ in range(2):
        assert (await app.post(f"{path}/{announced['id']}/dismiss")).json == {}
    assert (await app.get(path)).json == []
    assert "rules-news" not in (await browser.get("/")).text
    assert len((await (await court.village.by_app("author")).get(path)).json) == 1
