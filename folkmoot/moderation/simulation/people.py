"""The members of a simulated network: accounts, whom they follow, and jurors who have applied and passed the training.

Accounts and jurors are made by the actions of a network. Follows are inserted without their counts and notifications, which
nothing of a jury reads.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from folkmoot.base import clock, ids
from folkmoot.base.db import Database, WriteTx
from folkmoot.moderation.jurors import actions, training
from folkmoot.moderation.jurors.model import Asked, Choices, Finding, State
from folkmoot.moderation.jurors.questions import fitting_questions
from folkmoot.moderation.jury.model import Answer
from folkmoot.moderation.jury.synthetic import Juror, People
from folkmoot.moderation.simulation.answers import Answers
from folkmoot.network.accounts.actions import create_account
from folkmoot.network.accounts.model import Account
from folkmoot.network.accounts.queries import get_account
from folkmoot.network.relations.model import FollowOptions
from folkmoot.network.relations.queries import insert_follow
from folkmoot.network.sessions.model import Login, Role, Viewer
from folkmoot.network.sessions.queries import get_login, insert_login

LANGUAGE = "en"
REPORTERS = 60
_MEMBERS_FOR = timedelta(days=120)  # before the first case
_APART = timedelta(minutes=3)  # sign-ups: who signs up in the same minute counts as known to each other
_TRAINED_FOR = timedelta(days=50)  # before the first case
_MOST_TRIES = 6  # weeks, after which an applicant gives up
_PAIRS_AT_ONCE = 500
_NO_PASSWORD = "$argon2id$v=19$m=19456,t=2,p=1$c2ltdWxhdGlvbg$placeholder"  # matches none


class Cast(msgspec.Struct, frozen=True, kw_only=True):
    """Accounts by the id that they have in `People`. `jurors`: those who passed the training, by account."""

    authors: Mapping[int, Account]
    reporters: Sequence[Account]
    moderator: Viewer
    jurors: Mapping[int, Juror]
    viewers: Mapping[int, Viewer]


async def settle(database: Database, people: People, answers: Answers, begins: datetime, *, reporters: int = REPORTERS) -> Cast:
    """Creates everybody, as if they had come one after the other."""
    came = begins - _MEMBERS_FOR
    accounts: dict[int, Account] = {}
    members = [(one, f"juror_{one}", True) for one in people.jurors] + [(one, f"author_{one}", False) for one in people.authors]
    for number, (one, name, has_login) in enumerate(members):
        accounts[one] = await _settle(database, name, came + _APART * number, has_login=has_login)
    later = came + _APART * len(members)
    reporting = [await _settle(database, f"reporter_{number}", later + _APART * number) for number in range(reporters)]
    moderator = await _settle(database, "moderator", later + _APART * reporters, has_login=True, role=Role.MODERATOR)
    await _follow(database, [(accounts[one].id, accounts[other].id) for one, other in people.follows], begins - _TRAINED_FOR)
    viewers = {one: await _viewer(database, accounts[one].id) for one in people.jurors}
    passed = [
        one for one, juror in people.jurors.items() if await _train(database, viewers[one], juror, answers, begins - _TRAINED_FOR)
    ]
    return Cast(
        authors={one: accounts[one] for one in people.authors}, reporters=reporting, moderator=await _viewer(database, moderator.id),
        jurors={accounts[one].id: people.jurors[one] for one in passed}, viewers={accounts[one].id: viewers[one] for one in passed},
    )


async def _settle(
    database: Database, name: str, at: datetime, *, has_login: bool = False, role: Role = Role.MEMBER
) -> Account:
    with clock.stopped_at(at):
        async with database.write() as tx:
            account = await create_account(tx, name)
            if has_login:
                email = f"{name}@example.org"
                await insert_login(tx, Login(
                    account_id=account.id, email=email, password_hash=_NO_PASSWORD, role=role, language=LANGUAGE, confirmed_at=at,
                    approved_at=at, disabled_at=None, created_at=at,
                ), email, "", None)
    return account


async def _viewer(database: Database, account_id: int) -> Viewer:
    async with database.read() as conn:
        return Viewer(account=await get_account(conn, account_id), login=await get_login(conn, account_id))


async def _follow(database: Database, pairs: Sequence[tuple[int, int]], at: datetime) -> None:
    for start in range(0, len(pairs), _PAIRS_AT_ONCE):
        async with database.write() as tx:
            for one, other in pairs[start:start + _PAIRS_AT_ONCE]:
                await insert_follow(tx, one, other, ids.make_id(ids.shard_of(one), at), FollowOptions())


async def _train(database: Database, viewer: Viewer, juror: Juror, answers: Answers, at: datetime) -> bool:
    """Applies and trains, again each week if the training was not passed. False for who gives up."""
    with clock.stopped_at(at):
        async with database.write() as tx:
            await actions.apply(tx, viewer, Choices(languages=(LANGUAGE,)))
    for number in range(_MOST_TRIES):
        with clock.stopped_at(at + timedelta(days=8 * number)):
            async with database.write() as tx:
                if await _try(tx, viewer, juror, answers):
                    return True
    return False


async def _try(tx: WriteTx, viewer: Viewer, juror: Juror, answers: Answers) -> bool:
    """One training."""
    questions = await fitting_questions(tx)
    for asked in (await training.begin_training(tx, viewer)).asked:
        await training.answer_question(tx, viewer, asked.attempt, asked.position, Finding(clause=_clause(asked, juror, answers,
                                                                                                        questions[asked.question].topic)))
    record = await actions.get_active(tx, viewer.id)
    return record.state is State.JUROR


def _clause(asked: Asked, juror: Juror, answers: Answers, topic: str) -> str | None:
    truth = Answer.BREACH if asked.expected else Answer.HARMLESS
    answer = answers.training(juror, asked.question, truth)
    if answer is Answer.UNSURE:
        return None
    return (asked.expected or topic) if answer is Answer.BREACH else ""
