"""Pages where posts are written: the composer, editing, deleting."""

from contextlib import suppress

import msgspec

from folkmoot.base.errors import NotFound, Problem
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.accounts.queries import find_account_by_handle
from folkmoot.network.media.model import Upload
from folkmoot.network.media.queries import get_own_upload
from folkmoot.network.posts import actions
from folkmoot.network.posts.model import Post, PostDraft, PostEffect, PostView, QuotePolicy, Visibility
from folkmoot.network.posts.policy import can_quote, require_can_quote
from folkmoot.network.posts.queries import get_post_view
from folkmoot.network.scheduled.actions import schedule_post
from folkmoot.network.scheduled.model import ScheduledPost
from folkmoot.web.chosen_pictures import collect_pictures, list_existing, refused_descriptions, store_descriptions
from folkmoot.web.composer import (
    Composer,
    Purpose,
    composer_of,
    default_audience,
    draft_from,
    edit_of,
    message_to,
    new_post,
    quote_of,
    reply_to,
)
from folkmoot.web.due_times import chosen_time, moment_of
from folkmoot.web.request import KEEPING_FORM, Request


async def new(request: Request) -> Reply:
    """The composer: empty, for a reply (`?reply_to=ID`), a quote (`?quote=ID`) or a message to somebody (`?to=NAME`)."""
    composer = new_post(default_audience(request))
    async with request.database.read() as conn:
        if answered := request.query.id("reply_to"):
            view = await get_post_view(conn, answered, request.viewer.id)
            if view.shown.visibility is Visibility.DIRECT:
                return request.redirect(f"/messages/{view.shown.conversation_id}#newest")
            composer = reply_to(view, request.account, default_audience(request))
        elif quoted := request.query.id("quote"):
            view = await get_post_view(conn, quoted, request.viewer.id)
            require_can_quote(request.account, view)
            composer = quote_of(view, default_audience(request))
        elif name := request.query.text("to"):
            account = await find_account_by_handle(conn, name, request.context.settings.domain)
            if account is None or account.effect >= AccountEffect.SUSPENDED:
                raise NotFound
            composer = message_to(account)
    return await request.show("posts/new.html", composer=composer)


async def create(request: Request) -> Reply:
    """Publishes or schedules a post. With errors the form comes back with all texts and uploads."""
    draft = draft_from(request.form, default_audience(request))
    if draft.quote_policy is None:  # a form without this choice
        draft = msgspec.structs.replace(draft, quote_policy=QuotePolicy(request.viewer.login.preferences.quote_policy))
    composer = await composer_of(request, draft)
    uploads: list[Upload] = []
    try:
        await collect_pictures(request, request.form, uploads)
        request.require_allowance("text")
        draft = msgspec.structs.replace(draft, text=composer.mentions(request.context.settings.domain) + draft.text,
                                         media_ids=tuple(upload.id for upload in uploads))
        made = await _store(request, draft, uploads)
    except (*KEEPING_FORM, NotFound) as problem:
        return await _refused(request, composer, problem, uploads)
    forget_draft(request, composer)
    if isinstance(made, ScheduledPost):
        return request.redirect(f"/scheduled?saved={made.id}")
    if composer.purpose == Purpose.POST and made.post.visibility < Visibility.DIRECT and made.post.effect < PostEffect.HIDDEN:
        return request.redirect("/")
    return request.redirect(page_of_post(made.post))


async def _store(request: Request, draft: PostDraft, uploads: list[Upload]) -> PostView | ScheduledPost:
    """Publishes a draft, or schedules it if the form names a time."""
    account, limits = request.account, request.context.post_limits
    due = chosen_time(request.form)
    due_at = moment_of(due, request.context.settings.network.time_zone) if due else None
    async with request.database.write() as tx:
        await store_descriptions(tx, request, uploads)
        if due_at:
            return await schedule_post(tx, account, draft, due_at, limits)
        return await actions.create_post(tx, account, draft, limits, screener=request.context.screener)


def page_of_post(post: Post) -> str:
    """Where its author goes after publishing a post."""
    if post.visibility is Visibility.DIRECT:
        return f"/messages/{post.conversation_id}#newest"
    if post.effect >= PostEffect.HIDDEN:  # held: the author learns at once why, and what happens next
        return f"/posts/{post.id}/statement"
    return f"/@{post.author.acct}/{post.id}"


async def _refused(request: Request, composer: Composer, problem: Problem, uploads: list[Upload]) -> Reply:
    """The form as it was sent, with its errors. A reply to a deleted post becomes a post with the same visibility, a message
    one without an answered post."""
    errors = request.problems(problem, "text")
    if isinstance(problem, NotFound):
        request.refusal = None  # the answered post, not the page
    parent, quoted = await _seen(request, composer.draft.reply_to_id), await _seen(request, composer.draft.quoted_id)
    if composer.draft.quoted_id and (quoted is None or not can_quote(request.account, quoted.shown, quoted.marks)):
        errors = {"text": request.sentence("What you want to quote is no longer there for you to quote. You can publish this without it.")}
        request.refusal, quoted = None, None
        composer = msgspec.structs.replace(composer, draft=msgspec.structs.replace(composer.draft, quoted_id=None))
    if composer.purpose == Purpose.REPLY and parent is None:
        errors = {"text": request.sentence("What you are replying to is no longer there. You can publish this as a post of its own.")}
        visibility = Visibility.DIRECT if composer.draft.visibility is None else composer.draft.visibility
        draft = msgspec.structs.replace(composer.draft, reply_to_id=None, visibility=visibility)
        composer = Composer(purpose=Purpose.POST, draft=draft)
    if composer.purpose == Purpose.MESSAGE:
        if parent is None and composer.draft.reply_to_id:
            errors = {"text": request.sentence("What you are replying to is no longer there. You can send this as a new message.")}
            composer = msgspec.structs.replace(composer, draft=msgspec.structs.replace(composer.draft, reply_to_id=None))
        parent = None
    kept = await list_existing(request, uploads)
    composer = msgspec.structs.replace(
        composer, parent=parent, quoted=quoted, errors=errors, uploads=kept, refused=refused_descriptions(problem),
        due=chosen_time(request.form),
    )
    return await request.show("posts/new.html", 422, composer=composer)


async def edit(request: Request) -> Reply:
    post = await _own(request)
    return await request.show("posts/edit.html", composer=edit_of(post, await _attached(request, post)))


async def save(request: Request) -> Reply:
    """Changes text and pictures together. With an error nothing is changed, and the form comes back as it was sent."""
    post = await _own(request)
    draft = msgspec.structs.replace(draft_from(request.form, post.visibility), visibility=post.visibility, reply_to_id=None)
    composer = edit_of(post, ())
    uploads: list[Upload] = []
    try:
        await collect_pictures(request, request.form, uploads)
        request.require_allowance("text")
        draft = msgspec.structs.replace(draft, media_ids=tuple(upload.id for upload in uploads))
        changes = [actions.PictureChange(upload.id, upload.description, (upload.focus_x, upload.focus_y)) for upload in uploads]
        async with request.database.write() as tx:
            await actions.edit_post(tx, request.account, post.id, draft, request.context.post_limits, changes)
    except KEEPING_FORM as problem:
        kept = await list_existing(request, uploads)
        composer = msgspec.structs.replace(
            composer, draft=draft, errors=request.problems(problem, "text"), uploads=kept, refused=refused_descriptions(problem)
        )
        return await request.show("posts/edit.html", 422, composer=composer)
    forget_draft(request, composer)
    return request.redirect(f"/@{post.author.acct}/{post.id}")


async def ask_delete(request: Request) -> Reply:
    async with request.database.read() as conn:
        view = await get_post_view(conn, request.id(), request.viewer.id)
    if view.post.author.id != request.viewer.id:
        raise NotFound
    return await request.show("posts/delete.html", view=view)


async def delete(request: Request) -> Reply:
    async with request.database.read() as conn:
        post = (await get_post_view(conn, request.id(), request.viewer.id)).post
    async with request.database.write() as tx:
        await actions.delete_post(tx, request.account, request.id())
    return request.redirect("/messages?deleted=1" if post.visibility is Visibility.DIRECT else f"/@{request.account.username}?deleted=1")


async def _seen(request: Request, post_id: int | None) -> PostView | None:
    """The post that is replied to or quoted, if the viewer can still see it."""
    if post_id is None:
        return None
    async with request.database.read() as conn:
        with suppress(NotFound):
            return await get_post_view(conn, post_id, request.viewer.id)
    return None


async def _attached(request: Request, post: Post) -> list[Upload]:
    async with request.database.read() as conn:
        return [await get_own_upload(conn, request.viewer.id, picture.id) for picture in post.pictures]


async def _own(request: Request) -> Post:
    async with request.database.read() as conn:
        view = await get_post_view(conn, request.id(), request.viewer.id)
    if view.post.author.id != request.viewer.id or view.post.boost_of_id:
        raise NotFound
    return view.post


def forget_draft(request: Request, composer: Composer) -> None:
    """Makes the script of the next page delete the draft."""
    cookies = request.shared.cookies
    request.new_cookies.append(cookies.set_for_script(cookies.sent, f"{request.viewer.id}-{composer.key}"))


ROUTES = [
    Route("GET", "/posts/new", new, Access.MEMBER),
    Route("POST", "/posts", create, Access.MEMBER, limit="post", most_bytes=None, keeps_form=True),
    Route("GET", "/posts/{id}/edit", edit, Access.MEMBER),
    Route("POST", "/posts/{id}/edit", save, Access.MEMBER, most_bytes=None, keeps_form=True),
    Route("GET", "/posts/{id}/delete", ask_delete, Access.MEMBER),
    Route("POST", "/posts/{id}/delete", delete, Access.MEMBER, limit="delete"),
]
