"""The jurors who can be called, and a draw among them.

`Pool` reads them once for many cases, and counts what its draws take. Who knows somebody in a case is asked in the order of the draw and
only as far as seats need it, so that a draw among a thousand jurors costs a statement or two.
"""

from collections import Counter
from collections.abc import Awaitable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Protocol

import msgspec

from folkmoot.base.db import ReadConn
from folkmoot.moderation.journal.queries import get_end
from folkmoot.moderation.juries import queries
from folkmoot.moderation.juries.model import MOST_INVITATIONS, MOST_SAMPLED, Docket, SampledPost, Seat, SeatState
from folkmoot.moderation.jury import drawing
from folkmoot.moderation.jury.model import MOST_ITEMS_A_DAY, Camp, Candidate, Drawing, Question
from folkmoot.moderation.jury.positions import Positions

_ASKED_AT_ONCE = 24


class _Tied(Protocol):
    """Which of these accounts know somebody in a question."""

    def __call__(self, *, account_ids: list[int]) -> Awaitable[set[int]]: ...


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """`position`: of the journal's entry that was the seed. `is_busy`: seats stay empty because jurors have enough to do today; later
    they can be filled."""

    seats: Mapping[int, Camp]
    missing: int
    position: int
    is_busy: bool = False


class Pool:
    def __init__(self, able: Sequence[queries.Able], halves: str) -> None:
        """`halves`: the key of the random halves, which are the camps of jurors without a position."""
        self._able = {one.account_id: one for one in able}
        positions = Positions({one.account_id: one.place for one in able if one.place is not None})
        self._camps = {account_id: positions.camp(account_id, halves) for account_id in self._able}
        self._taken = dict.fromkeys(self._able, 0)
        self._taken_for_sample: Counter[int] = Counter()

    @classmethod
    async def read(cls, conn: ReadConn, halves: str, now: datetime) -> "Pool":
        return cls(await queries.list_able(conn, now), halves)

    @property
    def size(self) -> int:
        return len(self._able)

    async def draw(self, conn: ReadConn, docket: Docket, seats: Sequence[Seat], count: int, now: datetime) -> Drawn:
        """Draws `count` jurors for a case. `seats`: all that it has had; of these, the answered and the outstanding ones count."""
        standing = {one.account_id: one.camp for one in seats if one.is_outstanding or one.state is SeatState.ANSWERED}
        question = Question(
            case_id=docket.case_id, party_ids=frozenset({docket.account_id}), seated=standing, language=docket.language,
            barred_ids=frozenset(one.account_id for one in seats) - standing.keys(), topic=docket.clause,
        )
        end = await get_end(conn)
        seed = f"{end.position} {end.hash.hex()}"
        tied = partial(queries.list_tied, conn, docket.case_id, now=now)
        drawn = await self._draw(self._candidates(has_pictures=docket.has_pictures), question, count, seed, tied)
        if drawn.missing:
            among_all = await self._draw(
                self._candidates(has_pictures=docket.has_pictures, busy_too=True), question, count, seed, tied
            )
            return Drawn(seats=drawn.drawn, missing=drawn.missing, position=end.position, is_busy=not among_all.missing)
        return Drawn(seats=drawn.drawn, missing=0, position=end.position)

    async def draw_for_sample(self, conn: ReadConn, post: SampledPost, seated: Mapping[int, bool], count: int, now: datetime) -> list[int]:
        """Draws up to `count` jurors for a post of the daily sample, none of whom has more than MOST_SAMPLED of such a day. `seated`:
        whoever was asked, and whether that still counts. Fewer than `count` if there are no more."""
        question = Question(
            case_id=post.item_id, party_ids=frozenset({post.account_id}), language=post.language, topic=post.suspected,
            seated={id_: self._camps[id_] for id_, counts in seated.items() if counts and id_ in self._camps},
            barred_ids=frozenset(seated),
        )
        end = await get_end(conn)
        candidates = [
            one for one in self._candidates(has_pictures=post.has_pictures)
            if self._able[one.account_id].sampled + self._taken_for_sample[one.account_id] < MOST_SAMPLED
        ]
        tied = partial(queries.list_tied_to_post, conn, post.post_id, now=now)
        found = list((await self._draw(candidates, question, count, f"{end.position} {end.hash.hex()}", tied)).drawn)
        self.take(found)
        self._taken_for_sample.update(found)
        return found

    def take(self, account_ids: Sequence[int]) -> None:
        """Counts seats that these jurors were given."""
        for account_id in account_ids:
            self._taken[account_id] += 1

    async def _draw(self, candidates: Sequence[Candidate], question: Question, count: int, seed: str, list_tied: _Tied) -> Drawing:
        order = drawing.ranked(candidates, question, seed)
        untied: list[Candidate] = []
        for start in range(0, len(order), _ASKED_AT_ONCE):
            block = order[start:start + _ASKED_AT_ONCE]
            tied = await list_tied(account_ids=[one.account_id for one in block])
            untied += [one for one in block if one.account_id not in tied]
            if all(sum(one.camp is camp for one in untied) >= count for camp in Camp):
                break
        return drawing.draw(untied, question, count, seed)

    def _candidates(self, *, has_pictures: bool, busy_too: bool = False) -> list[Candidate]:
        """The jurors who judge such items; with `busy_too` also those who have enough to do today."""
        return [
            Candidate(
                account_id=one.account_id, camp=self._camps[one.account_id], languages=one.languages, declined_topics=one.avoided,
            )
            for one in self._able.values()
            if not (has_pictures and one.without_pictures) and (busy_too or not self._is_busy(one))
        ]

    def _is_busy(self, one: queries.Able) -> bool:
        taken = self._taken[one.account_id]
        return one.items + taken >= MOST_ITEMS_A_DAY or one.invitations + taken >= MOST_INVITATIONS
