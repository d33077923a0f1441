"""Pages of decisions about many posts with the same words: the preview, and the answer of the second moderator."""

from folkmoot.base.errors import Conflict, Forbidden, NotFound
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.moderation.cases.queries import get_case, is_concerned
from folkmoot.moderation.evidence.actions import read_subject
from folkmoot.moderation.evidence.queries import list_evidence
from folkmoot.moderation.verdicts.alike import MOST_COUNTED, close_batch, list_alike_posts
from folkmoot.moderation.verdicts.model import BatchState
from folkmoot.moderation.verdicts.queries import count_alike, find_batch, get_verdict
from folkmoot.network.posts.versions import PostVersion
from folkmoot.web.moderate.masking import Masks
from folkmoot.web.request import Request


async def preview(request: Request) -> Reply:
    """The other posts with the same words as that of a case: their times, and letters instead of their authors."""
    async with request.database.read() as conn:
        case = await get_case(conn, request.id())
        if await is_concerned(conn, request.viewer.id, case.id):
            return await request.show("moderate/concerned.html", 403)
        version = (await read_subject(conn, case)).newest
        if not isinstance(version, PostVersion) or case.is_appeal:
            raise NotFound
        count = await count_alike(conn, version, case.subject_id, MOST_COUNTED)
        posts = await list_alike_posts(conn, version, case.subject_id)
    masks = Masks("")
    listed = [(masks.letter_of(post.author.acct), post) for post in posts]
    return await request.show("moderate/alike.html", case=case, text=masks.mask(version.text), listed=listed, count=count)


async def show(request: Request) -> Reply:
    return await _page(request)


async def answer(request: Request) -> Reply:
    try:
        async with request.database.write() as tx:
            await close_batch(tx, request.viewer, request.id(), is_approved=request.form.flag("agrees"))
    except (Conflict, Forbidden) as problem:
        return await _page(request, 409, refusal=request.sentence(problem.message))
    return request.redirect("/moderate")


async def _page(request: Request, status: int = 200, refusal: str = "") -> Reply:
    async with request.database.read() as conn:
        batch = await find_batch(conn, request.id())
        if batch is None:
            raise NotFound
        verdict = await get_verdict(conn, batch.verdict_id)
        case = await get_case(conn, verdict.case_id)
        if await is_concerned(conn, request.viewer.id, case.id) and batch.proposed_by_id != request.viewer.id:
            return await request.show("moderate/concerned.html", 403)
        decided = [one.version for one in await list_evidence(conn, case.id) if one.decided_at]
    texts = [version.text for version in decided if isinstance(version, PostVersion)]
    can_answer = batch.state is BatchState.PROPOSED and batch.proposed_by_id != request.viewer.id
    return await request.show(
        "moderate/batch.html", status, batch=batch, verdict=verdict, text=Masks("").mask(texts[-1]) if texts else "", can_answer=can_answer,
        refusal=refusal,
    )


ROUTES = [
    Route("GET", "/moderate/cases/{id}/alike", preview, Access.MODERATOR),
    Route("GET", "/moderate/batches/{id}", show, Access.MODERATOR),
    Route("POST", "/moderate/batches/{id}", answer, Access.MODERATOR),
]
