"""The sample of views: what is drawn, who labels it, and what the answers bring about."""

import random
import re
from collections import Counter
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from folkmoot.api.measure import NextItemOfSample
from folkmoot.base import clock
from folkmoot.base.errors import Conflict, Invalid
from folkmoot.config import Moderation
from folkmoot.moderation.detection.model import Finding
from folkmoot.moderation.learning.examples import list_own_examples
from folkmoot.moderation.measurement import drawing
from folkmoot.moderation.measurement.actions.draw import draw_sample
from folkmoot.moderation.measurement.actions.label import label_item, store_label
from folkmoot.moderation.measurement.jobs import Measuring
from folkmoot.moderation.measurement.model import LabelledBy, Period, SampleItem, Stratum, Unit
from folkmoot.moderation.measurement.queries.sample import count_waiting_items, find_waiting_item
from folkmoot.moderation.measurement.queries.sources import list_days, list_items
from folkmoot.network.impressions.queries import add_impressions, list_impressions
from folkmoot.network.posts.actions import delete_post, edit_post
from folkmoot.network.posts.model import PostDraft, PostView, Visibility
from tests.moderation.court import Court
from tests.village import LIMITS
from tests.web.test_pages import form_token

BASE = "/api/folkmoot/v1/moderation/measure"


class _Scores:
    """A detector whose score is the number in the text; from 0.6 on it queues."""

    def __call__(self) -> "_Scores":
        return self

    async def refresh(self, _conn: object) -> None: ...

    def score(self, texts: list[str], langs: list[str | None]) -> list[Finding]:
        return [Finding(value := float(re.findall(r"0\.\d+", text)[0]), value >= 0.6, False, (), "x", "7") for text in texts]


def _yesterday() -> date:
    return clock.now().date() - timedelta(days=1)


async def _see(court: Court, views: dict[PostView, int], day: date | None = None) -> None:
    async with court.database.cache() as cache:
        await add_impressions(cache, day or _yesterday(), {view.post.id: number for view, number in views.items()})


async def _items(court: Court) -> dict[str, SampleItem]:
    async with court.database.read() as conn:
        rows = await conn.fetch(
            "SELECT p.text, s.id, s.day, s.post_id, s.edited_at, s.stratum, s.draws, s.score, s.is_queued"
            " FROM sample_items AS s JOIN posts AS p ON p.id = s.post_id"
        )
    return {row["text"]: SampleItem(**{name: row[name] for name in SampleItem.__struct_fields__}) for row in rows}


async def _drawn(court: Court, *texts: str, labels: int = 10) -> dict[str, SampleItem]:
    """Posts of the author, each seen once yesterday, of which all are drawn."""
    await _see(court, {await court.village.write("author", text): 1 for text in texts})
    await draw_sample(court.database, _yesterday(), labels, _Scores())
    return await _items(court)


async def _label(court: Court, name: str, item: SampleItem, clauses: list[str] | None, **more: Any) -> int | None:
    moderator = await court.viewer(name)
    async with court.database.write() as tx:
        return await label_item(tx, moderator, item.id, more.get("edited_at", item.edited_at), clauses)


# -- drawing -----------------------------------------------------------------------------------------------------------


def test_a_post_is_drawn_as_often_as_it_is_seen() -> None:
    dice = random.Random(5).randrange
    found = drawing.draw_views([(1, 9_000), (2, 1_000), (3, 90_000)], 10_000, dice)
    assert found.total() == 10_000
    assert {post_id: round(number, -2) for post_id, number in found.items()} == {1: 900, 2: 100, 3: 9_000}
    assert drawing.draw_views([(1, 2), (2, 1)], 10, dice) == Counter({1: 2, 2: 1})  # few views: all of them
    assert not drawing.draw_views([], 10, dice)


def test_labels_go_where_they_are_worth_most() -> None:
    usual = {Stratum.CASED: 30, Stratum.SUSPECTED: 10, Stratum.UNSURE: 100, Stratum.QUIET: 1860}
    found = drawing.allocate(usual, 20)
    assert sum(found.values()) == 20
    assert found[Stratum.QUIET] > found[Stratum.UNSURE] >= found[Stratum.CASED] >= found[Stratum.SUSPECTED] == drawing.LEAST
    assert drawing.allocate({Stratum.CASED: 1, Stratum.QUIET: 3, Stratum.UNSURE: 0}, 20) == {Stratum.CASED: 1, Stratum.QUIET: 3}
    assert drawing.allocate({}, 20) == {}


def test_the_first_stratum_that_applies_counts() -> None:
    assert drawing.stratum_of(0.9, is_queued=True, is_cased=True) is Stratum.CASED
    assert drawing.stratum_of(0.9, is_queued=True, is_cased=False) is Stratum.SUSPECTED
    assert drawing.stratum_of(0.3, is_queued=False, is_cased=False) is Stratum.UNSURE
    assert drawing.stratum_of(0.1, is_queued=False, is_cased=False) is Stratum.QUIET


def test_views_of_a_stratum_are_chosen_at_random_and_once() -> None:
    dice = random.Random(7).randrange
    assert drawing.choose({1: 2, 2: 1}, 10, dice) == Counter({1: 2, 2: 1})
    found: Counter[int] = sum((drawing.choose({1: 300, 2: 100}, 4, dice) for _ in range(500)), Counter())
    assert found.total() == 2_000
    assert 2.7 < found[1] / found[2] < 3.3


async def test_what_was_public_is_drawn_also_if_it_was_removed_since(court: Court) -> None:
    write = court.village.write
    kept, unlisted = await write("author", "klidný 0.1"), await write("author", "nejistý 0.3", visibility=Visibility.UNLISTED)
    removed, deleted = await write("author", "odstraněný 0.9"), await write("author", "smazaný 0.1")
    closed = await write("author", "sledujícím 0.1", visibility=Visibility.FOLLOWERS)
    await _see(court, {kept: 6, unlisted: 2, removed: 1, deleted: 1, closed: 5})
    await court.report("reporter", removed, clauses=("violence",))
    (case,) = await court.queue()
    await court.decide("moderator", case, "remove")
    async with court.database.write() as tx:
        await delete_post(tx, court.village.people["author"], deleted.post.id)
    await court.village.work()
    assert await draw_sample(court.database, _yesterday(), 20, _Scores()) == 3
    assert await draw_sample(court.database, _yesterday(), 20, _Scores()) == 0  # once
    found = await _items(court)
    assert {text: (item.stratum, item.draws, item.is_queued) for text, item in found.items()} == {
        "klidný 0.1": (Stratum.QUIET, 6, False), "nejistý 0.3": (Stratum.UNSURE, 2, False), "odstraněný 0.9": (Stratum.CASED, 1, True),
    }
    async with court.database.read() as conn:
        (day,) = await list_days(conn, Period(Unit.DAY, _yesterday()))
    assert (day.views, day.lost_views) == (9, 1)  # posts that not everybody may see are not counted at all
    assert day.draws == {Stratum.QUIET: 6, Stratum.UNSURE: 2, Stratum.CASED: 1}


async def test_the_job_draws_yesterday_and_keeps_no_views_if_nothing_is_drawn(court: Court) -> None:
    await _see(court, {await court.village.write("author", "klidný 0.1"): 3})

    def job(number: int) -> Measuring:
        settings = msgspec.structs.replace(court.village.settings, moderation=Moderation(sample_per_day=number))
        return Measuring(settings, lambda _data: _Scores())

    before = _yesterday() - timedelta(days=1)
    await _see(court, {await court.village.write("author", "dřívější 0.1"): 3}, before)
    assert await job(2).draw(court.database) == 2  # that of the day before as well, if the worker did not run
    assert await job(2).draw(court.database) == 0
    async with court.database.cache() as cache:
        assert await list_impressions(cache, before)
    assert await job(0).draw(court.database) == 0
    async with court.database.cache() as cache:
        assert await list_impressions(cache, _yesterday()) == []
    async with court.database.read() as conn:
        assert sorted(one.day for one in await list_days(conn, Period(Unit.DAY, before))) == [before]


# -- labels ------------------------------------------------------------------------------------------------------------


async def test_a_breach_becomes_a_case_and_others_do_not(court: Court) -> None:
    items = await _drawn(court, "zlý 0.1", "vlídný 0.2", "nejasný 0.3")
    case_id = await _label(court, "moderator", items["zlý 0.1"], ["harassment"])
    assert await _label(court, "moderator", items["vlídný 0.2"], []) is None
    assert await _label(court, "moderator", items["nejasný 0.3"], None) is None
    (case,) = await court.queue()
    assert (case.id, case.clause) == (case_id, "harassment")
    async with court.database.read() as conn:
        found = await list_items(conn, Period(Unit.DAY, _yesterday()))
        facts = await conn.fetch("SELECT facts FROM journal WHERE kind = 'sample.reviewed' ORDER BY id")
        assert {one.text: one.threat for one in await list_own_examples(conn)} == {"vlídný 0.2": 0}  # the detector learns from it too
    assert sorted((one.clauses, one.is_reported, one.is_breach) for one in found if one.clauses is not None) == [
        ((), False, False), (("harassment",), False, False),
    ]
    assert [msgspec.json.decode(row["facts"])["answer"] for row in facts] == ["harassment", "harmless", "unclear"]


async def test_what_only_the_sample_has_found_counts_for_nobody(court: Court) -> None:
    """Else the sample would prove that nothing is overlooked, because whatever it finds is decided. What was reported counts, also if it
    was judged here before it was decided."""
    reported = await court.village.write("author", "hlášený 0.2")
    await _see(court, {reported: 1})
    await court.report("reporter", reported, clauses=("violence",))
    items = await _drawn(court, "přehlédnutý 0.1")
    for item in items.values():
        await _label(court, "moderator", item, ["violence"])
    async with court.database.read() as conn:
        assert {one.text: one.threat for one in await list_own_examples(conn)} == {"přehlédnutý 0.1": 1, "hlášený 0.2": 1}
    cases = await court.queue()
    assert len(cases) == 2
    for case in cases:
        await court.decide("other_moderator", case, "remove")
    async with court.database.read() as conn:
        found = {one.stratum: one for one in await list_items(conn, Period(Unit.DAY, _yesterday()))}
    assert (found[Stratum.CASED].is_reported, found[Stratum.CASED].is_breach) == (True, True)
    assert (found[Stratum.QUIET].is_reported, found[Stratum.QUIET].is_breach) == (False, False)


async def test_whoever_is_concerned_does_not_label(court: Court) -> None:
    mine = await court.village.write("moderator", "vlastní 0.1")
    decided = await court.village.write("author", "rozhodnutý 0.1")
    await court.report("reporter", decided, clauses=("violence",))
    (case,) = await court.queue()
    await court.decide("moderator", case, "keep")
    await _see(court, {mine: 1, decided: 1})
    await draw_sample(court.database, _yesterday(), 10, _Scores())
    items = await _items(court)
    moderator, other = await court.viewer("moderator"), await court.viewer("other_moderator")
    async with court.database.read() as conn:
        assert await find_waiting_item(conn, moderator.id, _yesterday(), clock.now()) is None
        assert await count_waiting_items(conn, moderator.id, _yesterday(), clock.now()) == 0
        assert await count_waiting_items(conn, other.id, _yesterday(), clock.now()) == 2
        assert await find_waiting_item(conn, other.id, clock.now().date(), clock.now()) is None  # older ones are not shown any more
    for item in items.values():
        with pytest.raises(Conflict):
            await _label(court, "moderator", item, [])
        assert await _label(court, "other_moderator", item, []) is None
        with pytest.raises(Conflict):
            await _label(court, "other_moderator", item, [])


async def test_an_edited_post_is_not_labelled_and_an_unknown_rule_is_refused(court: Court) -> None:
    items = await _drawn(court, "než se změní 0.1")
    (item,) = items.values()
    with pytest.raises(Invalid):
        await _label(court, "moderator", item, ["no-such-rule"])
    with pytest.raises(Conflict):
        await _label(court, "moderator", item, [], edited_at=clock.now())
    async with court.database.write() as tx:
        await edit_post(tx, court.village.people["author"], item.post_id, PostDraft(text="změněno 0.1"), LIMITS)
    with pytest.raises(Conflict):
        await _label(court, "moderator", item, [])


async def test_a_post_that_is_drawn_again_keeps_its_label(court: Court) -> None:
    view = await court.village.write("author", "oblíbený 0.1")
    await _see(court, {view: 1})
    await _see(court, {view: 2}, _yesterday() - timedelta(days=1))
    await draw_sample(court.database, _yesterday(), 10, _Scores())
    (item,) = (await _items(court)).values()
    async with court.database.write() as tx:
        assert await store_label(tx, item, [], LabelledBy.JURY)
        assert not await store_label(tx, item, ["violence"], LabelledBy.JURY)
    await _see(court, {view: 2}, _yesterday() - timedelta(days=1))
    await draw_sample(court.database, _yesterday() - timedelta(days=1), 10, _Scores())
    async with court.database.read() as conn:
        found = await list_items(conn, Period.of_month(_yesterday()))
        other = await list_items(conn, Period.of_month(_yesterday() - timedelta(days=1)))
    assert {(one.day, one.clauses) for one in [*found, *other]} == {(_yesterday(), ()), (_yesterday() - timedelta(days=1), ())}


# -- the page and the client API ---------------------------------------------------------------------------------------


async def test_the_page_shows_a_post_without_its_author(court: Court) -> None:
    village = court.village
    above = await village.write("reporter", "@author má to @reader pravdu?")
    await _see(court, {await village.write("author", "Jasně, @reporter 0.1", reply_to_id=above.post.id): 1})
    await draw_sample(court.database, _yesterday(), 10, _Scores())
    browser = await village.by_browser("moderator")
    page = (await browser.get("/moderate/measure")).text
    shown = page[page.index('aria-label="What it is about"'):page.index("</section>", page.index('aria-label="What it is about"'))]
    assert "Jasně, @" in shown
    assert "má to @" in shown
    assert not re.search("author|reporter|reader", shown)
    (action,) = re.findall(r'action="(/moderate/measure/\d+)"', page)
    refused = await browser.post(action, {"form_token": form_token(page), "clause": ""})
    assert (refused.status, "Choose a rule" in refused.text) == (422, True)
    assert (await browser.post(action, {"form_token": form_token(page), "clause": "2"})).status == 303
    assert (await browser.post(action, {"form_token": form_token(page), "clause": "0"})).status == 303  # too late, and no error
    assert "Nothing waits." in (await browser.get("/moderate/measure")).text
    async with court.database.read() as conn:
        (item,) = await list_items(conn, Period(Unit.DAY, _yesterday()))
    assert item.clauses == ("violence",)
    assert (await (await village.by_browser("reader")).get("/moderate/measure")).status in (403, 404)


async def test_a_program_of_moderators_labels_too(court: Court) -> None:
    await _drawn(court, "klidný 0.1", "zlý 0.2")
    app = await court.village.by_app("moderator", scopes="admin:read admin:write")
    for waiting, fields in ((2, {"unclear": "true", "rule_ids[]": "2"}), (1, {"rule_ids[]": "2"})):
        found = msgspec.json.decode((await app.get(f"{BASE}/next")).body, type=NextItemOfSample)
        assert found.item
        assert found.waiting == waiting
        path = f"{BASE}/{found.item.id}"
        assert (await app.post(path, {"version": found.item.version, "rule_ids[]": "99"})).status == 422
        assert (await app.post(path, {"version": f"@{clock.now().isoformat()}", **fields})).status == 409
        answer = await app.post(path, {"version": found.item.version, **fields})
        assert answer.status == 200
        assert (answer.json["case_id"] is None) == (waiting == 2)
    assert (await app.get(f"{BASE}/next")).json == {"item": None, "waiting": 0}
    assert len(await court.queue()) == 1
