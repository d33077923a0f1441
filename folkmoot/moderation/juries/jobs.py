"""Jobs, timed jobs and subscribers of juries. `moderation/assembly.py` registers them."""


from datetime import timedelta

from folkmoot.base import clock, i18n
from folkmoot.base.db import Database
from folkmoot.base.queue.model import Job, Timed
from folkmoot.base.signing import Signer
from folkmoot.base.subscriptions import Subscriptions
from folkmoot.config import Settings
from folkmoot.moderation.appeals.model import OPEN_FOR
from folkmoot.moderation.cases.model import TURNS, CaseWithdrawn
from folkmoot.moderation.cases.queries import list_without_jury
from folkmoot.moderation.juries import queries
from folkmoot.moderation.juries.actions.advance import advance_jury, close_jury
from folkmoot.moderation.juries.actions.bench import Bench
from folkmoot.moderation.juries.actions.fit import fit_camps, fit_weights
from folkmoot.moderation.juries.actions.form import Formed, form_jury, pass_cases
from folkmoot.moderation.juries.actions.pool import Pool
from folkmoot.moderation.juries.actions.reviewing import ADVANCE
from folkmoot.moderation.juries.actions.rings import find_rings
from folkmoot.moderation.juries.actions.sitting import WHEN_ENOUGH
from folkmoot.moderation.juries.model import ENOUGH_JURORS, KEPT_AFTER, Advance, Reason
from folkmoot.moderation.verdicts.model import VerdictReached
from folkmoot.network.posts.events import PostEdited

_AT_ONCE = 200  # cases that are read, or passed on in one transaction
_MOST_WAITING = 20  # cases without free jurors, after which a run ends: the next ones would hardly find any
_FITS_KEPT = timedelta(days=365)



class Juries:
    """The background work of juries."""

    def __init__(self, settings: Settings) -> None:
        self._are_wanted = settings.moderation.juries == WHEN_ENOUGH
        self._bench = Bench(
            halves=Signer(settings.secret, "jury halves").sign("camps"), translators=i18n.load(settings.network.time_zone),
            language=settings.network.language,
        )

    @property
    def halves(self) -> str:
        """The key of the random halves."""
        return self._bench.halves

    def subscribe(self, heard: Subscriptions) -> None:
        heard.on(PostEdited, self.ask_again)
        heard.on(VerdictReached, close_decided)
        heard.on(CaseWithdrawn, close_withdrawn)

    def jobs(self) -> list[Job]:
        return [Job(ADVANCE, Advance, self.advance)]

    def timed_jobs(self) -> list[Timed]:
        return [
            Timed("juries.form", timedelta(seconds=5), self.form),
            Timed("juries.watch", timedelta(seconds=20), self.watch),
            Timed("juries.fit_weights", timedelta(hours=1), self.fit_weights),
            Timed("juries.fit_camps", timedelta(days=1), fit_camps),
            Timed("juries.find_rings", timedelta(days=1), self.find_rings),
            Timed("juries.forget", timedelta(hours=6), forget, is_cleaning=True),
        ]

    async def form(self, database: Database) -> int:
        """Forms juries for open cases, or leaves the cases to moderators; returns how many cases. A transaction for each jury, so
        that no case is locked for long. A language whose jurors have enough to do waits for the next run."""
        if not self._are_wanted:
            return 0
        now = clock.now()
        async with database.read() as conn:
            cases = await list_without_jury(conn, _AT_ONCE, clock.draw(len(TURNS)))
            pool = await Pool.read(conn, self._bench.halves, now) if cases else None
        if pool is None:
            return 0
        if pool.size < ENOUGH_JURORS:
            async with database.write() as tx:
                await pass_cases(tx, [case.id for case in cases], Reason.FEW_JURORS, now)
            return len(cases)
        done = waiting = 0
        for case in cases:
            async with database.write() as tx:
                formed = await form_jury(tx, pool, case.id, now)
            done += formed in (Formed.SITTING, Formed.PASSED)
            waiting += formed is Formed.WAITS
            if waiting >= _MOST_WAITING:
                break
        return done

    async def watch(self, database: Database) -> int:
        """Advances the juries that wait for nobody's answer, or for one that does not come; returns how many."""
        now = clock.now()
        async with database.read() as conn:
            case_ids = await queries.list_to_advance(conn, now, _AT_ONCE)
            pool = await Pool.read(conn, self._bench.halves, now) if case_ids else None
        for case_id in case_ids:
            async with database.write() as tx:
                await advance_jury(tx, self._bench, case_id, pool)
        return len(case_ids)

    async def advance(self, database: Database, order: Advance) -> None:
        async with database.write() as tx:
            await advance_jury(tx, self._bench, order.case_id)

    async def ask_again(self, database: Database, event: PostEdited) -> None:
        """The words of a post that a jury judges were changed."""
        async with database.read() as conn:
            case_ids = await queries.list_sitting_about(conn, event.post_id)
        for case_id in case_ids:
            await self.advance(database, Advance(case_id))

    async def fit_weights(self, database: Database) -> None:
        await fit_weights(database, self._bench.halves)

    async def find_rings(self, database: Database) -> int:
        return await find_rings(database, self._bench.halves)


async def close_decided(database: Database, event: VerdictReached) -> None:
    async with database.write() as tx:
        await close_jury(tx, event.case_id)


async def close_withdrawn(database: Database, event: CaseWithdrawn) -> None:
    async with database.write() as tx:
        await close_jury(tx, event.case_id)


async def forget(database: Database) -> None:
    """Deletes answers when nobody can appeal any more, and weights that nothing counts with."""
    now = clock.now()
    while True:
        async with database.write() as tx:
            if await queries.delete_seats(tx, now - OPEN_FOR - KEPT_AFTER, _AT_ONCE) < _AT_ONCE:
                break
    async with database.write() as tx:
        await queries.delete_unneeded_fits(tx, now - _FITS_KEPT, _AT_ONCE)
