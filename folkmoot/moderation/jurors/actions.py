"""Becoming a juror, choosing what to judge, pausing and leaving. `training.py` has the training, `exclusion.py` what operators do.

No action writes an event, a log line or an entry of the journal that names a juror.
"""

from datetime import datetime

import msgspec

from folkmoot.base import clock
from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.base.errors import Conflict, FieldError, Forbidden, Invalid, NotFound, TooMany
from folkmoot.base.languages import KNOWN
from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.jurors import queries
from folkmoot.moderation.jurors.model import LIFECYCLE, MOST_APPLICATIONS, Choices, Juror, State
from folkmoot.moderation.jurors.policy import NotInGoodStanding, find_obstacle, require_good_standing
from folkmoot.moderation.jurors.questions import fitting_questions
from folkmoot.moderation.verdicts.queries import find_last_breach
from folkmoot.network.sessions.model import Viewer

_MOST_LANGUAGES = 20


async def read_obstacle(conn: ReadConn, viewer: Viewer) -> NotInGoodStanding | None:
    """Why the viewer cannot be a juror at present; None if they can."""
    return find_obstacle(viewer, await find_last_breach(conn, viewer.id), clock.now())


async def apply(tx: WriteTx, viewer: Viewer, choices: Choices) -> Juror:
    """Applies, for the first time or after having left. The next step is the training.

    Members in good standing. Raises NotInGoodStanding, Invalid, TooMany after three applications in 90 days, Conflict for a juror,
    Forbidden after an exclusion.
    """
    now = clock.now()
    await require_choices(tx, choices)
    require_good_standing(viewer, await find_last_breach(tx, viewer.id), now)
    new = Juror(account_id=viewer.id, state=LIFECYCLE.first, changed_at=now, choices=choices, counted_from=now)
    if await queries.insert_juror(tx, new):
        return new
    before = await get_locked(tx, viewer.id)
    if before.state is State.EXCLUDED:
        raise Forbidden("You have been excluded from the jury. The page of the jury says why.")
    if before.is_active:
        raise Conflict("You have applied already.")
    return await _apply_again(tx, before, choices, now)


async def _apply_again(tx: WriteTx, before: Juror, choices: Choices, now: datetime) -> Juror:
    """Trainings that were not passed still count: leaving does not shorten the wait for the next one."""
    is_over = now >= before.counted_until
    if before.applications >= MOST_APPLICATIONS and not is_over:
        raise TooMany(
            "You have applied several times in a short time. Please wait a few weeks.",
            retry_after=(before.counted_until - now).total_seconds(),
        )
    changes = {"applications": 1, "counted_from": now, "attempts": 0, "failed_at": None} if is_over else {
        "applications": before.applications + 1
    }
    return await step(tx, before, State.APPLIED, choices=choices, **changes)


async def choose(tx: WriteTx, viewer: Viewer, choices: Choices) -> Juror:
    """Changes languages, topics and opt-outs. Jurors, also before and during the training. Raises NotFound, Invalid."""
    await require_choices(tx, choices)
    juror = await get_active(tx, viewer.id)
    changed = msgspec.structs.replace(juror, choices=choices)
    await queries.update_juror(tx, changed)
    return changed


async def pause(tx: WriteTx, viewer: Viewer) -> Juror:
    """Pauses until the juror resumes: they are not called. Jurors. Raises NotFound, Conflict."""
    return await step(tx, await get_active(tx, viewer.id), State.PAUSED)


async def resume(tx: WriteTx, viewer: Viewer) -> Juror:
    """Ends a pause. Jurors. Raises NotFound; Conflict without a pause, and before the training is passed."""
    juror = await get_active(tx, viewer.id)
    if juror.state is not State.PAUSED:
        raise Conflict
    return await step(tx, juror, State.JUROR)


async def leave(tx: WriteTx, viewer: Viewer) -> None:
    """Leaves. Choices and answers of the training are forgotten; the counts of applications stay while they count.

    Whoever has applied. Raises NotFound.
    """
    juror = await get_active(tx, viewer.id)
    await queries.delete_answers(tx, viewer.id)
    await step(tx, juror, State.LEFT, choices=Choices(), passed_at=None)


async def step(tx: WriteTx, juror: Juror, state: State, **changes: object) -> Juror:
    """Stores a record in its next state. Raises Conflict for a step that the lifecycle does not know."""
    changed = msgspec.structs.replace(juror, state=LIFECYCLE.step(juror.state, state), changed_at=clock.now(), **changes)
    await queries.update_juror(tx, changed)
    return changed


async def get_locked(tx: WriteTx, account_id: int) -> Juror:
    """The record, locked. Raises NotFound."""
    juror = await queries.lock_juror(tx, account_id)
    if juror is None:
        raise NotFound
    return juror


async def get_active(tx: WriteTx, account_id: int) -> Juror:
    """The record, locked, of somebody who has neither left nor been excluded. Raises NotFound."""
    juror = await get_locked(tx, account_id)
    if not juror.is_active:
        raise NotFound
    return juror


async def require_choices(conn: ReadConn, choices: Choices) -> None:
    """Raises Invalid for choices with which nobody could be trained or called."""
    keys = {clause.key for clause in current().clauses}
    trained = {language for question in (await fitting_questions(conn)).values() for language in question.wordings}
    errors = []
    if set(choices.languages) - KNOWN or len(choices.languages) > _MOST_LANGUAGES:
        errors.append(FieldError("languages", "inclusion", "There is no such language."))
    elif not set(choices.languages) & trained:
        errors.append(FieldError("languages", "blank", "Choose at least one language in which there is a training."))
    if set(choices.avoided) - keys:
        errors.append(FieldError("avoided", "inclusion", "There is no such rule."))
    elif 2 * len(set(choices.avoided)) > len(keys):
        errors.append(FieldError("avoided", "inclusion", "Leave at most half of the topics to others; otherwise little is left to judge."))
    if errors:
        raise Invalid(*errors)
