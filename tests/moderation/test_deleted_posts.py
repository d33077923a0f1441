"""A reported post that its author deletes stays for those who decide; a deleted post can be reported for a day."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from folkmoot.base import clock
from folkmoot.base.errors import Conflict, Forbidden, Invalid, NotFound
from folkmoot.moderation.appeals.actions import lodge_appeal
from folkmoot.moderation.appeals.jobs import clear_evidence
from folkmoot.moderation.appeals.model import OPEN_FOR
from folkmoot.moderation.cases.model import Case, State
from folkmoot.moderation.verdicts.actions import decide_case
from folkmoot.moderation.verdicts.model import Decision
from folkmoot.network.departures.actions import begin_departure
from folkmoot.network.media.actions import clear_abandoned, upload_picture
from folkmoot.network.media.model import Upload
from folkmoot.network.media.store import media_store
from folkmoot.network.posts.actions import REPORTABLE_FOR, delete_post, edit_post, favourite_post, forget_deleted
from folkmoot.network.posts.model import PostDraft, PostView, Visibility
from tests.api.test_accounts import picture
from tests.moderation.court import Court
from tests.village import LIMITS


async def _delete(court: Court, view: PostView, name: str = "author") -> None:
    async with court.database.write() as tx:
        await delete_post(tx, court.village.people[name], view.post.id)
    await court.village.work()


async def _edit(court: Court, view: PostView, text: str, **draft: Any) -> None:
    async with court.database.write() as tx:
        await edit_post(tx, court.village.people["author"], view.post.id, PostDraft(text=text, **draft), LIMITS)


async def _upload(court: Court, description: str = "") -> Upload:
    store, author = media_store(court.village.settings), court.village.people["author"]
    return await upload_picture(court.database, store, author, picture(), description=description)


async def _case(court: Court) -> Case:
    case, = await court.queue()
    return case


async def _count(court: Court, table: str) -> int:
    async with court.database.read() as conn:
        return int(await conn.fetchval(f"SELECT count(*) FROM {table}"))


async def test_a_deleted_post_stays_for_those_who_decide_and_for_nobody_else(court: Court) -> None:
    view = await court.village.write("author", "Počkáme na něj u tramvaje")
    report = await court.report("reporter", view, clauses=("violence",))
    await _delete(court, view)
    case = await _case(court)
    assert case.state is State.OPEN
    assert await court.told("reporter") == []  # nothing is decided yet
    for name in ("author", "reader", "reporter", "moderator"):
        assert not await court.sees(name, view)
    page = (await (await court.village.by_browser("moderator")).get(f"/moderate/cases/{case.id}")).text
    assert "Počkáme na něj u tramvaje" in page
    assert "The author has deleted this post. Only those who decide still see it." in page
    await court.decide("moderator", case, "remove")
    assert await court.told("reporter") == [("report", report.id)]
    assert [kind for kind, _ in await court.told("author")] == ["kept", "statement"]
    async with court.database.read() as conn:
        assert await conn.fetchval("SELECT quote FROM statements") == "Počkáme na něj u tramvaje"


@pytest.mark.parametrize("action", ["keep", "remove", "freeze", "suspend"])
async def test_every_measure_that_makes_sense_is_possible_after_deletion(court: Court, action: str) -> None:
    view = await court.village.write("author", "Počkáme na něj u tramvaje")
    await court.report("reporter", view, clauses=("violence",))
    await _delete(court, view)
    case = await _case(court)
    await court.decide("moderator", case, action)
    assert "verdict.settled" in await court.journal(case)


@pytest.mark.parametrize("action", ["label", "hide"])
async def test_a_deleted_post_is_neither_covered_nor_hidden(court: Court, action: str) -> None:
    view = await court.village.write("author", "Počkáme na něj u tramvaje")
    await court.report("reporter", view, clauses=("violence",))
    await _delete(court, view)
    with pytest.raises(Invalid):
        await court.decide("moderator", await _case(court), action)


async def test_the_author_is_told_except_about_a_message(court: Court) -> None:
    for visibility in Visibility:
        view = await court.village.write("author", "@reporter tak počkej", visibility=visibility)
        await court.report("reporter", view, clauses=("violence",))
        await _delete(court, view)
    unreported = await court.village.write("author", "nic zlého")
    await _delete(court, unreported)
    kept = [reference for kind, reference in await court.told("author") if kind == "kept"]
    cases = {case.id for case in await court.queue()}
    assert len(cases) == 4
    assert len(kept) == 3
    assert set(kept) < cases


@pytest.mark.parametrize("visibility", list(Visibility))
async def test_who_was_shown_a_post_can_report_it_after_deletion(court: Court, visibility: Visibility) -> None:
    await court.village.follow("reader", "author")
    view = await court.village.write("author", "@reporter počkáme na něj", visibility=visibility)
    await _delete(court, view)
    shown = {
        Visibility.PUBLIC: {"reader", "reporter", "other_reporter"}, Visibility.UNLISTED: {"reader", "reporter", "other_reporter"},
        Visibility.FOLLOWERS: {"reader", "reporter"}, Visibility.DIRECT: {"reporter"},
    }[visibility]
    for name in ("reader", "reporter", "other_reporter"):
        if name in shown:
            await court.report(name, view, clauses=("violence",))
        else:
            with pytest.raises(NotFound):
                await court.report(name, view)
    case = await _case(court)
    page = (await (await court.village.by_browser("moderator")).get(f"/moderate/cases/{case.id}")).text
    assert "počkáme na něj" in page
    await court.decide("moderator", case, "remove")
    assert "report" in dict(await court.told("reporter"))


async def test_a_post_that_was_deleted_a_day_ago_is_gone(court: Court) -> None:
    view = await court.village.write("author", "Počkáme na něj u tramvaje")
    await _delete(court, view)
    await forget_deleted(court.database)
    assert await _count(court, "deleted_posts") == 1
    with clock.stopped_at(clock.now() + REPORTABLE_FOR + timedelta(seconds=1)):
        await forget_deleted(court.database)
    assert await _count(court, "deleted_posts") == 0
    with pytest.raises(NotFound):
        await court.report("reporter", view)


async def test_a_reported_post_outlives_its_copy(court: Court) -> None:
    view = await court.village.write("author", "Počkáme na něj u tramvaje")
    await court.report("reporter", view, clauses=("violence",))
    await _edit(court, view, "Dobrý den")
    await _delete(court, view)
    with clock.stopped_at(clock.now() + timedelta(days=2)):
        await forget_deleted(court.database)
    case = await _case(court)
    moderator = await court.village.by_browser("moderator")
    page = (await moderator.get(f"/moderate/cases/{case.id}")).text
    assert page.index("As it was reported") < page.index("Počkáme na něj u tramvaje") < page.index("Dobrý den")
    with pytest.raises(Conflict):  # the version that was edited away is not all that was to read
        await court.decide("moderator", case, "remove")
    async with court.database.read() as conn:
        edited_at = await conn.fetchval("SELECT max(stood_from) FROM evidence")
    await court.decide("moderator", case, "remove", seen_edited_at=edited_at)


async def test_a_decision_is_refused_when_the_post_was_edited_and_deleted_meanwhile(court: Court) -> None:
    view = await court.village.write("author", "Počkáme na něj u tramvaje")
    await court.report("reporter", view, clauses=("violence",))
    case = await _case(court)
    await court.claim("moderator", case)
    await _edit(court, view, "Dobrý den")
    await _delete(court, view)
    moderator = await court.viewer("moderator")
    with pytest.raises(Conflict):
        async with court.database.write() as tx:
            await decide_case(tx, moderator, case.id, Decision(action="remove", clause="violence"))


async def test_a_deletion_while_a_moderator_decides_changes_nothing_for_the_decision(court: Court) -> None:
    view = await court.village.write("author", "Počkáme na něj u tramvaje")
    await court.report("reporter", view, clauses=("violence",))
    case = await _case(court)
    await court.claim("moderator", case)
    moderator = await court.viewer("moderator")
    async with court.database.write() as tx:
        await delete_post(tx, court.village.people["author"], view.post.id)  # and no subscriber has heard of it yet
    async with court.database.write() as tx:
        await decide_case(tx, moderator, case.id, Decision(action="remove", clause="violence"))
    await court.let_half_a_minute_pass()
    assert (await court.case(case.id)).state is State.DECIDED
    assert "report" in dict(await court.told("reporter"))


async def test_those_who_took_part_in_a_deleted_post_do_not_decide_about_it(court: Court) -> None:
    question = await court.village.write("moderator", "Kdo přijde?")
    view = await court.village.write("author", "Počkáme na něj u tramvaje", reply_to_id=question.post.id)
    other = await court.village.write("author", "Přijďte")
    async with court.database.write() as tx:
        await favourite_post(tx, court.village.people["other_moderator"], other.post.id)
    for post in (view, other):
        await court.report("reporter", post, clauses=("violence",))
        await _delete(court, post)
    cases = {case.subject_id: case for case in await court.queue()}
    for post, barred, free in ((view, "moderator", "other_moderator"), (other, "other_moderator", "moderator")):
        with pytest.raises(Forbidden):
            await court.claim(barred, cases[post.post.id])
        await court.claim(free, cases[post.post.id])


async def test_those_who_took_part_are_barred_from_a_case_that_is_opened_after_the_deletion(court: Court) -> None:
    view = await court.village.write("author", "@moderator Počkáme na něj u tramvaje")
    await _delete(court, view)
    await court.report("reporter", view, clauses=("violence",))
    with pytest.raises(Forbidden):
        await court.claim("moderator", await _case(court))
    await court.claim("other_moderator", await _case(court))


async def test_a_report_of_a_deleted_post_that_was_decided_is_answered_at_once(court: Court) -> None:
    view = await court.village.write("author", "Počkáme na něj u tramvaje")
    await court.report("reporter", view, clauses=("violence",))
    await court.decide("moderator", await _case(court), "keep")
    await _delete(court, view)
    report = await court.report("other_reporter", view, clauses=("violence",))
    assert not await court.queue()
    assert await court.told("other_reporter") == [("report", report.id)]


async def test_a_picture_of_a_deleted_post_is_shown_only_to_the_moderator_who_decides(court: Court) -> None:
    village, store = court.village, media_store(court.village.settings)
    upload = await _upload(court, "tři muži s tyčemi")
    view = await village.write("author", "Přijďte", media_ids=(upload.id,))
    await court.report("reporter", view, clauses=("violence",))
    await _delete(court, view)
    file = f"/media/{upload.key}.small.png"
    moderator = await village.by_browser("moderator")
    assert (await moderator.get(file)).status == 404
    case = await _case(court)
    page = (await moderator.get(f"/moderate/cases/{case.id}")).text
    assert file in page
    assert "tři muži s tyčemi" in page
    assert (await moderator.get(file)).status == 200
    for name in ("author", "reader", "other_moderator"):
        visitor = await village.by_browser(name)
        assert (await visitor.get(file)).status == 404
        assert (await (await village.by_app(name)).get(f"/api/v1/media/{upload.id}")).status == 404
    await court.decide("moderator", case, "remove")
    with clock.stopped_at(clock.now() + OPEN_FOR + timedelta(days=1)):
        await clear_evidence(court.database)
    assert await _count(court, "evidence") == 0
    await clear_abandoned(court.database, store)
    assert await _count(court, "media") == 0
    assert await _count(court, "media_files") == 0


async def test_a_picture_of_an_unreported_deleted_post_is_served_to_nobody_and_removed_after_a_day(court: Court) -> None:
    upload = await _upload(court)
    view = await court.village.write("author", "Přijďte", media_ids=(upload.id,), visibility=Visibility.FOLLOWERS)
    signed = (await (await court.village.by_app("author")).get(f"/api/v1/statuses/{view.post.id}")).json["media_attachments"][0]["url"]
    signed = signed.removeprefix("http://localhost:8420")
    assert (await court.village.nobody().get(signed)).status == 200
    await _delete(court, view)
    for name in ("author", "reader", "moderator"):
        for address in (signed, f"/media/{upload.key}.small.png"):
            assert (await (await court.village.by_browser(name)).get(address)).status == 404
    assert await _count(court, "media") == 1
    async with court.database.write() as tx:
        await tx.execute("UPDATE media SET held_until = now() - interval '1 second'")
    await clear_abandoned(court.database, media_store(court.village.settings))
    assert await _count(court, "media") == 0


async def test_evidence_is_deleted_when_nobody_can_appeal_any_more(court: Court) -> None:
    view = await court.village.write("author", "Počkáme na něj u tramvaje")
    await court.report("reporter", view, clauses=("violence",))
    still_open = await court.village.write("author", "Ještě nerozhodnuto")
    case = await _case(court)
    await court.decide("moderator", case, "remove")
    await court.report("reporter", still_open, clauses=("violence",))
    for later, left in ((timedelta(days=100), 2), (OPEN_FOR + timedelta(days=1), 1)):
        with clock.stopped_at(clock.now() + later):
            await clear_evidence(court.database)
        assert await _count(court, "evidence") == left
    async with court.database.read() as conn:
        assert await conn.fetchval("SELECT case_id FROM evidence") != case.id


async def test_on_appeal_the_evidence_of_the_first_case_is_shown(court: Court) -> None:
    upload = await _upload(court, "tři muži s tyčemi")
    view = await court.village.write("author", "Počkáme na něj u tramvaje", media_ids=(upload.id,))
    await court.report("reporter", view, clauses=("violence",))
    verdict = await court.decide("moderator", await _case(court), "hide")
    await _edit(court, view, "Dobrý den")
    await _delete(court, view)
    author = (await court.viewer("author")).account
    async with court.database.write() as tx:
        appeal = await lodge_appeal(tx, author, verdict.id)
    other = await court.village.by_browser("other_moderator")
    page = (await other.get(f"/moderate/cases/{appeal.case_id}")).text
    assert "Počkáme na něj u tramvaje" in page
    assert "tři muži s tyčemi" in page
    assert (await other.get(f"/media/{upload.key}.small.png")).status == 200


async def test_a_picture_is_held_as_long_as_any_case_needs_it(court: Court) -> None:
    store = media_store(court.village.settings)
    upload = await _upload(court)
    view = await court.village.write("author", "Přijďte", media_ids=(upload.id,))
    await court.report("reporter", view, clauses=("violence",))
    verdict = await court.decide("moderator", await _case(court), "remove")
    author = (await court.viewer("author")).account
    async with court.database.write() as tx:
        await lodge_appeal(tx, author, verdict.id)
        await tx.execute("DELETE FROM posts WHERE id = $1", view.post.id)
        await tx.execute("UPDATE media SET post_id = NULL, created_at = '-infinity'")
    with clock.stopped_at(clock.now() + OPEN_FOR + timedelta(days=1)):
        await clear_evidence(court.database)
        await clear_abandoned(court.database, store)
    assert await _count(court, "evidence") == 1  # of the appeal
    assert await _count(court, "media") == 1


async def test_a_report_and_a_deletion_at_once_lose_nothing(court: Court) -> None:
    for number in range(20):
        view = await court.village.write("author", f"Počkáme na něj u tramvaje {number}")
        await asyncio.gather(court.report("reporter", view, clauses=("violence",)), _delete(court, view))
        await court.village.work()
    cases = await court.queue()
    assert len(cases) == 20
    async with court.database.read() as conn:
        rows = await conn.fetch("SELECT content FROM evidence WHERE reported_at IS NOT NULL")
    assert len(rows) == 20


async def test_nothing_of_a_deleted_account_is_kept(court: Court) -> None:
    upload = await _upload(court)
    reported = await court.village.write("author", "Počkáme na něj u tramvaje", media_ids=(upload.id,))
    deleted = await court.village.write("author", "Přijďte")
    await court.report("reporter", reported, clauses=("violence",))
    await court.report("reporter", clauses=("identity",))
    await _delete(court, deleted)
    assert await _count(court, "evidence") == 2
    async with court.database.write() as tx:
        await begin_departure(tx, court.village.people["author"].id, wait=timedelta(0))
    await court.village.work()
    for table in ("evidence", "evidence_media", "deleted_posts", "media", "media_files"):
        assert await _count(court, table) == 0
    assert not await court.queue()


async def test_deleting_and_rewriting_a_reported_post_keeps_its_picture_for_both(court: Court) -> None:
    upload = await _upload(court, "tři muži s tyčemi")
    view = await court.village.write("author", "Přijďte", media_ids=(upload.id,))
    await court.report("reporter", view, clauses=("violence",))
    app = await court.village.by_app("author")
    answer = await app.send("DELETE", f"/api/v1/statuses/{view.post.id}")
    assert (answer.status, answer.json["text"]) == (200, "Přijďte")
    again = await app.post("/api/v1/statuses", {"status": "Přijďte na kávu", "media_ids[]": str(upload.id)})
    assert again.status == 200
    await court.village.work()
    case = await _case(court)
    moderator = await court.village.by_browser("moderator")
    page = (await moderator.get(f"/moderate/cases/{case.id}")).text
    assert f"/media/{upload.key}.small.png" in page
    await app.send("DELETE", f"/api/v1/statuses/{again.json['id']}?delete_media=true")
    await court.village.work()
    assert (await moderator.get(f"/media/{upload.key}.small.png")).status == 200
    assert (await (await court.village.by_browser("author")).get(f"/media/{upload.key}.small.png")).status == 404


async def test_many_deleted_pictures_do_not_use_up_the_limit_of_uploads(court: Court, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("folkmoot.network.media.actions.MOST_UNATTACHED", 1)
    for _ in range(3):
        upload = await _upload(court)
        await _delete(court, await court.village.write("author", "Přijďte", media_ids=(upload.id,)))
