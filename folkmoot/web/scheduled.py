"""Pages of scheduled posts: all of them, changing one, publishing it now, and deleting it. `writing.py` creates them."""

import msgspec

from folkmoot.base.errors import Invalid, NotFound, Problem
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.network.media.model import Upload
from folkmoot.network.media.queries import list_own_uploads
from folkmoot.network.posts.queries import list_post_views
from folkmoot.network.scheduled import actions, queries
from folkmoot.network.scheduled.model import Failure, ScheduledPost
from folkmoot.web.chosen_pictures import collect_pictures, list_existing, refused_descriptions, store_descriptions
from folkmoot.web.composer import Composer, change_of, draft_from
from folkmoot.web.due_times import DueTime, chosen_time, due_time_of, moment_of
from folkmoot.web.request import KEEPING_FORM, Request
from folkmoot.web.writing import forget_draft, page_of_post


async def index(request: Request) -> Reply:
    async with request.database.read() as conn:
        found = await queries.list_all_scheduled(conn, request.viewer.id)
    saved = next((one for one in found if one.id == request.query.id("saved")), None)
    return await request.show("scheduled/index.html", scheduled=found, saved=saved)


async def edit(request: Request) -> Reply:
    async with request.database.read() as conn:
        found = await queries.get_scheduled(conn, request.viewer.id, request.id())
    return await _edit_page(request, await _composer(request, found), found.failure)


async def change(request: Request) -> Reply:
    """Changes text, pictures and time together. With an error nothing is changed, and the form comes back as it was sent."""
    async with request.database.read() as conn:
        found = await queries.get_scheduled(conn, request.viewer.id, request.id())
    before = found.draft
    draft = draft_from(request.form, before.default_visibility if before.visibility is None else before.visibility)
    policy = before.quote_policy if draft.quote_policy is None else draft.quote_policy  # a form without this choice
    answered_id = before.reply_to_id if draft.reply_to_id else None
    draft = msgspec.structs.replace(draft, idempotency_key=None, reply_to_id=answered_id, quote_policy=policy)
    if draft.poll and before.poll:  # the form has no such choice
        draft = msgspec.structs.replace(draft, poll=msgspec.structs.replace(draft.poll, hides_totals=before.poll.hides_totals))
    zone = request.context.settings.network.time_zone
    due = chosen_time(request.form) or DueTime("", "")
    composer, uploads = change_of(msgspec.structs.replace(found, draft=draft), due, ()), list[Upload]()
    try:
        await collect_pictures(request, request.form, uploads)
        request.require_allowance("text")
        draft = msgspec.structs.replace(draft, media_ids=tuple(upload.id for upload in uploads))
        async with request.database.write() as tx:
            await store_descriptions(tx, request, uploads)
            await actions.change_scheduled(tx, request.account, found.id, draft, moment_of(due, zone), request.context.post_limits)
    except (*KEEPING_FORM, NotFound) as problem:
        return await _refused(request, composer, problem, uploads)
    forget_draft(request, composer)
    return request.redirect(f"/scheduled?saved={found.id}")


async def publish(request: Request) -> Reply:
    """Publishes one now. If that is not possible, its form says why."""
    try:
        async with request.database.write() as tx:
            found = await queries.lock_scheduled(tx, request.viewer.id, request.id())
            view = await actions.publish_scheduled(tx, request.account, found, request.context.post_limits, request.context.screener)
    except (Invalid, NotFound) as problem:
        async with request.database.read() as conn:
            found = await queries.get_scheduled(conn, request.viewer.id, request.id())
        composer = await _composer(request, found)
        return await _refused(request, composer, problem, list(composer.uploads))
    return request.redirect(page_of_post(view.post))


async def delete(request: Request) -> Reply:
    async with request.database.write() as tx:
        await actions.delete_scheduled(tx, request.account, request.id())
    return request.redirect("/scheduled?deleted=1")


async def _composer(request: Request, found: ScheduledPost) -> Composer:
    """The form of a scheduled post, with the pictures that still exist."""
    async with request.database.read() as conn:
        uploads = await list_own_uploads(conn, request.viewer.id, found.draft.media_ids)
    due = due_time_of(found.due_at, request.context.settings.network.time_zone)
    return change_of(found, due, [uploads[id_] for id_ in found.draft.media_ids if id_ in uploads])


async def _refused(request: Request, composer: Composer, problem: Problem, uploads: list[Upload]) -> Reply:
    errors = request.problems(problem, "text")
    if isinstance(problem, NotFound):
        request.refusal = None  # the answered post, not the page
        errors = {"text": request.sentence("What you are replying to is no longer there. You can publish this as a post of its own.")}
    kept = await list_existing(request, uploads)
    composer = msgspec.structs.replace(composer, errors=errors, uploads=kept, refused=refused_descriptions(problem))
    return await _edit_page(request, composer, None, 422)


async def _edit_page(request: Request, composer: Composer, failure: Failure | None, status: int = 200) -> Reply:
    """The form. Without the answered post, if that is gone, it becomes a post of its own with the same visibility."""
    draft = composer.draft
    if draft.reply_to_id:
        async with request.database.read() as conn:
            parents = await list_post_views(conn, [draft.reply_to_id], request.viewer.id)
        if parents:
            composer = msgspec.structs.replace(composer, parent=parents[0])
        else:
            composer = msgspec.structs.replace(composer, draft=msgspec.structs.replace(draft, reply_to_id=None))
    return await request.show("scheduled/edit.html", status, composer=composer, failure=failure)


ROUTES = [
    Route("GET", "/scheduled", index, Access.MEMBER),
    Route("GET", "/scheduled/{id}/edit", edit, Access.MEMBER),
    Route("POST", "/scheduled/{id}/edit", change, Access.MEMBER, most_bytes=None, keeps_form=True),
    Route("POST", "/scheduled/{id}/publish", publish, Access.MEMBER, limit="post"),
    Route("POST", "/scheduled/{id}/delete", delete, Access.MEMBER),
]
