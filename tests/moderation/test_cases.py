"""Reports join one case; one moderator at a time claims it, and never one who is concerned."""

import asyncio
from datetime import timedelta

import pytest

from folkmoot.base import clock
from folkmoot.base.errors import Conflict, Forbidden, Invalid, NotFound
from folkmoot.moderation.cases.actions import claim_case, release_case
from folkmoot.moderation.cases.model import Case, State, probability_of
from folkmoot.moderation.cases.queries import count_open, count_stuck, lock_case
from folkmoot.moderation.reports.actions import file_report
from folkmoot.moderation.reports.model import ReportDraft
from folkmoot.moderation.verdicts.actions import decide_case
from folkmoot.moderation.verdicts.model import Decision
from folkmoot.network.posts.model import Visibility
from folkmoot.network.sessions.model import Role
from tests.moderation.court import Court, somebody_waits


def _holder(case: Case) -> int | None:
    return case.moderator_seat.account_id if case.is_held(clock.now()) and case.moderator_seat else None


async def test_reports_of_one_post_are_one_case(court: Court) -> None:
    post = await court.village.write("author", "Počkáme na něj u tramvaje")
    await court.report("reporter", post, clauses=("violence",), comment="To je výhrůžka.")
    first = (await court.queue())[0]
    await court.report("other_reporter", post, category="other")
    cases = await court.queue()
    assert [case.id for case in cases] == [first.id]
    assert cases[0].clause == "violence"  # the gravest clause of all reports
    assert cases[0].harm > first.harm
    assert await court.journal(first) == ["case.opened", "report.filed", "report.filed"]


async def test_concurrent_reports_open_one_case(court: Court) -> None:
    post = await court.village.write("author")
    names = [f"crowd_{number}" for number in range(8)]
    await court.village.settle(*names)
    await asyncio.gather(*(court.report(name, post, clauses=("spam",)) for name in names))
    assert len(await court.queue()) == 1


async def test_many_reporters_count_no_more_than_five(court: Court) -> None:
    assert probability_of(0, [1 / 3] * 1000) == probability_of(0, [1 / 3] * 5) < 0.9


async def test_a_report_about_two_posts_joins_two_cases_and_one_about_a_hidden_or_foreign_post_none(court: Court) -> None:
    posts = [await court.village.write("author", text) for text in ("jedna", "dvě")]
    foreign = await court.village.write("reader", "tři")
    secret = await court.village.write("author", "jen pro mne", visibility=Visibility.FOLLOWERS)
    await court.report("reporter", *posts)
    assert {case.subject_id for case in await court.queue()} == {view.post.id for view in posts}
    for wrong in (foreign, secret):
        with pytest.raises(NotFound):
            await court.report("reporter", wrong)
    assert len(await court.queue()) == 2


async def test_an_account_is_reported_without_a_post(court: Court) -> None:
    await court.report("reporter", comment="Vydává se za starostu.", clauses=("identity",))
    (case,) = await court.queue()
    assert (case.subject, case.subject_id) == ("account", court.village.people["author"].id)


@pytest.mark.parametrize(("draft", "field"), [
    ({"category": "nonsense"}, "category"), ({"clauses": ("nonsense",)}, "clauses"), ({"comment": "x" * 1001}, "comment"),
    ({"post_ids": tuple(range(1, 22))}, "post_ids"),
])
async def test_a_wrong_report_names_its_field(court: Court, draft: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        async with court.database.write() as tx:
            await file_report(tx, court.village.people["reporter"], ReportDraft(
                **{"account_id": court.village.people["author"].id, **draft}  # type: ignore[arg-type]
            ))
    assert [error.field for error in caught.value.errors] == [field]
    assert not await court.queue()


async def test_nobody_decides_in_their_own_matter(court: Court) -> None:
    post = await court.village.write("moderator", "Já vám dám")
    await court.report("other_moderator", post, account="moderator")
    (case,) = await court.queue()
    for name in ("moderator", "other_moderator"):
        with pytest.raises(Forbidden):
            await court.claim(name, case)
    with pytest.raises(Forbidden):
        await court.claim("reader", case)
    await court.village.settle("third", role=Role.MODERATOR)
    assert _holder(await court.claim("third", case)) == court.village.people["third"].id


async def test_a_claim_is_a_lease_renewed_by_activity(court: Court) -> None:
    post = await court.village.write("author")
    await court.report("reporter", post)
    (case,) = await court.queue()
    now = clock.now()
    with clock.stopped_at(now):
        await court.claim("moderator", case)
        with pytest.raises(Conflict):
            await court.claim("other_moderator", case)
    with clock.stopped_at(now + timedelta(minutes=8)):
        await court.claim("moderator", case)
    with clock.stopped_at(now + timedelta(minutes=12)), pytest.raises(Conflict):
        await court.claim("other_moderator", case)
    with clock.stopped_at(now + timedelta(minutes=19)):
        assert _holder(await court.claim("other_moderator", case)) == court.village.people["other_moderator"].id
    assert (await court.journal(case)).count("case.claimed") == 2


async def test_a_claim_is_released(court: Court) -> None:
    await court.report("reporter", await court.village.write("author"))
    (case,) = await court.queue()
    await court.claim("moderator", case)
    moderator = await court.viewer("moderator")
    async with court.database.write() as tx:
        await release_case(tx, moderator, case.id)
    assert _holder(await court.claim("other_moderator", case)) == court.village.people["other_moderator"].id


async def test_two_moderators_at_once_never_hold_one_case(court: Court) -> None:
    names = ("moderator", "other_moderator")
    viewers = [await court.viewer(name) for name in names]
    posts = [await court.village.write("author", f"příspěvek {number}") for number in range(200)]
    for post in posts:
        await court.report("reporter", post, clauses=("spam",))
    async with court.database.read() as conn:
        cases = [row["id"] for row in await conn.fetch("SELECT id FROM cases ORDER BY id")]
    assert len(cases) == 200

    async def claim(viewer: object, case_id: int) -> bool:
        try:
            async with court.database.write() as tx:
                await claim_case(tx, viewer, case_id)  # type: ignore[arg-type]
        except Conflict:
            return False
        return True

    for case_id in cases:
        assert sum(await asyncio.gather(*(claim(viewer, case_id) for viewer in viewers))) == 1


async def test_a_private_message_becomes_a_case_only_by_a_report_of_a_recipient(court: Court) -> None:
    message = await court.village.write("author", "@reporter zabiju tě, přijdu si pro tebe v noci", visibility=Visibility.DIRECT)
    await court.village.work()
    assert not await court.queue()
    with pytest.raises(NotFound):
        await court.report("other_reporter", message)
    await court.report("reporter", message, clauses=("violence",))
    assert len(await court.queue()) == 1


async def test_open_overdue_and_stuck_cases_are_counted(court: Court) -> None:
    post = await court.village.write("moderator", "Já vám dám")
    await court.report("reporter", await court.village.write("author"))
    async with court.database.read() as conn:
        now = clock.now()
        assert await count_stuck(conn) == 0
    await court.report("other_moderator", post, account="moderator", clauses=("violence",))
    async with court.database.read() as conn:
        waiting = await count_open(conn, now + timedelta(hours=25))
        assert (waiting.open, waiting.overdue, await count_stuck(conn)) == (2, 1, 1)


async def test_a_lease_ends_when_a_clock_that_was_a_day_ahead_is_corrected(court: Court) -> None:
    post = await court.village.write("author", "Počkáme na něj u tramvaje")
    await court.report("reporter", post, clauses=("violence",))
    [case] = await court.queue()
    with clock.stopped_at(clock.now() + timedelta(days=1)):
        await court.claim("moderator", case)
    assert _holder(await court.case(case.id)) is None
    await court.claim("other_moderator", case)
    holder = _holder(await court.case(case.id))
    assert holder == court.village.people["other_moderator"].id


async def test_a_report_and_a_decision_about_one_post_do_not_deadlock(court: Court) -> None:
    post = await court.village.write("author", "Počkáme na něj u tramvaje")
    await court.report("reporter", post, clauses=("violence",))
    [case] = await court.queue()
    await court.claim("moderator", case)
    moderator = await court.viewer("moderator")
    async with court.database.write() as tx:
        await lock_case(tx, case.id)
        report = asyncio.create_task(court.report("other_reporter", post, clauses=("violence",)))
        while not await somebody_waits(court.database):
            await asyncio.sleep(0.01)
        await decide_case(tx, moderator, case.id, Decision(action="remove", clause="violence"))
    await report
    assert (await court.case(case.id)).state is State.DECIDED
