"""Fits the camps and the weights of jurors from follows, answers and questions of known truth.

The fit runs in a thread, on what one statement each has read. Its result is a version, which stands in the journal beside the answers
that are counted with it.
"""

import asyncio
import itertools
from collections.abc import Sequence
from typing import NamedTuple

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.moderation.juries import queries
from folkmoot.moderation.jury.model import Camp, Reliability, Tried, Vote
from folkmoot.moderation.jury.positions import Positions

MOST_FOLLOWS = 1_000_000  # from which the camps are fitted
_PLACES = 3  # decimals of a position: less does not move an account, and is not written


class Fitted(NamedTuple):
    """A fit, with the cases and the camps of the jurors that it was made from."""

    reliability: Reliability
    cases: dict[int, Tried]
    camps: dict[int, Camp]


async def fit_camps(database: Database) -> int:
    """Places accounts on the axis of the camps; returns how many. Camps keep their names from one fit to the next."""
    async with database.read() as conn:
        follows = await queries.list_follows(conn, MOST_FOLLOWS)
        answered = await queries.list_answered(conn)
        before = await queries.list_places(conn)
    places = await asyncio.to_thread(_fit_places, follows, answered, before)
    async with database.write() as tx:
        await queries.replace_places(tx, places)
    return len(places)


async def fit_weights(database: Database, halves: str) -> int | None:
    """Fits the weights of all jurors; returns the number of the new version, or None if there is nothing new."""
    async with database.read() as conn:
        answered, gold = await queries.list_answered(conn), await queries.list_gold(conn)
        places = await queries.list_places(conn)
        newest = await queries.find_fit(conn)
        before = await queries.list_weights(conn, sorted({one.vote.juror_id for one in answered} | {one.account_id for one in gold}))
    if not answered and not gold:
        return None
    fitted = (await asyncio.to_thread(fit_reliability, answered, gold, Positions(places), halves)).reliability
    if newest and (newest.base, newest.newcomer, before) == (fitted.base, fitted.newcomer, dict(fitted.weights)):
        return None
    async with database.write() as tx:
        return await queries.insert_fit(tx, fitted, len(answered) + len(gold), clock.now())


def _fit_places(
    follows: Sequence[tuple[int, int]], answered: Sequence[queries.Answered], before: dict[int, float]
) -> dict[int, float]:
    from folkmoot.moderation.jury import camps

    authors = {one.vote.case_id: one.author_id for one in answered}
    fitted = camps.fit(follows, [one.vote for one in answered], authors, Positions(before))
    return {account_id: round(place, _PLACES) for account_id, place in fitted.of.items()}


def fit_reliability(
    answered: Sequence[queries.Answered], gold: Sequence[queries.Gold], positions: Positions, halves: str
) -> Fitted:
    from folkmoot.moderation.jury import fitting

    numbers = {question: -number for number, question in enumerate(sorted({one.question for one in gold}), 1)}  # no ids of cases
    votes = [one.vote for one in answered] + [Vote(numbers[one.question], one.account_id, one.answer) for one in gold]
    cases = {one.vote.case_id: Tried(side=positions.side(one.author_id)) for one in answered}
    cases |= {numbers[one.question]: Tried(truth=one.truth) for one in gold}
    jurors = set(itertools.chain((one.vote.juror_id for one in answered), (one.account_id for one in gold)))
    seats: dict[int, Camp] = {juror_id: positions.camp(juror_id, halves) for juror_id in jurors}
    return Fitted(fitting.fit(votes, cases, seats), cases, seats)
