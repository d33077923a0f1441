"""A month of moderation, made by the same actions as in production with the clock of that month, for tests of what is published."""

import random
from datetime import UTC, date, datetime, timedelta

from folkmoot.base import clock
from folkmoot.moderation.appeals.actions import lodge_appeal
from folkmoot.moderation.cases.model import Case, Subject
from folkmoot.moderation.detection.actions import raise_signal
from folkmoot.moderation.detection.model import ExaminedText, Finding
from folkmoot.moderation.restrictions.jobs import hide_overdue
from folkmoot.moderation.verdicts.actions import decide_case
from folkmoot.moderation.verdicts.model import Decision
from folkmoot.network.posts.model import PostView
from tests.moderation.court import Court
from tests.moderation.notices import Desk

MONTH = date(2026, 10, 1)
BEGIN = datetime(2026, 10, 1, tzinfo=UTC)


class SeededMonth:
    """Its methods happen at a moment of October 2026."""

    def __init__(self, court: Court, desk: Desk, dice: random.Random) -> None:
        self.court, self.desk, self.dice = court, desk, dice
        self._number = 0

    async def write(self, at: datetime) -> PostView:
        self._number += 1
        with clock.stopped_at(at):
            return await self.court.village.write("author", f"Počkáme na něj u tramvaje číslo {self._number}.")

    async def report(self, at: datetime, clause: str = "violence") -> Case:
        view = await self.write(at - timedelta(minutes=7))
        with clock.stopped_at(at):
            await self.court.report("reporter", view, clauses=(clause,))
            return next(case for case in await self.court.queue() if case.subject_id == view.post.id)

    async def detect(self, at: datetime, detector: str = "threats", *, hides: bool = True) -> Case:
        view = await self.write(at - timedelta(seconds=2))
        post = view.post
        text = ExaminedText(subject=Subject.POST, subject_id=post.id, account_id=post.author.id, language="cs", text=post.text)
        with clock.stopped_at(at):
            async with self.court.database.write() as tx:
                case = await raise_signal(tx, text, Finding(0.93, True, hides, ("počkáme",), detector, "1"))
        assert case
        return case

    async def decide(self, at: datetime, case: Case, action: str, clause: str = "violence", name: str = "moderator") -> int:
        """Decides and settles; returns the id of the verdict."""
        with clock.stopped_at(at):
            return (await self.court.decide(name, case, action, clause)).id

    async def decide_only(self, at: datetime, case: Case, action: str, clause: str) -> None:
        """The verdict is settled later, with others: that takes most of the time."""
        with clock.stopped_at(at):
            moderator = await self.court.viewer("moderator")
            await self.court.claim("moderator", case)
            async with self.court.database.write() as tx:
                await decide_case(tx, moderator, case.id, Decision(action=action, clause="" if action == "keep" else clause))

    async def appeal(self, at: datetime, verdict_id: int) -> Case:
        with clock.stopped_at(at):
            async with self.court.database.write() as tx:
                lodged = await lodge_appeal(tx, (await self.court.viewer("author")).account, verdict_id, "Byl to citát.")
            return await self.court.case(lodged.case_id)

    async def pass_deadline(self, case: Case, late: timedelta) -> None:
        """What the timed job does at the deadline, or later if the worker stood still."""
        with clock.stopped_at(case.due_at - timedelta(seconds=30) + late):
            await hide_overdue(self.court.database)

    async def fill(self, cases: int) -> None:
        """Everything that the figures count happens at least once, and so many further cases, with random fates."""
        removed = await self.decide(BEGIN + timedelta(hours=9), await self.report(BEGIN + timedelta(hours=8)), "remove")
        appeal = await self.appeal(BEGIN + timedelta(days=2), removed)
        await self.decide(BEGIN + timedelta(days=3), appeal, "keep", name="other_moderator")
        covered, late = await self.report(BEGIN + timedelta(days=4)), await self.report(BEGIN + timedelta(days=5))
        await self.pass_deadline(covered, timedelta(0))
        await self.decide(covered.due_at + timedelta(hours=3), covered, "remove")
        await self.pass_deadline(late, timedelta(hours=2))
        await self._notices()
        for number in range(cases):
            await self._happen(BEGIN + timedelta(days=10 + number * 19 / cases, hours=self.dice.uniform(0, 20)))
        await self.court.let_half_a_minute_pass()
        await self.decide(BEGIN + timedelta(days=31, hours=2), await self.report(BEGIN + timedelta(days=30, hours=22)), "remove")
        await self.report(BEGIN - timedelta(hours=2), "spam")  # before it, with a deadline in it

    async def _notices(self) -> None:
        provider = await self.desk.register()
        with clock.stopped_at(BEGIN + timedelta(days=6)):
            view = await self.court.village.write("author", "Zítra v poledne u něj doma.")
            await self.desk.receive(view, contact=provider, reference="1", clause="violence")
            await self.desk.receive("https://elsewhere.example/1", f"{self.desk.intake.base_url}/posts/1")
            case = next(case for case in await self.court.queue() if case.subject_id == view.post.id)
        await self.decide(BEGIN + timedelta(days=6, hours=5), case, "remove")

    async def _happen(self, at: datetime) -> None:
        clause = self.dice.choice(("violence", "violence", "harassment", "spam"))
        if self.dice.random() < 0.5:
            case = await self.report(at, clause)
        else:
            detector = self.dice.choice(("threats", "threats", "rule flood", "hash list"))
            case = await self.detect(at, detector, hides=self.dice.random() < 0.7)
        fate = self.dice.choice(("keep", "remove", "remove", "hide", "label", "undecided"))
        if fate != "undecided":
            await self.decide_only(at + timedelta(hours=self.dice.choice((0.2, 1, 5, 30, 90))), case, fate, clause)
