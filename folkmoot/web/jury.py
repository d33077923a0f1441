"""The member's own page of the jury: applying, the training, choices, pausing and leaving. Only the member sees it."""

from collections.abc import Mapping

from folkmoot.base.errors import Conflict, NotFound, TooMany
from folkmoot.base.languages import NAMES
from folkmoot.http.params import Params
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.juries.actions.sitting import are_juries_sitting
from folkmoot.moderation.jurors import actions, training
from folkmoot.moderation.jurors.model import MOST_MISSES, QUESTIONS, Choices, Finding, Juror, State, Sureness, Training
from folkmoot.moderation.jurors.queries import find_juror, get_training, get_turns
from folkmoot.moderation.jurors.questions import TooFewQuestions, fitting_questions
from folkmoot.moderation.reviewing.actions import read_desk
from folkmoot.web.request import KEEPING_FORM, Request


async def show(request: Request) -> Reply:
    return await _page(request)


async def apply(request: Request) -> Reply:
    choices = _choices(request.form)
    try:
        request.require_allowance("languages")
        async with request.database.write() as tx:
            await actions.apply(tx, request.viewer, choices)
    except KEEPING_FORM as problem:
        return await _page(request, 422, choices=choices, errors=request.problems(problem, "languages"))
    except Conflict:  # applied in another tab
        return request.redirect("/jury")
    return request.redirect("/jury")


async def choose(request: Request) -> Reply:
    choices = _choices(request.form)
    try:
        request.require_allowance("languages")
        async with request.database.write() as tx:
            await actions.choose(tx, request.viewer, choices)
    except KEEPING_FORM as problem:
        return await _page(request, 422, choices=choices, errors=request.problems(problem, "languages"))
    return request.redirect("/jury?saved=1")


async def pause(request: Request) -> Reply:
    async with request.database.write() as tx:
        await actions.pause(tx, request.viewer)
    return request.redirect("/jury")


async def resume(request: Request) -> Reply:
    async with request.database.write() as tx:
        await actions.resume(tx, request.viewer)
    return request.redirect("/jury")


async def leave(request: Request) -> Reply:
    async with request.database.write() as tx:
        await actions.leave(tx, request.viewer)
    return request.redirect("/jury?left=1")


async def begin(request: Request) -> Reply:
    """Begins a training, or goes on with it."""
    try:
        async with request.database.write() as tx:
            await training.begin_training(tx, request.viewer)
    except TooFewQuestions as problem:
        return await _page(request, 409, refusal=request.sentence(problem.message))
    except TooMany:  # the page says from when on
        return request.redirect("/jury")
    return request.redirect("/jury/training")


async def ask(request: Request) -> Reply:
    """The present question; with `after`, the explanation of one that was answered."""
    return await _question(request, request.query.integer("after"))


async def answer(request: Request) -> Reply:
    """Answers a question. One that was answered already, in another tab or by going back, shows its explanation."""
    form = request.form
    attempt, position = form.integer("attempt") or 0, form.integer("position") or 0
    number = form.integer("clause")
    clause = current().numbered(number) if number else None
    if not form.flag("unsure") and number != 0 and clause is None:
        return await _question(request, None, 422, error=request.sentence("Choose a rule, or that it breaks none, or that you can’t say."))
    found = None if form.flag("unsure") else clause.key if clause else ""
    try:
        async with request.database.write() as tx:
            await training.answer_question(tx, request.viewer, attempt, position, Finding(clause=found, sureness=_sureness(form)))
    except Conflict:
        return request.redirect("/jury/training")
    return request.redirect(f"/jury/training?after={position}")


def _sureness(form: Params) -> Sureness | None:
    return next((one for one in Sureness if one == form.integer("sureness")), None)


def _choices(form: Params) -> Choices:
    languages = dict.fromkeys(filter(None, [*form.texts("languages"), form.text("another")]))
    return Choices(languages=tuple(languages), avoided=tuple(form.texts("avoided")), without_pictures=form.flag("without_pictures"))


async def _question(request: Request, after: int | None, status: int = 200, *, error: str = "") -> Reply:
    async with request.database.read() as conn:
        juror = await find_juror(conn, request.viewer.id)
        asked = await get_training(conn, request.viewer.id, juror.attempts) if juror else Training(())
        answered = next((one for one in asked.asked if one.is_answered and one.position == after), None)
        one = answered or asked.current
        shown = await training.show_question(conn, request.viewer, one) if one else None
    if shown is None and error:  # an answer without a question
        raise NotFound
    if shown is None:  # before and after a training; or its questions were replaced, and it must be begun again
        return request.redirect("/jury")
    return await request.show(
        "jury/explained.html" if answered else "jury/question.html", status, training=asked, shown=shown, policy=current(),
        errors={"clause": error} if error else {}, sureness=_sureness(request.form) or Sureness.QUITE,
    )


async def _page(
    request: Request, status: int = 200, *, choices: Choices | None = None, errors: Mapping[str, str] | None = None, refusal: str = ""
) -> Reply:
    async with request.database.read() as conn:
        juror = await find_juror(conn, request.viewer.id)
        obstacle = await actions.read_obstacle(conn, request.viewer)
        asked = await get_training(conn, request.viewer.id, juror.attempts) if juror else Training(())
        questions = await fitting_questions(conn)
        are_sitting = await are_juries_sitting(conn, request.context.settings.moderation)
        desk = await read_desk(conn, request.viewer) if juror and juror.state is State.JUROR else None
        turns = await get_turns(conn, request.viewer.id)
    trained = {code for question in questions.values() for code in question.wordings}
    return await request.show(
        "jury/show.html", status, juror=juror, obstacle=obstacle, training=asked, length=QUESTIONS, most_misses=MOST_MISSES,
        are_sitting=are_sitting, errors=errors or {}, refusal=refusal, choices=choices or _usual(request, juror, trained),
        trained=sorted(trained, key=lambda code: (code != request.language, code)), names=NAMES, policy=current(),
        desk=desk, wants_mails=turns.wants_mails,
    )


def _usual(request: Request, juror: Juror | None, trained: set[str]) -> Choices:
    """The choices of a juror; for others the language of the page, if there is a training in it."""
    if juror and juror.is_active:
        return juror.choices
    return Choices(languages=(request.language,) if request.language in trained else ())


ROUTES = [
    Route("GET", "/jury", show, Access.MEMBER),
    Route("POST", "/jury", apply, Access.MEMBER, keeps_form=True),
    Route("POST", "/jury/choices", choose, Access.MEMBER, keeps_form=True),
    Route("POST", "/jury/pause", pause, Access.MEMBER),
    Route("POST", "/jury/resume", resume, Access.MEMBER),
    Route("POST", "/jury/leave", leave, Access.MEMBER),
    Route("POST", "/jury/training", begin, Access.MEMBER),
    Route("GET", "/jury/training", ask, Access.MEMBER),
    Route("POST", "/jury/training/answer", answer, Access.MEMBER),
]
