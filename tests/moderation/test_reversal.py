"""Whatever restrictions come and go, afterwards everything is exactly as if they had not been."""

import asyncio
import itertools
import json
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from folkmoot.base import clock
from folkmoot.base.errors import Conflict, Forbidden, Invalid
from folkmoot.moderation.appeals.actions import lodge_appeal
from folkmoot.moderation.cases.actions import open_case
from folkmoot.moderation.cases.model import Case, Subject
from folkmoot.moderation.cases.policy import Concerned
from folkmoot.moderation.cases.queries import lock_case
from folkmoot.moderation.clauses.published import clause_of
from folkmoot.moderation.restrictions.actions import impose_restriction, lift_restriction, restore_restriction
from folkmoot.moderation.restrictions.jobs import lift_expired
from folkmoot.moderation.restrictions.model import Kind, Restriction
from folkmoot.moderation.restrictions.queries import list_of_case
from folkmoot.moderation.verdicts.actions import decide_case, undo_verdict
from folkmoot.moderation.verdicts.model import Action, Decision, Verdict
from folkmoot.moderation.verdicts.queries import get_verdict, lock_verdict
from folkmoot.moderation.verdicts.reversal import reverse_verdict
from folkmoot.network.folding import fold_counters
from folkmoot.network.posts.actions import bookmark_post, boost_post, favourite_post, pin_post, vote_in_poll
from folkmoot.network.posts.model import PollDraft, PostView, Visibility
from tests import series
from tests.dump import dump
from tests.invariants import list_broken
from tests.moderation.court import Court, somebody_waits
from tests.web.test_pages import form_token

# Records of what happened; everything else must be equal.
_RECORDS = {
    "appeals", "case_notes", "case_seats", "cases", "counter_deltas", "escalation_calls", "events", "evidence", "evidence_media",
    "job_runs", "jobs", "journal", "journal_lanes", "proposals", "report_cases", "reports",
    "restrictions", "signals", "statement_mails", "statements", "verdicts",
}
# They only grow, so that a page is rendered again; what evidence keeps; times of sessions.
_GROWING = ("version", "held_until", "outlives_account", "last_seen_at", "seen_at", "used_at", "updated_at", "run_at", "last_used_at")


async def _state(court: Court) -> dict[str, list[str]]:
    """The content of all tables except records of moderation and of the queue."""
    await court.village.work()
    await fold_counters(court.database)
    state = {}
    for table, rows in (await dump(court.database)).items():
        kept = [json.loads(row) for row in rows]
        if table == "notifications":
            kept = [row for row in kept if row["reference_id"] is None]
        if table not in _RECORDS:
            state[table] = sorted(json.dumps({name: value for name, value in row.items() if name not in _GROWING}) for row in kept)
    return state


async def _seen(court: Court) -> list[str]:
    """What three people read at several addresses, in the order in which they read it."""
    author = court.village.people["author"].id
    found = []
    for name in ("author", "reader", "reporter"):
        app = await court.village.by_app(name)
        for address in ("timelines/home", "timelines/public", f"accounts/{author}/statuses", f"accounts/{author}/followers",
                        "notifications", "favourites", "bookmarks"):
            answer = (await app.get(f"/api/v1/{address}")).json
            found.append(f"{name} {address} {[one['id'] for one in answer if one.get('type') != 'moderation_warning']}")
    return found


async def _world(court: Court) -> list[PostView]:
    """Posts of an author with everything that can hang on them."""
    village = court.village
    await village.follow("reader", "author")
    await village.follow("author", "reporter")
    posts = [
        await village.write("author", "První sedmikráska #louka"),
        await village.write("author", "Kudy?", poll=PollDraft(titles=("tudy", "tamtudy"), expires_in=86400 * 30)),
        await village.write("author", "@reader jen pro tebe", visibility=Visibility.DIRECT),
        await village.write("author", "Pro ty, kdo mě čtou", visibility=Visibility.FOLLOWERS),
    ]
    reply = await village.write("reader", "Odpověď", reply_to_id=posts[0].post.id)
    people = village.people
    poll = posts[1].post.poll
    assert poll
    async with court.database.write() as tx:
        for name in ("reader", "reporter"):
            await favourite_post(tx, people[name], posts[0].post.id)
            await bookmark_post(tx, people[name], posts[0].post.id)
            await boost_post(tx, people[name], posts[0].post.id)
        await favourite_post(tx, people["author"], reply.post.id)
        await boost_post(tx, people["author"], reply.post.id)
        await pin_post(tx, people["author"], posts[0].post.id)
        await vote_in_poll(tx, people["reader"], poll.id, [1])
    for name in ("author", "reader", "reporter"):
        await (await village.by_app(name)).get("/api/v1/timelines/home")
    await village.work()
    return posts


async def _case(court: Court, subject: Subject, subject_id: int) -> Case:
    async with court.database.write() as tx:
        return await open_case(tx, subject, subject_id, court.village.people["author"].id, clause_of("violence"))


class _Dice:
    """Imposes, lifts, restores and lets expire at random, and ends everything in a random order."""

    def __init__(self, court: Court, cases: list[Case], dice: random.Random) -> None:
        self.court, self.cases, self.dice = court, cases, dice
        self.now = clock.now()

    async def all(self, *, in_force: bool) -> list[Restriction]:
        async with self.court.database.read() as conn:
            found = [one for case in self.cases for one in await list_of_case(conn, case.id)]
        return [one for one in found if (one.lifted_at is None) == in_force]

    async def impose(self) -> None:
        case = self.dice.choice(self.cases)
        kind = self.dice.choice([kind for kind in Kind if case.subject is Subject.POST or kind.subject is Subject.ACCOUNT])
        until = self.now + timedelta(days=self.dice.randint(1, 9)) if self.dice.random() < 0.4 else None
        async with self.court.database.write() as tx:
            await impose_restriction(tx, case, kind, clause_of("violence"), until=until)

    async def lift(self) -> None:
        if found := await self.all(in_force=True):
            async with self.court.database.write() as tx:
                await lift_restriction(tx, self.dice.choice(found))

    async def restore(self) -> None:
        if found := await self.all(in_force=False):
            async with self.court.database.write() as tx:
                await restore_restriction(tx, self.dice.choice(found))

    async def wait(self) -> None:
        self.now += timedelta(days=self.dice.randint(1, 4))
        with clock.stopped_at(self.now):
            await lift_expired(self.court.database)

    async def end(self) -> None:
        while await self.all(in_force=True):
            await self.lift()


async def test_any_sequence_of_restrictions_that_end_leaves_nothing(court: Court) -> None:
    dice = series.dice("restrictions that end")
    posts = await _world(court)
    cases = [await _case(court, Subject.POST, view.post.id) for view in posts]
    cases.append(await _case(court, Subject.ACCOUNT, court.village.people["author"].id))
    before, seen = await _state(court), await _seen(court)
    before = await _state(court)  # reading has marked what was read
    for _ in range(series.length(2, 60)):
        steps = _Dice(court, cases, dice)
        for _ in range(series.length(20, 40)):
            step: Callable[[], Awaitable[None]] = dice.choices([steps.impose, steps.lift, steps.restore, steps.wait], [5, 3, 1, 1])[0]
            await step()
        await steps.end()
        after = await _state(court)
        for table in before:
            assert after[table] == before[table], table
    assert await _seen(court) == seen
    async with court.database.read() as conn:
        assert not await list_broken(conn)


async def _undo(court: Court, verdict: Verdict, name: str) -> None:
    moderator = await court.viewer(name)
    async with court.database.write() as tx:
        await undo_verdict(tx, moderator, verdict.id)


async def _appeal(court: Court, verdict: Verdict, name: str) -> None:
    await court.let_half_a_minute_pass()
    author = await court.viewer("author")
    async with court.database.write() as tx:
        appeal = await lodge_appeal(tx, author.account, verdict.id)
    await court.decide("other_moderator", await court.case(appeal.case_id), "keep")


async def _reverse(court: Court, verdict: Verdict, name: str) -> None:
    await court.let_half_a_minute_pass()
    moderator = await court.viewer(name)
    async with court.database.write() as tx:
        await reverse_verdict(tx, moderator, verdict.id, "It was a quotation.")
    await court.let_half_a_minute_pass()


_WAYS = {"undone": _undo, "appealed": _appeal, "reversed": _reverse}
_ACTIONS = [action for action in Action if action is not Action.KEEP]


@pytest.mark.parametrize("way", _WAYS)
async def test_every_decision_is_reversed_exactly(court: Court, way: str) -> None:
    [post, *_] = await _world(court)
    before, seen = await _state(court), await _seen(court)
    before = await _state(court)
    also: list[tuple[str, ...]] = [(), ("warn",), ("limit",), ("freeze",)]
    decisions = list(itertools.product(_ACTIONS, also))
    for action, measures in series.length(series.dice(f"reversal {way}").sample(decisions, 4), decisions):
        case = await _case(court, Subject.POST, post.post.id)
        await court.claim("moderator", case)
        moderator = await court.viewer("moderator")
        async with court.database.write() as tx:
            verdict = await decide_case(tx, moderator, case.id, Decision(action=action, also=measures, clause="violence", days=3))
        assert await _state(court) != before or action is Action.WARN, action
        await _WAYS[way](court, verdict, "moderator")
        after = await _state(court)
        for table in before:
            assert after[table] == before[table], (table, action, measures)
        async with court.database.read() as conn:
            assert not (await get_verdict(conn, verdict.id)).is_strike(clock.now())
    assert await _seen(court) == seen


async def test_a_reversal_tells_the_author_and_the_reporter_and_ends_the_strike(court: Court) -> None:
    post = await court.village.write("author", "Cituji: zabiju tě.")
    report = await court.report("reporter", post, clauses=("violence",))
    [case] = await court.queue()
    verdict = await court.decide("moderator", case, "remove", also=("freeze",))
    told = await court.told("author")
    await _reverse(court, verdict, "moderator")
    assert await court.sees("reader", post)
    assert [kind for kind, _ in (await court.told("author"))[len(told):]] == ["lifted", "lifted"]
    assert await court.told("reporter") == [("report", report.id)]  # replaces the earlier one
    page = await (await court.village.by_browser("author")).get(f"/statements/{told[0][1]}")
    assert "We were wrong." in page.text
    answer = await (await court.village.by_browser("reporter")).get(f"/reports/{report.id}")
    assert answer.status == 200
    async with court.database.read() as conn:
        first = await get_verdict(conn, verdict.id)
    assert first.overturned_by_id
    assert not first.is_strike(clock.now())


async def test_a_reversal_that_is_undone_leaves_the_decision_and_no_case(court: Court) -> None:
    post = await court.village.write("author", "Zabiju tě.")
    await court.report("reporter", post, clauses=("violence",))
    [case] = await court.queue()
    verdict = await court.decide("moderator", case, "remove")
    other = await court.viewer("other_moderator")
    async with court.database.write() as tx:
        second = await reverse_verdict(tx, other, verdict.id, "It was a quotation.")
    assert await court.sees("reader", post)
    await _undo(court, second, "other_moderator")
    await court.let_half_a_minute_pass()
    assert not await court.sees("reader", post)
    assert not await court.queue()
    async with court.database.write() as tx:  # and can be reversed again
        await reverse_verdict(tx, other, verdict.id, "It was a quotation after all.")
    assert await court.sees("reader", post)


async def test_an_appeal_that_meets_a_reversal_finds_nothing_to_appeal_against(court: Court) -> None:
    await court.report("reporter", await court.village.write("author", "Počkáme na něj"), clauses=("violence",))
    verdict = await court.decide("moderator", (await court.queue())[0], "remove")
    moderator = await court.viewer("moderator")

    async def appeal() -> None:
        async with court.database.write() as tx:
            await lodge_appeal(tx, court.village.people["author"], verdict.id)

    async with court.database.write() as tx:
        await reverse_verdict(tx, moderator, verdict.id, "It was a quotation.")
        appealing = asyncio.create_task(appeal())
        while not appealing.done() and not await somebody_waits(court.database):
            await asyncio.sleep(0.01)
    with pytest.raises(Forbidden):
        await appealing
    assert await court.queue() == []


async def test_a_reversal_and_a_step_that_has_locked_the_decision_do_not_deadlock(court: Court) -> None:
    """Settling and undoing lock the verdict, then its case."""
    await court.report("reporter", await court.village.write("author", "Počkáme na něj"), clauses=("violence",))
    verdict = await court.decide("moderator", (await court.queue())[0], "remove")

    async with court.database.write() as tx:
        await lock_verdict(tx, verdict.id)
        reversing = asyncio.create_task(_reverse(court, verdict, "moderator"))
        while not reversing.done() and not await somebody_waits(court.database):
            await asyncio.sleep(0.01)
        await lock_case(tx, verdict.case_id)
    await reversing


async def test_who_may_reverse_what(court: Court) -> None:
    await court.village.follow("other_moderator", "author")
    post = await court.village.write("author", "Zabiju tě.")
    await court.report("reporter", post, clauses=("violence",))
    [case] = await court.queue()
    await court.claim("moderator", case)
    first, friend = await court.viewer("moderator"), await court.viewer("other_moderator")
    async with court.database.write() as tx:
        verdict = await decide_case(tx, first, case.id, Decision(action="hide", clause="violence"))
    for who, reason, problem in ((first, "Still young.", Conflict), (first, " ", Invalid), (friend, "He is nice.", Concerned)):
        with pytest.raises(problem):
            async with court.database.write() as tx:
                await reverse_verdict(tx, who, verdict.id, reason)
    await court.let_half_a_minute_pass()
    author = await court.viewer("author")
    async with court.database.write() as tx:
        await lodge_appeal(tx, author.account, verdict.id)
    with pytest.raises(Conflict):
        async with court.database.write() as tx:
            await reverse_verdict(tx, first, verdict.id, "It was a quotation.")


async def test_the_page_and_the_api_reverse_a_decision(court: Court) -> None:
    posts = [await court.village.write("author", f"Zabiju tě {number}.") for number in range(2)]
    for post in posts:
        await court.report("reporter", post, clauses=("violence",))
    cases = await court.queue()
    for case in cases:
        await court.decide("moderator", case, "remove")
    browser = await court.village.by_browser("other_moderator")
    page = (await browser.get(f"/moderate/cases/{cases[0].id}/more")).text
    assert "Reverse the decision" in page
    form = {"form_token": form_token(page), "what": ""}
    assert (await browser.post(f"/moderate/cases/{cases[0].id}/reverse", form)).status == 422
    assert (await browser.post(f"/moderate/cases/{cases[0].id}/reverse", {**form, "what": "A quotation."})).status == 303
    app = await court.village.by_app("other_moderator", scopes="admin:write")
    address = f"/api/folkmoot/v1/moderation/cases/{cases[1].id}/reverse"
    assert (await app.post(address, {"reason": "A quotation."})).status == 200
    assert (await app.post(address, {"reason": "A quotation."})).status == 409
    for post in posts:
        assert await court.sees("reader", post)
