"""A test network with jurors who have seats in a case. Seats are given here as the draw would give them."""

import re
from datetime import datetime, timedelta

from folkmoot.base import clock
from folkmoot.moderation.cases.model import Case
from folkmoot.moderation.juries.model import Jury, Review, Seat, SeatState, Severity, State
from folkmoot.moderation.juries.queries import insert_jury, insert_seats
from folkmoot.moderation.jurors.model import Choices, Finding, Juror, Sureness
from folkmoot.moderation.jurors.model import State as JurorState
from folkmoot.moderation.jurors.queries import insert_juror, lock_turns, update_cases_to_gold, update_juror
from folkmoot.moderation.jury.model import Camp
from folkmoot.moderation.reviewing import actions
from folkmoot.moderation.reviewing.actions import Desk
from folkmoot.network.posts.model import PostView
from tests.moderation.court import Court
from tests.moderation.jury_box import JuryBox
from tests.village import Answer, Visitor
from tests.web.test_pages import form_token

NO_GOLD = 40


class ReviewTable:
    """Accounts beside those of the court: the jurors that `seat_jurors` makes."""

    def __init__(self, court: Court) -> None:
        self.court = court
        self.village = court.village
        self.database = court.database
        self.box = JuryBox(court.village)

    async def make_jurors(self, *names: str, cases_to_gold: int = NO_GOLD, **choices: object) -> None:
        """Jurors who were trained long ago."""
        await self.box.settle(*names, age=timedelta(days=60))
        now = clock.now()
        async with self.database.write() as tx:
            for name in names:
                record = Juror(
                    account_id=self.village.people[name].id, state=JurorState.JUROR, changed_at=now, counted_from=now, passed_at=now,
                    choices=Choices(**{"languages": ("en", "cs"), **choices}),  # type: ignore[arg-type]
                )
                await insert_juror(tx, record)
                await update_juror(tx, record)
                await lock_turns(tx, record.account_id)
                await update_cases_to_gold(tx, record.account_id, cases_to_gold)

    async def open_case(self, text: str = "We come to your house tonight.", **draft: object) -> tuple[PostView, Case]:
        """A reported post."""
        view = await self.village.write("author", text, **{"language": "en", **draft})
        await self.court.report("reporter", view, clauses=("violence",))
        return view, next(case for case in await self.court.queue() if case.subject_id == view.post.id)

    async def seat(self, case: Case, *names: str, number: int = 1, until: datetime | None = None) -> list[int]:
        """Offers seats. Returns their ids."""
        now = clock.now()
        seats = [
            Seat(
                id=clock.draw(1 << 62), case_id=case.id, number=number + place, account_id=self.village.people[name].id,
                camp=Camp(place % 2), state=SeatState.OFFERED, drawn_at=now, until=until or now + timedelta(hours=2),
            )
            for place, name in enumerate(names)
        ]
        async with self.database.write() as tx:
            await insert_jury(tx, Jury(case_id=case.id, state=State.SITTING, formed_at=now, wanted=len(names)))
            await insert_seats(tx, seats)
        return [seat.id for seat in seats]

    async def seated(self, name: str, text: str = "We come to your house tonight.", **draft: object) -> tuple[PostView, Case]:
        """A case in which a juror has a seat."""
        view, case = await self.open_case(text, **draft)
        await self.seat(case, name)
        return view, case

    async def desk(self, name: str) -> Desk:
        viewer = await self.box.viewer(name)
        async with self.database.read() as conn:
            return await actions.read_desk(conn, viewer)

    async def take(self, name: str, *, goes_on: bool = False) -> Desk:
        viewer = await self.box.viewer(name)
        async with self.database.write() as tx:
            await actions.take_next(tx, viewer, goes_on=goes_on)
        return await self.desk(name)

    async def answer(
        self, name: str, item_id: int, clause: str | None, seen_key: str, *, severity: Severity | None = None,
        sureness: Sureness = Sureness.QUITE,
    ) -> None:
        viewer = await self.box.viewer(name)
        async with self.database.write() as tx:
            await actions.answer_item(
                tx, viewer, item_id, Review(finding=Finding(clause=clause, sureness=sureness), seen_key=seen_key, severity=severity)
            )

    async def judge(self, name: str, clause: str | None, **said: object) -> int:
        """Takes the next item and answers it."""
        item = (await self.take(name, goes_on=True)).item
        assert item
        await self.answer(name, item.id, clause, item.seen_key, **said)  # type: ignore[arg-type]
        return item.id

    async def due_gold(self, name: str, cases: int = 0) -> None:
        """The next item of this juror is a gold question, or one after so many cases."""
        async with self.database.write() as tx:
            await update_cases_to_gold(tx, self.village.people[name].id, cases)

    async def gold_answers(self, name: str) -> list[dict[str, object]]:
        async with self.database.read() as conn:
            return [dict(row) for row in await conn.fetch(
                "SELECT * FROM gold_answers WHERE account_id = $1 AND attempt = 0 ORDER BY position", self.village.people[name].id
            )]


def hidden(page: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, name
    return found[1]


async def send_answer(visitor: Visitor, page: str, to: str = "/jury/review/answer", **form: object) -> Answer:
    """Sends the form of an item."""
    return await visitor.post(to, {"form_token": form_token(page), "item": hidden(page, "item"), "seen": hidden(page, "seen"), **form})
