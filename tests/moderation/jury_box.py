"""A test network with members who can become jurors."""

from datetime import timedelta

from folkmoot.base import clock
from folkmoot.moderation.jurors import actions, training
from folkmoot.moderation.jurors.model import Asked, Choices, Finding, Juror, State, Training
from folkmoot.moderation.jurors.queries import find_juror, get_training
from folkmoot.moderation.jurors.questions import fitting_questions
from folkmoot.network.accounts.queries import get_account
from folkmoot.network.sessions.model import Role, Viewer
from folkmoot.network.sessions.queries import get_login
from tests.village import Village

CHOICES = Choices(languages=("en",))
OLD_ENOUGH = timedelta(days=20)


class JuryBox:
    """Its methods call the same actions as the pages and the client API."""

    def __init__(self, village: Village) -> None:
        self.village = village
        self.database = village.database

    async def settle(self, *names: str, age: timedelta = OLD_ENOUGH, role: Role = Role.MEMBER) -> None:
        """Members whose accounts have this age."""
        await self.village.settle(*names, role=role)
        async with self.database.write() as tx:
            ids = [self.village.people[name].id for name in names]
            await tx.execute("UPDATE accounts SET created_at = $2 WHERE id = ANY ($1::bigint[])", ids, clock.now() - age)

    async def viewer(self, name: str) -> Viewer:
        async with self.database.read() as conn:
            account = await get_account(conn, self.village.people[name].id)
            return Viewer(account=account, login=await get_login(conn, account.id))

    async def record(self, name: str) -> Juror | None:
        async with self.database.read() as conn:
            return await find_juror(conn, self.village.people[name].id)

    async def apply(self, name: str, choices: Choices = CHOICES) -> Juror:
        viewer = await self.viewer(name)
        async with self.database.write() as tx:
            return await actions.apply(tx, viewer, choices)

    async def begin(self, name: str) -> Training:
        viewer = await self.viewer(name)
        async with self.database.write() as tx:
            return await training.begin_training(tx, viewer)

    async def answer(self, name: str, asked: Asked, clause: str | None) -> Asked:
        viewer = await self.viewer(name)
        async with self.database.write() as tx:
            return await training.answer_question(tx, viewer, asked.attempt, asked.position, Finding(clause=clause))

    async def train(self, name: str, *, misses: int = 0) -> Training:
        """Begins a training and answers all questions, the first of them wrong."""
        begun = await self.begin(name)
        async with self.database.read() as conn:
            questions = await fitting_questions(conn)
        for asked in begun.asked:
            may_be_wrong = (None,) if asked.position % 2 else ("spam", "law", "")
            wrong = next(clause for clause in may_be_wrong if not questions[asked.question].is_right(clause))  # some have two right answers
            await self.answer(name, asked, wrong if asked.position <= misses else asked.expected)
        async with self.database.read() as conn:
            return await get_training(conn, self.village.people[name].id, begun.asked[0].attempt)

    async def become(self, name: str) -> None:
        await self.apply(name)
        await self.train(name)
        record = await self.record(name)
        assert record
        assert record.state is State.JUROR
