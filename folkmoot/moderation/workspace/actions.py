"""What a moderator does in the room beside deciding: takes the next case, reads it and the figures of the queue, sets preferences."""

from collections.abc import Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

from folkmoot.base import clock
from folkmoot.base.db import Database, ReadConn, WriteTx
from folkmoot.base.errors import Conflict, FieldError, Forbidden, Invalid
from folkmoot.config import Settings
from folkmoot.moderation.cases.actions import claim_case
from folkmoot.moderation.cases.model import LEASE, Case
from folkmoot.moderation.cases.policy import Concerned, require_moderator
from folkmoot.moderation.cases.queries import get_case, is_concerned, list_assigned, list_queue
from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.evidence.actions import note_private_reading
from folkmoot.moderation.evidence.queries import is_private
from folkmoot.moderation.verdicts.model import Decider
from folkmoot.moderation.verdicts.queries import list_verdicts_of_cases
from folkmoot.moderation.workspace import queries
from folkmoot.moderation.workspace.case_view import CaseView, load_case_view
from folkmoot.moderation.workspace.model import MOST_PER_DAY, Pace, Preferences, pace_of
from folkmoot.moderation.workspace.statistics import Figures, Unit, complete, starts
from folkmoot.network.sessions.model import Viewer

AHEAD = timedelta(minutes=1)  # how long a case that is only fetched in advance is kept from others
_TRIED = 10  # cases that others could have taken first
_ROUNDS = 10  # how often the queue is read again, when others have taken all of these


async def read_pace(conn: ReadConn, moderator: Viewer, settings: Settings) -> Pace:
    """What a moderator has done today, in the time zone of the network."""
    now = clock.now()
    midnight = now.astimezone(ZoneInfo(settings.network.time_zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    preferences = await queries.get_preferences(conn, moderator.id)
    done = await queries.list_done_since(conn, moderator.id, midnight)
    return pace_of(done, preferences.limit(settings.moderation.cases_per_day), now)


async def read_case(database: Database, moderator: Viewer, case_id: int) -> CaseView:
    """Everything about a case, for a moderator who is not concerned by it, or has decided it.

    Writes case.read to the journal for what not everybody may read. Raises NotFound, Concerned; WritesPaused where a reading cannot be
    recorded.
    """
    require_moderator(moderator)
    async with database.read() as conn:
        case = await get_case(conn, case_id)
        own = (await list_verdicts_of_cases(conn, [case.id])).get(case.id)
        if await is_concerned(conn, moderator.id, case_id) and (own is None or own.decider != Decider.person(moderator.id)):
            raise Concerned
    await note_private_reading(database, moderator.id, case)
    async with database.read() as conn:
        return await load_case_view(conn, case, moderator.id)


async def read_figures(conn: ReadConn, unit: Unit) -> list[Figures]:
    """The figures of the queue for the newest periods, oldest first."""
    periods = starts(unit, clock.now().date())
    return complete(await queries.list_figures(conn, unit, periods[0]), periods)


async def take_next(
    database: Database, moderator: Viewer, turn: int, without: Sequence[int] = (), *, is_ahead: bool = False
) -> Case | None:
    """Claims the case whose turn it is; None if there is none. `turn`: how many cases the moderator has decided today.

    `is_ahead`: its page is fetched before it is needed, so it is kept from others for a minute only; None then also for a case that not
    everybody may read, because each reading of one is recorded, and this one may never be read.
    """
    for _ in range(_ROUNDS):
        offered = await _offered(database, moderator, turn, without)
        first, rest = offered[:1], offered[1:]
        start = clock.draw(len(rest)) if rest else 0  # those who meet at the first case do not meet at each further one
        for case in [*first, *rest[start:], *rest[:start]]:
            if is_ahead:
                async with database.read() as conn:
                    if await is_private(conn, case.id):
                        return None
            try:
                async with database.write() as tx:
                    return await claim_case(tx, moderator, case.id, AHEAD if is_ahead else LEASE)
            except (Conflict, Forbidden):
                continue  # another moderator was faster
        if not offered:
            break
    return None


async def _offered(database: Database, moderator: Viewer, turn: int, without: Sequence[int]) -> list[Case]:
    async with database.read() as conn:
        found = await list_assigned(conn, moderator.id, clock.now())
        found += await list_queue(conn, clock.now(), _TRIED + len(without), moderator.id, turn)
    return [case for case in found if case.id not in without]


async def set_preferences(tx: WriteTx, moderator: Viewer, preferences: Preferences) -> None:
    """Stores which topics a moderator leaves to others, and a daily limit. Moderators. Raises Invalid."""
    require_moderator(moderator)
    errors = []
    if set(preferences.avoided) - {clause.key for clause in current().clauses}:
        errors.append(FieldError("avoided", "inclusion", "There is no such rule."))
    if preferences.daily_limit is not None and not 1 <= preferences.daily_limit <= MOST_PER_DAY:
        errors.append(FieldError("daily_limit", "inclusion", "That is not a possible number of cases per day."))
    if errors:
        raise Invalid(*errors)
    await queries.upsert_preferences(tx, moderator.id, preferences)
