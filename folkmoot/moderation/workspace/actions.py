"""What a moderator does in the room beside deciding: takes the next case, and sets preferences."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from folkmoot.base import clock
from folkmoot.base.db import Database, ReadConn, WriteTx
from folkmoot.base.errors import Conflict, FieldError, Forbidden, Invalid
from folkmoot.moderation.cases.actions import claim_case
from folkmoot.moderation.cases.model import LEASE, Case
from folkmoot.moderation.cases.policy import require_moderator
from folkmoot.moderation.cases.queries import list_assigned, list_queue
from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.evidence.queries import is_private
from folkmoot.moderation.workspace import queries
from folkmoot.moderation.workspace.model import MOST_PER_DAY, Pace, Preferences, pace_of
from folkmoot.network.sessions.model import Viewer

AHEAD = timedelta(minutes=1)  # how long a case that is only fetched in advance is kept from others
_TRIED = 10  # cases that others could have taken first


async def read_pace(conn: ReadConn, moderator: Viewer, midnight: datetime, of_network: int) -> Pace:
    """What a moderator has done since `midnight`. `of_network`: the daily limit in the settings."""
    preferences = await queries.get_preferences(conn, moderator.id)
    done = await queries.list_done_since(conn, moderator.id, midnight)
    return pace_of(done, preferences.limit(of_network), clock.now())


async def take_next(
    database: Database, moderator: Viewer, turn: int, without: Sequence[int] = (), *, is_ahead: bool = False
) -> Case | None:
    """Claims the case whose turn it is; None if there is none. `turn`: how many cases the moderator has decided today.

    `is_ahead`: its page is fetched before it is needed, so it is kept from others for a minute only; None then also for a case that not
    everybody may read, because each reading of one is recorded, and this one may never be read.
    """
    for case in await _offered(database, moderator, turn, without):
        if is_ahead:
            async with database.read() as conn:
                if await is_private(conn, case.id):
                    return None
        try:
            async with database.write() as tx:
                return await claim_case(tx, moderator, case.id, AHEAD if is_ahead else LEASE)
        except (Conflict, Forbidden):
            continue  # another moderator was faster
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
        errors.append(FieldError("daily_limit", "inclusion", "Please choose between 1 and %(limit)d cases.", {"limit": MOST_PER_DAY}))
    if errors:
        raise Invalid(*errors)
    await queries.upsert_preferences(tx, moderator.id, preferences)
