"""Whoever was shown a post can report it, also after a block; who never was gets the answer of a post that does not exist."""

from datetime import timedelta

import pytest

from folkmoot.base import clock, ids
from folkmoot.base.errors import NotFound
from folkmoot.network.departures.actions import begin_departure
from folkmoot.network.posts.actions import boost_post, delete_post, edit_post, set_effect, unboost_post
from folkmoot.network.posts.model import PostDraft, PostEffect, PostView, Visibility
from folkmoot.network.relations import actions as relations
from tests.moderation.court import Court
from tests.village import LIMITS

PRIVATE = [Visibility.FOLLOWERS, Visibility.DIRECT]


async def _block(court: Court, name: str = "author", other: str = "reporter") -> None:
    async with court.database.write() as tx:
        await relations.block(tx, court.village.people[name], court.village.people[other].id)


async def _unblock(court: Court) -> None:
    async with court.database.write() as tx:
        await relations.unblock(tx, court.village.people["author"], court.village.people["reporter"].id)


async def _edit(court: Court, view: PostView, text: str) -> None:
    async with court.database.write() as tx:
        await edit_post(tx, court.village.people["author"], view.post.id, PostDraft(text=text), LIMITS)


async def _can_report(court: Court, view: PostView, name: str = "reporter") -> bool:
    try:
        await court.report(name, view, clauses=("violence",))
    except NotFound:
        return False
    return True


@pytest.mark.parametrize("visibility", list(Visibility))
async def test_blocking_the_victim_does_not_make_a_post_unreportable(court: Court, visibility: Visibility) -> None:
    view = await court.village.write("author", "@reporter počkáme na tebe", visibility=visibility)
    await _block(court)
    assert not await court.sees("reporter", view)
    app = await court.village.by_app("reporter")
    answer = await app.send("POST", "/api/v1/reports", as_json={
        "account_id": str(court.village.people["author"].id), "status_ids": [str(view.post.id)], "comment": "Mám strach."})
    assert answer.status == 200
    assert answer.json["status_ids"] == [str(view.post.id)]
    case, = await court.queue()
    assert case.subject_id == view.post.id
    assert not await court.sees("reporter", view)  # reporting it does not open it


@pytest.mark.parametrize("how", ["block", "remove_follower", "unfollow"])
async def test_a_former_follower_can_report_what_was_shown_and_nothing_later(court: Court, how: str) -> None:
    await court.village.follow("reporter", "author")
    author, reporter = court.village.people["author"], court.village.people["reporter"]
    before = await court.village.write("author", "jen pro své", visibility=Visibility.FOLLOWERS)
    if how == "block":
        await _block(court)
    async with court.database.write() as tx:
        if how == "remove_follower":
            await relations.remove_follower(tx, author, reporter.id)
        elif how == "unfollow":
            await relations.unfollow(tx, reporter, author.id)
    after = await court.village.write("author", "už bez tebe", visibility=Visibility.FOLLOWERS)
    assert await _can_report(court, before)
    assert not await _can_report(court, after)
    assert not await _can_report(court, before, "other_reporter")


async def test_an_ended_follow_is_forgotten_after_some_time(court: Court) -> None:
    await court.village.follow("reporter", "author")
    view = await court.village.write("author", "jen pro své", visibility=Visibility.FOLLOWERS)
    await _block(court)
    with clock.stopped_at(clock.now() + relations.REMEMBERED_FOR - timedelta(days=1)):
        await relations.forget_ended_follows(court.database)
    assert await _can_report(court, view)
    with clock.stopped_at(clock.now() + relations.REMEMBERED_FOR + timedelta(days=1)):
        await relations.forget_ended_follows(court.database)
    assert not await _can_report(court, view)


@pytest.mark.parametrize("visibility", PRIVATE)
async def test_a_private_post_that_names_somebody_already_blocked_was_not_shown_to_them(court: Court, visibility: Visibility) -> None:
    await _block(court)
    view = await court.village.write("author", "@reporter počkáme na tebe", visibility=visibility)
    assert not await _can_report(court, view)
    await _unblock(court)  # now it is shown, and stays so
    assert await court.sees("reporter", view)
    await _block(court)
    assert await _can_report(court, view)


@pytest.mark.parametrize("is_deleted", [False, True])
async def test_a_name_that_an_edit_adds_after_a_block_shows_nothing(court: Court, is_deleted: bool) -> None:
    shown = await court.village.write("author", "@reader zatím jen ty", visibility=Visibility.DIRECT)
    hidden = await court.village.write("author", "@reader zatím také jen ty", visibility=Visibility.DIRECT)
    await _edit(court, shown, "@reporter počkáme na tebe")
    await _block(court)
    await _edit(court, shown, "@reporter nic to nebylo")  # an edit after the block takes nothing back
    await _edit(court, hidden, "@reporter tohle nevidíš")
    if is_deleted:
        async with court.database.write() as tx:
            for view in (shown, hidden):
                await delete_post(tx, court.village.people["author"], view.post.id)
    assert await _can_report(court, shown)
    assert not await _can_report(court, hidden)


async def test_a_hidden_or_removed_post_can_be_reported_by_those_who_have_seen_it(court: Court) -> None:
    pending = await court.village.write("author", "Zítra tě najdu a zabiju, ty svině, a tvoji rodinu taky.", language="cs")
    await court.village.work()
    assert not await court.sees("reporter", pending)
    case, = await court.queue()
    await court.report("reporter", pending, clauses=("violence",))
    assert (await court.journal(case)).count("report.filed") == 1
    await court.decide("moderator", case, "remove")
    report = await court.report("other_reporter", pending, clauses=("privacy",))
    assert not await court.queue()  # nobody sees it any more: there is nothing to decide
    assert await court.told("other_reporter") == [("report", report.id)]


async def test_a_label_answers_no_report_about_a_post_that_is_hidden_for_another_reason(court: Court) -> None:
    view = await court.village.write("author", "Počkáme na něj u tramvaje")
    await court.report("reporter", view, clauses=("cover",))
    case, = await court.queue()
    await court.decide("moderator", case, "label", "cover")
    async with court.database.write() as tx:  # as a detector does
        await set_effect(tx, view.post.id, PostEffect.HIDDEN, None)
    await court.report("other_reporter", view, clauses=("violence",))
    assert [one.clause for one in await court.queue()] == ["violence"]


async def test_a_boost_stands_for_what_it_boosts(court: Court) -> None:
    view = await court.village.write("author", "Počkáme na něj u tramvaje")
    async with court.database.write() as tx:
        boost = await boost_post(tx, court.village.people["reader"], view.post.id)
    report = await court.report("reporter", boost, clauses=("violence",))
    assert report.post_ids == (view.post.id,)
    async with court.database.write() as tx:
        await unboost_post(tx, court.village.people["reader"], view.post.id)
    await court.village.work()
    assert [case.subject_id for case in await court.queue()] == [view.post.id]
    assert not await _can_report(court, boost, "other_reporter")  # it shows nothing that the post itself does not


async def test_the_same_post_named_twice_or_by_its_boost_is_one(court: Court) -> None:
    view = await court.village.write("author", "Počkáme na něj u tramvaje")
    async with court.database.write() as tx:
        boost = await boost_post(tx, court.village.people["reader"], view.post.id)
    report = await court.report("reporter", view, boost, view, clauses=("violence",))
    assert report.post_ids == (view.post.id,)
    assert len(await court.queue()) == 1


async def test_an_account_that_blocks_can_be_reported(court: Court) -> None:
    await _block(court)
    await court.report("reporter", comment="Píše mi odjinud.", clauses=("harassment",))
    assert [case.subject for case in await court.queue()] == ["account"]


async def test_somebody_who_is_leaving_can_be_reported_until_they_are_gone(court: Court) -> None:
    view = await court.village.write("author", "@reporter počkáme na tebe", visibility=Visibility.DIRECT)
    async with court.database.write() as tx:
        await begin_departure(tx, court.village.people["author"].id)
    assert not await court.sees("reporter", view)
    assert not await _can_report(court, view, "reader")
    assert await _can_report(court, view)
    await court.report("reporter", comment="Utíká před tím.", clauses=("violence",))
    browser = await court.village.by_browser("reporter")
    assert (await browser.get(f"/reports/new?post={view.post.id}")).status == 200
    for case in await court.queue():
        await court.decide("moderator", case, "suspend")
    assert not await _can_report(court, view, "other_reporter")


async def test_what_was_never_shown_answers_like_what_does_not_exist(court: Court) -> None:
    village = court.village
    await _block(court)
    secrets = [
        await village.write("author", "jen pro své", visibility=Visibility.FOLLOWERS),
        await village.write("author", "@reader mezi námi", visibility=Visibility.DIRECT),
        await village.write("author", "@reporter nikdy jsi to neviděl", visibility=Visibility.DIRECT),
    ]
    gone = [
        await village.write("author", "jen pro své, smazané", visibility=Visibility.FOLLOWERS),
        await village.write("author", "@reader mezi námi, smazané", visibility=Visibility.DIRECT),
        await village.write("author", "@reporter nikdy jsi to neviděl, smazané", visibility=Visibility.DIRECT),
    ]
    async with court.database.write() as tx:
        for view in gone:
            await delete_post(tx, village.people["author"], view.post.id)
    await village.work()
    account = village.people["author"]
    never = [ids.make_id(ids.shard_of(account.id), clock.now() - timedelta(days=1)), ids.MAX_ID, 1]
    app, browser = await village.by_app("reporter"), await village.by_browser("reporter")
    answers = set()
    for post_id in [*never, *(view.post.id for view in (*secrets, *gone))]:
        report = await app.send("POST", "/api/v1/reports", as_json={"account_id": str(account.id), "status_ids": [str(post_id)]})
        form = await browser.get(f"/reports/new?post={post_id}")
        page = form.text[form.text.index("<main"):form.text.index("</main>")]
        answers.add((report.status, report.body, form.status, page))
    assert len(answers) == 1
    assert {(status, form_status) for status, _, form_status, _ in answers} == {(404, 404)}
    assert not await court.queue()
