"""The jurors who can be called, and a draw among them.

`Pool` reads them once for many cases, and counts what its draws take. Who knows somebody in a case is asked in the order of the draw and
only as far as seats need it, so that a draw among a thousand jurors costs a statement or two.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from folkmoot.base.db import ReadConn
from folkmoot.moderation.journal.queries import get_end
from folkmoot.moderation.juries import queries
from folkmoot.moderation.juries.model import MOST_INVITATIONS, Docket, Seat, SeatState
from folkmoot.moderation.jury import drawing
from folkmoot.moderation.jury.model import MOST_ITEMS_A_DAY, Camp, Candidate, Drawing, Question
from folkmoot.moderation.jury.positions import Positions

_ASKED_AT_ONCE = 24


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
        drawn = await self._draw(conn, self._candidates(docket), question, count, seed, now)
        if drawn.missing:
            among_all = await self._draw(conn, self._candidates(docket, busy_too=True), question, count, seed, now)
            return Drawn(seats=drawn.drawn, missing=drawn.missing, position=end.position, is_busy=not among_all.missing)
        return Drawn(seats=drawn.drawn, missing=0, position=end.position)

    def take(self, account_ids: Sequence[int]) -> None:
        """Counts seats that these jurors were given."""
        for account_id in account_ids:
            self._taken[account_id] += 1

    async def _draw(
        self, conn: ReadConn, candidates: Sequence[Candidate], question: Question, count: int, seed: str, now: datetime
    ) -> Drawing:
        order = drawing.ranked(candidates, question, seed)
        untied: list[Candidate] = []
        for start in range(0, len(order), _ASKED_AT_ONCE):
            block = order[start:start + _ASKED_AT_ONCE]
            tied = await queries.list_tied(conn, question.case_id, [one.account_id for one in block], now)
            untied += [one for one in block if one.account_id not in tied]
            if all(sum(one.camp is camp for one in untied) >= count for camp in Camp):
                break
        return drawing.draw(untied, question, count, seed)

    def _candidates(self, docket: Docket, *, busy_too: bool = False) -> list[Candidate]:
        """The jurors who judge such a case; with `busy_too` also those who have enough to do today."""
        return [
            Candidate(
                account_id=one.account_id, camp=self._camps[one.account_id], languages=one.languages, declined_topics=one.avoided,
            )
            for one in self._able.values()
            if not (docket.has_pictures and one.without_pictures) and (busy_too or not self._is_busy(one))
        ]

    def _is_busy(self, one: queries.Able) -> bool:
        taken = self._taken[one.account_id]
        return one.items + taken >= MOST_ITEMS_A_DAY or one.invitations + taken >= MOST_INVITATIONS
