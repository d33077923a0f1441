"""The jury through the client API: the same actions as the pages under `/jury`.

Not part of the Mastodon API. The scope `jury` stands alone, so that an app with `read` does not learn who is a juror. Rules are given
by their number.
"""

from typing import Annotated, Any

from folkmoot.api import jury_shapes as shapes
from folkmoot.api.endpoints import endpoint
from folkmoot.api.network_shapes import Nothing
from folkmoot.api.parameters import Parameters, about
from folkmoot.api.request import Request
from folkmoot.api.words import moment
from folkmoot.base.db import ReadConn
from folkmoot.base.errors import FieldError, Invalid
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.moderation.clauses.published import clause_of, current
from folkmoot.moderation.jurors import actions, training
from folkmoot.moderation.jurors.model import QUESTIONS, Asked, Choices, Finding, Sureness, Training
from folkmoot.moderation.jurors.queries import find_juror, get_training, get_turns


class JuryChoices(Parameters, frozen=True, kw_only=True):
    """Replaces all of them."""

    languages: Annotated[tuple[str, ...], about("ISO 639; at least one with a training.")] = ()
    avoided: Annotated[tuple[str, ...], about("The rules whose cases others judge; at most half of them.")] = ()
    without_pictures: Annotated[bool, about("Cases with pictures go to others.")] = False


class NewTrainingAnswer(Parameters, frozen=True, kw_only=True):
    attempt: int
    position: int
    rule: Annotated[str, about("A rule, `0` for none, empty for “I can't say”.")] = ""
    sureness: Annotated[int | None, about("A little, quite, entirely.", minimum=1, maximum=3)] = None


async def show(request: Request) -> Reply:
    """Your own record of the jury. Nobody else can read it."""
    async with request.database.read() as conn:
        return request.json(await _record(conn, request))


async def apply(request: Request, params: JuryChoices) -> Reply:
    """Applies for the jury. The next step is the training."""
    async with request.database.write() as tx:
        await actions.apply(tx, request.viewer, _choices(params))
        return request.json(await _record(tx, request))


async def choose(request: Request, params: JuryChoices) -> Reply:
    """Changes languages, topics and opt-outs."""
    async with request.database.write() as tx:
        await actions.choose(tx, request.viewer, _choices(params))
        return request.json(await _record(tx, request))


async def pause(request: Request) -> Reply:
    """Pauses, until you resume."""
    async with request.database.write() as tx:
        await actions.pause(tx, request.viewer)
        return request.json(await _record(tx, request))


async def resume(request: Request) -> Reply:
    """Ends a pause."""
    async with request.database.write() as tx:
        await actions.resume(tx, request.viewer)
        return request.json(await _record(tx, request))


async def leave(request: Request) -> Reply:
    """Leaves the jury. Choices and answers are forgotten."""
    async with request.database.write() as tx:
        await actions.leave(tx, request.viewer)
    return request.json(Nothing())


async def begin(request: Request) -> Reply:
    """Begins a training, or goes on with an unfinished one."""
    async with request.database.write() as tx:
        return request.json(await _training(tx, request, await training.begin_training(tx, request.viewer)))


async def show_training(request: Request) -> Reply:
    """The present training."""
    async with request.database.read() as conn:
        return request.json(await _training(conn, request, await _present(conn, request)))


async def answer(request: Request, params: NewTrainingAnswer) -> Reply:
    """Answers the present question. The explanation is in the last of `answered`."""
    finding = finding_of(params.rule, params.sureness)
    async with request.database.write() as tx:
        await training.answer_question(tx, request.viewer, params.attempt, params.position, finding)
        return request.json(await _training(tx, request, await _present(tx, request)))


def finding_of(rule: str, sureness: int | None) -> Finding:
    """Raises Invalid."""
    clause = current().numbered(int(rule)) if rule.isdecimal() and len(rule) < 3 else None
    if rule not in ("", "0") and clause is None:
        raise Invalid(FieldError("rule", "inclusion", "There is no such rule."))
    if sureness is not None and sureness not in list(Sureness):
        raise Invalid(FieldError("sureness", "inclusion", "There is no such choice."))
    return Finding(
        clause=clause.key if clause else None if rule == "" else "", sureness=Sureness(sureness) if sureness is not None else None
    )


async def _present(conn: ReadConn, request: Request) -> Training:
    juror = await find_juror(conn, request.viewer.id)
    return await get_training(conn, request.viewer.id, juror.attempts) if juror else Training(())


async def _record(conn: ReadConn, request: Request) -> shapes.JuryRecord:
    juror = await find_juror(conn, request.viewer.id)
    obstacle = await actions.read_obstacle(conn, request.viewer)
    translator = request.entities.translator(request.viewer.login.language)
    known = juror if juror and juror.state != "left" else None
    choices = known.choices if known else Choices()
    state: Any = known.state.value if known else "none"
    return shapes.JuryRecord(
        state=state, since=moment(known.changed_at) if known else None, languages=list(choices.languages),
        avoided=[number_of(key) for key in choices.avoided], without_pictures=choices.without_pictures,
        obstacle=translator.sentence(obstacle.message, dict(obstacle.params)) if obstacle else "", reason=known.reason if known else "",
        next_training_at=moment(known.next_try_at) if known and known.next_try_at else None,
        mails=(await get_turns(conn, request.viewer.id)).wants_mails,
    )


async def _training(conn: ReadConn, request: Request, found: Training) -> shapes.JuryTraining:
    answered = [one for asked in found.asked if asked.is_answered and (one := await training.show_question(conn, request.viewer, asked))]
    present = await training.show_question(conn, request.viewer, found.current) if found.current else None
    return shapes.JuryTraining(
        length=len(found.asked) or QUESTIONS, right=found.right, is_passed=bool(found.asked) and found.is_passed,
        question=shapes.TrainingQuestion(
            attempt=present.asked.attempt, position=present.asked.position, text=present.wording.text, context=present.wording.context,
            language=present.asked.language, likely=[number_of(key) for key in present.likely],
        ) if present else None,
        answered=[_answered(one.asked, one) for one in answered],
    )


def _answered(asked: Asked, shown: training.Shown) -> shapes.TrainingAnswer:
    return shapes.TrainingAnswer(
        position=asked.position, text=shown.wording.text, language=asked.language,
        answer=None if asked.answer is None else number_of(asked.answer), expected=number_of(asked.expected), is_right=bool(asked.is_right),
        why=shown.wording.why,
    )


def _choices(params: JuryChoices) -> Choices:
    clauses = {str(clause.number): clause.key for clause in current().clauses}
    return Choices(
        languages=tuple(dict.fromkeys(params.languages)), avoided=tuple(clauses.get(number, number) for number in params.avoided),
        without_pictures=params.without_pictures,
    )


def number_of(key: str) -> str:
    """The number of a rule; `0` for none."""
    return str(clause_of(key).number) if key else "0"


_ACCESS = (Access.MEMBER, "jury")
_BASE = "/api/folkmoot/v1/jury"
ROUTES = [
    endpoint("GET", _BASE, show, *_ACCESS, answer=shapes.JuryRecord),
    endpoint("POST", _BASE, apply, *_ACCESS, params=JuryChoices, answer=shapes.JuryRecord, may_conflict=True),
    endpoint("PUT", _BASE, choose, *_ACCESS, params=JuryChoices, answer=shapes.JuryRecord),
    endpoint("DELETE", _BASE, leave, *_ACCESS, answer=Nothing),
    endpoint("POST", f"{_BASE}/pause", pause, *_ACCESS, answer=shapes.JuryRecord, may_conflict=True),
    endpoint("POST", f"{_BASE}/resume", resume, *_ACCESS, answer=shapes.JuryRecord, may_conflict=True),
    endpoint("GET", f"{_BASE}/training", show_training, *_ACCESS, answer=shapes.JuryTraining),
    endpoint("POST", f"{_BASE}/training", begin, *_ACCESS, answer=shapes.JuryTraining, may_conflict=True),
    endpoint("POST", f"{_BASE}/training/answers", answer, *_ACCESS, params=NewTrainingAnswer, answer=shapes.JuryTraining,
             may_conflict=True),
]
