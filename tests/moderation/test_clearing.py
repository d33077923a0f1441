"""A removed post is deleted for good when nobody can appeal any more, unless a legal hold keeps it."""

import asyncio
import io
from datetime import timedelta

import pytest
from PIL import Image

from folkmoot.base import clock
from folkmoot.moderation.appeals.actions import lodge_appeal
from folkmoot.moderation.appeals.jobs import clear_evidence, clear_removed
from folkmoot.moderation.appeals.model import OPEN_FOR
from folkmoot.moderation.cases.model import Case
from folkmoot.moderation.hash_lists.queries import count_entries
from folkmoot.moderation.holds.model import Ground, Hold
from folkmoot.moderation.holds.model import State as HoldState
from folkmoot.moderation.holds.queries import list_holds
from folkmoot.moderation.verdicts import jobs as verdicts
from folkmoot.moderation.verdicts.actions import decide_case, undo_verdict
from folkmoot.moderation.verdicts.model import Decision, Verdict
from folkmoot.moderation.verdicts.two_people import answer_proposal, end_hold, propose_hold
from folkmoot.network.departures.actions import begin_departure
from folkmoot.network.media.actions import clear_abandoned
from folkmoot.network.media.store import media_store
from folkmoot.network.posts.actions import delete_post
from tests.dump import dump
from tests.invariants import list_broken
from tests.moderation.court import Court
from tests.moderation.notices import Desk

_WORDS = "Najdu tě dnes večer u řeky a podříznu ti krk"
_WHEN_OVER = OPEN_FOR + timedelta(days=1, minutes=1)


class Threat:
    """A removed post with a picture, a poll, an earlier version, marks, boosts and answers; and its case and verdict."""

    def __init__(self, court: Court) -> None:
        self.court, self.village, self.database = court, court.village, court.database

    async def remove(self) -> "Threat":
        author = await self.village.by_app("author")
        picture = io.BytesIO()
        Image.effect_noise((900, 700), 90).save(picture, "PNG")
        upload = (await author.upload("/api/v2/media", "file", picture.getvalue(), description="nůž na stole, kudla")).json
        posted = (await author.post("/api/v1/statuses", {"status": f"{_WORDS}, kudlanko", "media_ids[]": upload["id"]})).json
        self.id = int(posted["id"])
        await author.send("PUT", f"/api/v1/statuses/{self.id}", {"status": f"{_WORDS} zítra", "media_ids[]": upload["id"]})
        for name in ("reader", "other_reporter"):
            visitor = await self.village.by_app(name)
            for act in ("favourite", "bookmark", "reblog"):
                await visitor.post(f"/api/v1/statuses/{self.id}/{act}")
        await (await self.village.by_app("reader")).post("/api/v1/statuses", {"status": "Cože?", "in_reply_to_id": str(self.id)})
        await self.village.work()
        await (await self.village.by_app("reporter")).post("/api/v1/reports", {
            "account_id": self.village.people["author"].id, "status_ids[]": self.id, "rule_ids[]": "2"})
        self.case = next(case for case in await self.court.queue() if case.subject_id == self.id)
        self.verdict = await self.decide("moderator", self.case, "remove")
        return self

    async def decide(self, name: str, case: Case, action: str) -> Verdict:
        async with self.database.read() as conn:
            edited_at = await conn.fetchval("SELECT edited_at FROM posts WHERE id = $1", self.id)
        return await self.court.decide(name, case, action, explanation="Vyhrožuje.", seen_edited_at=edited_at)

    async def clear(self, later: timedelta = _WHEN_OVER) -> None:
        """Runs the timed jobs at a later time."""
        with clock.stopped_at(clock.now() + later):
            await verdicts.expire(self.database)
            await clear_evidence(self.database)
            await clear_removed(self.database)
            await self.village.work()
        await clear_abandoned(self.database, media_store(self.village.settings))

    async def left(self) -> list[str]:
        """Where something of the post can be found: tables and files."""
        found = [table for table, rows in (await dump(self.database)).items() if any(
            word in row for row in rows for word in ("podříz", "podriz", "kudl"))]
        return found + [file.suffix for file in self.village.settings.data.glob("media/??/*")]

    async def is_there(self) -> bool:
        async with self.database.read() as conn:
            return bool(await conn.fetchval("SELECT EXISTS (SELECT FROM posts WHERE id = $1)", self.id))


@pytest.fixture
async def threat(court: Court) -> Threat:
    return await Threat(court).remove()


async def hold(court: Court, case: Case, days: int = 300) -> Hold:
    first, second = await court.viewer("moderator"), await court.viewer("other_moderator")
    async with court.database.write() as tx:
        made = await propose_hold(tx, first, case.id, "The police has asked for it.", days)
    async with court.database.write() as tx:
        await answer_proposal(tx, second, made.id, agrees=True)
    async with court.database.read() as conn:
        return (await list_holds(conn))[0]


async def test_nothing_of_a_removed_post_is_left_when_nobody_can_appeal_any_more(threat: Threat) -> None:
    assert {"posts", "post_edits", "media", "evidence", "statements", "signals"} <= set(await threat.left())
    await threat.clear(OPEN_FOR - timedelta(minutes=1))
    assert await threat.is_there()
    assert {"evidence", "statements"} <= set(await threat.left())
    await threat.clear()
    assert await threat.left() == []
    async with threat.database.read() as conn:
        assert not await list_broken(conn)
        statements = [tuple(row) for row in await conn.fetch("SELECT kind, clause, quote FROM statements ORDER BY id")]
        assert statements[-1] == ("remove", "violence", "")
        assert {quote for _, _, quote in statements} == {""}
        assert await conn.fetchval("SELECT count(*) FROM verdicts") == 1
        assert {kind.value for kind in (await count_entries(conn))["cleared-here"]} >= {"text", "file"}
    assert (await threat.court.journal(threat.case))[-2:] == ["hash_list.changed", "post.cleared"]
    page = (await (await threat.village.by_browser("author")).get("/statements")).text
    assert "We removed your post" in page


async def test_a_copy_of_a_cleared_post_is_recognised(threat: Threat) -> None:
    await threat.clear()
    copy = await threat.village.write("reader", f"{_WORDS} zítra!")
    await threat.village.work()
    async with threat.database.read() as conn:
        rows = await conn.fetch("SELECT detector, version FROM signals WHERE post_id = $1", copy.post.id)
    assert any("cleared-here" in (*row,) for row in rows), rows


async def test_an_appeal_and_what_follows_from_it_keep_the_post(threat: Threat) -> None:
    author = await threat.court.viewer("author")
    with clock.stopped_at(clock.now() + OPEN_FOR - timedelta(minutes=1)):
        async with threat.database.write() as tx:
            appeal = await lodge_appeal(tx, author.account, threat.verdict.id)
    await threat.clear()
    assert await threat.is_there()  # the case is open
    await threat.decide("other_moderator", await threat.court.case(appeal.case_id), "remove")
    async with threat.database.write() as tx:  # settled when the first verdict could no longer be appealed
        await tx.execute("UPDATE verdicts SET settled_at = settled_at - $2::interval WHERE id = $1", threat.verdict.id, _WHEN_OVER)
    await threat.clear(timedelta(0))
    assert await threat.is_there()  # the second verdict can be appealed
    await threat.clear()
    assert await threat.left() == []


async def test_a_reversed_removal_is_never_cleared(threat: Threat) -> None:
    author = await threat.court.viewer("author")
    async with threat.database.write() as tx:
        appeal = await lodge_appeal(tx, author.account, threat.verdict.id)
    await threat.decide("other_moderator", await threat.court.case(appeal.case_id), "keep")
    await threat.clear()
    assert await threat.is_there()


async def test_a_verdict_that_is_not_settled_keeps_the_post_and_one_that_was_undone_does_not(court: Court) -> None:
    view = await court.village.write("author", _WORDS)
    await court.report("reporter", view, clauses=("violence",))
    [case] = await court.queue()
    moderator, other = await court.viewer("moderator"), await court.viewer("other_moderator")
    removal = Decision(action="remove", clause="violence")
    await court.claim("moderator", case)
    async with court.database.write() as tx:
        await undo_verdict(tx, moderator, (await decide_case(tx, moderator, case.id, removal)).id)
    verdict = await court.decide("moderator", case, "remove")
    async with court.database.write() as tx:
        appeal = await lodge_appeal(tx, court.village.people["author"], verdict.id)
    await court.claim("other_moderator", await court.case(appeal.case_id))
    async with court.database.write() as tx:
        await decide_case(tx, other, appeal.case_id, removal)

    async def is_there() -> bool:
        with clock.stopped_at(clock.now() + _WHEN_OVER):
            await clear_removed(court.database)
        async with court.database.read() as conn:
            return bool(await conn.fetchval("SELECT EXISTS (SELECT FROM posts WHERE id = $1)", view.post.id))

    assert await is_there()  # nobody was told of the second verdict
    await court.let_half_a_minute_pass()
    assert not await is_there()


async def test_a_hold_on_the_account_keeps_its_posts_and_one_on_another_account_does_not(threat: Threat) -> None:
    await threat.court.report("reporter")
    about = next(case for case in await threat.court.queue() if case.subject == "account")
    placed = await hold(threat.court, about)
    await threat.clear()
    assert await threat.is_there()
    async with threat.database.write() as tx:
        await end_hold(tx, await threat.court.viewer("moderator"), placed.id, "A mistake.")
    await threat.court.report("author", account="reader")
    other = next(case for case in await threat.court.queue() if case.account_id == threat.village.people["reader"].id)
    await hold(threat.court, other)
    async with threat.database.write() as tx:
        await tx.execute("UPDATE cases SET state = 'decided', closed_at = opened_at WHERE id = $1", about.id)
    await threat.clear()
    assert not await threat.is_there()


async def test_evidence_is_cleared_when_its_verdict_can_no_longer_be_appealed(court: Court) -> None:
    view = await court.village.write("author", _WORDS)
    await court.report("reporter", view, clauses=("violence",))
    await court.decide("moderator", (await court.queue())[0], "keep")
    open_view = await court.village.write("author", "Taky ne")
    await court.report("reporter", open_view, clauses=("violence",))

    async def kept(later: timedelta) -> int:
        with clock.stopped_at(clock.now() + later):
            await clear_evidence(court.database)
        async with court.database.read() as conn:
            return int(await conn.fetchval("SELECT count(DISTINCT case_id) FROM evidence"))

    assert await kept(OPEN_FOR - timedelta(minutes=1)) == 2
    assert await kept(OPEN_FOR + timedelta(minutes=1)) == 1  # nobody has decided about the other


@pytest.mark.parametrize("way", ["released", "expired"])
async def test_a_hold_keeps_the_post_until_it_is_released_or_expires(threat: Threat, way: str) -> None:
    placed = await hold(threat.court, threat.case)
    await threat.clear()
    assert await threat.is_there()
    assert "evidence" in await threat.left()
    if way == "released":
        async with threat.database.write() as tx:
            await end_hold(tx, await threat.court.viewer("moderator"), placed.id, "The trial is over.")
        await threat.clear()
    else:
        await threat.clear(timedelta(days=301))
    assert await threat.left() == []
    async with threat.database.read() as conn:
        [ended] = await list_holds(conn, with_ended=True)
    assert ended.state is (HoldState.RELEASED if way == "released" else HoldState.EXPIRED)
    holds = [kind for kind in await threat.court.journal(threat.case) if kind.startswith("hold")]
    assert holds == ["hold.placed", "hold.ended"]


async def test_what_is_held_outlives_the_account_with_its_pictures(threat: Threat) -> None:
    placed = await hold(threat.court, threat.case)
    async with threat.database.write() as tx:
        await begin_departure(tx, threat.village.people["author"].id, wait=timedelta(0))
    await threat.village.work()
    await clear_abandoned(threat.database, media_store(threat.village.settings))
    assert not await threat.is_there()
    left = await threat.left()
    assert {"evidence", "media", ".png"} <= set(left)
    assert not {"posts", "statements", "signals", "post_edits"} & set(left)
    page = await (await threat.village.by_browser("other_moderator")).get("/moderate/holds")
    assert "The police has asked for it." in page.text
    async with threat.database.write() as tx:
        await end_hold(tx, await threat.court.viewer("other_moderator"), placed.id, "The trial is over.")
    await threat.clear(timedelta(0))
    assert await threat.left() == []


async def test_a_post_that_its_author_deletes_is_kept_by_a_hold_even_without_a_report(court: Court) -> None:
    view = await court.village.write("author", _WORDS)
    await court.report("reporter", view, clauses=("violence",))
    [case] = await court.queue()
    await court.decide("moderator", case, "keep")
    placed = await hold(court, case)
    async with court.database.write() as tx:
        await delete_post(tx, court.village.people["author"], view.post.id)
    await court.village.work()

    async def kept() -> int:
        with clock.stopped_at(clock.now() + _WHEN_OVER):
            await clear_evidence(court.database)
        async with court.database.read() as conn:
            return int(await conn.fetchval("SELECT count(*) FROM evidence WHERE case_id = $1", case.id))

    assert await kept() == 1
    async with court.database.write() as tx:
        await end_hold(tx, await court.viewer("moderator"), placed.id, "A mistake.")
    assert await kept() == 0


async def test_what_an_authority_had_removed_is_kept_for_six_months(court: Court, desk: Desk) -> None:
    contact = await desk.register("authority", name="Policie", senders=("policie.example",))
    view = await court.village.write("author", _WORDS)
    await desk.receive(view, contact=contact, reference="1")
    [case] = await court.queue()
    await court.decide("moderator", case, "remove")
    async with court.database.read() as conn:
        [placed] = await list_holds(conn)
    assert (placed.ground, placed.case_id) == (Ground.REMOVAL_ORDER, case.id)
    assert placed.until - placed.placed_at > timedelta(days=183, hours=23)
    async with court.database.write() as tx:
        await begin_departure(tx, court.village.people["author"].id, wait=timedelta(0))
    await court.village.work()
    async with court.database.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM evidence") == 1


async def test_clearing_twice_at_once_clears_once(threat: Threat) -> None:
    with clock.stopped_at(clock.now() + _WHEN_OVER):
        await asyncio.gather(clear_removed(threat.database), clear_removed(threat.database))
    assert (await threat.court.journal(threat.case)).count("post.cleared") == 1


def test_the_time_to_appeal_is_six_months_whichever_these_are() -> None:
    assert timedelta(days=184) <= OPEN_FOR  # July to December
