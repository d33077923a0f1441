"""The training: ten questions whose answer is known, one at a time, each explained at once.

The answers are kept: they are what is known about a juror's reliability before the first case. A training that was not passed can
be repeated with other questions, after a day, and later after a week.
"""

import msgspec

from folkmoot.base import clock
from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.base.errors import Conflict, FieldError, Invalid, TooMany
from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.jurors import queries
from folkmoot.moderation.jurors.actions import get_active, step
from folkmoot.moderation.jurors.gold_file import Question, Wording
from folkmoot.moderation.jurors.model import Asked, Finding, Juror, State, Training
from folkmoot.moderation.jurors.policy import require_good_standing
from folkmoot.moderation.jurors.questions import draw_questions, fitting_questions, likely_clauses
from folkmoot.moderation.verdicts.queries import find_last_breach
from folkmoot.network.sessions.model import Viewer


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A question as a juror sees it. `likely`: keys of the rules that are shown at once, the others unfold."""

    asked: Asked
    question: Question
    wording: Wording
    likely: list[str]


async def begin_training(tx: WriteTx, viewer: Viewer) -> Training:
    """Begins a training: draws its questions. An unfinished one goes on.

    Applicants in good standing. Raises NotFound, NotInGoodStanding, TooFewQuestions; TooMany soon after one that was not passed;
    Conflict for a juror.
    """
    now = clock.now()
    juror = await get_active(tx, viewer.id)
    if juror.state not in (State.APPLIED, State.TRAINING):
        raise Conflict("You have passed the training already.")
    require_good_standing(viewer, await find_last_breach(tx, viewer.id), now)
    training = await queries.get_training(tx, viewer.id, juror.attempts)
    if training.current and await _is_complete(tx, training):
        return training
    if training.current:  # a file without some of its questions was published: begun again, without counting as another try
        await queries.delete_attempt(tx, viewer.id, juror.attempts)
        return await _start(tx, juror, juror.attempts)
    if juror.next_try_at and now < juror.next_try_at:
        raise TooMany("Please read the rules once more, and try again later.", retry_after=(juror.next_try_at - now).total_seconds())
    training = await _start(tx, juror, juror.attempts + 1)
    if juror.state is State.APPLIED:
        await step(tx, juror, State.TRAINING, attempts=juror.attempts + 1)
    else:
        await queries.update_juror(tx, msgspec.structs.replace(juror, attempts=juror.attempts + 1))
    return training


async def answer_question(tx: WriteTx, viewer: Viewer, attempt: int, position: int, finding: Finding) -> Asked:
    """Answers the present question of a training. After the last one the applicant is a juror, or waits for another try.

    Applicants. Raises NotFound; Conflict for another question than the present one; Invalid for an unknown rule.
    """
    juror = await get_active(tx, viewer.id)
    training = await queries.get_training(tx, viewer.id, juror.attempts)
    asked = training.current
    question = (await fitting_questions(tx)).get(asked.question) if asked else None
    if juror.state is not State.TRAINING or asked is None or question is None or (asked.attempt, asked.position) != (attempt, position):
        raise Conflict("This question has been answered already.")
    if finding.clause and not current().find(finding.clause):
        raise Invalid(FieldError("clause", "inclusion", "There is no such rule."))
    is_right = question.is_right(finding.clause)
    now = clock.now()
    await queries.update_answer(tx, viewer.id, asked, finding, is_right=is_right, at=now)
    done = msgspec.structs.replace(asked, answer=finding.clause, sureness=finding.sureness, is_right=is_right, answered_at=now)
    training = Training(tuple(done if one is asked else one for one in training.asked))
    if training.is_passed:
        await step(tx, juror, State.JUROR, passed_at=now, failed_at=None)
    elif training.current is None:
        await queries.update_juror(tx, msgspec.structs.replace(juror, failed_at=now))
    return done


async def show_question(conn: ReadConn, viewer: Viewer, asked: Asked) -> Shown | None:
    """A question with its words; None if the operator has removed it meanwhile."""
    question = (await fitting_questions(conn)).get(asked.question)
    wording = question.wordings.get(asked.language) if question else None
    if question is None or wording is None:
        return None
    likely = likely_clauses(question.near, question.key, current(), viewer.id)
    return Shown(asked=asked, question=question, wording=wording, likely=likely)


async def _start(tx: WriteTx, juror: Juror, attempt: int) -> Training:
    """Draws and stores the questions of an attempt."""
    seen = await queries.list_seen(tx, juror.account_id)
    drawn = draw_questions((await fitting_questions(tx)).values(), juror.choices, seen, clock.draw)
    training = Training(tuple(
        Asked(attempt=attempt, position=position, question=question.key, language=language, expected=question.breaks)
        for position, (question, language) in enumerate(drawn, start=1)
    ))
    await queries.insert_asked(tx, juror.account_id, training.asked)
    return training


async def _is_complete(conn: ReadConn, training: Training) -> bool:
    """Whether all questions that wait for an answer are still in the file."""
    questions = await fitting_questions(conn)
    waiting = [one for one in training.asked if not one.is_answered]
    return all(one.question in questions and one.language in questions[one.question].wordings for one in waiting)
