"""Pages of posts: the thread, writing, editing, deleting, and the buttons under a post."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import msgspec

from folkmoot.base.db import WriteTx
from folkmoot.base.errors import Invalid, NotFound
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Handler, Route
from folkmoot.network.accounts.model import Account
from folkmoot.network.media.model import Upload
from folkmoot.network.media.queries import get_own_upload
from folkmoot.network.posts import actions
from folkmoot.network.posts.model import PollDraft, Post, PostDraft, PostView, Visibility
from folkmoot.network.posts.queries import (
    Thread,
    get_post_view,
    get_thread,
    list_boosters,
    list_edits,
    list_favouriters,
)
from folkmoot.web.composer import describe, draft_from, still_there, take_pictures
from folkmoot.web.request import Request
from folkmoot.web.timelines import ways

DEEPEST = 4  # levels of replies on one page
_PLACES = [str(number) for number in range(100)]


class Branch(NamedTuple):
    """A reply with its replies. `more` stand too deep for this page."""

    view: PostView
    replies: list["Branch"]
    more: int

    @property
    def size(self) -> int:
        return 1 + self.more + sum(branch.size for branch in self.replies)

    @property
    def people(self) -> set[int]:
        """Who speaks in this branch, as far as it is on the page."""
        return {self.view.post.author.id}.union(*(branch.people for branch in self.replies))

    @property
    def answered_by(self) -> int:
        return len(set().union(*(branch.people for branch in self.replies)))


async def show(request: Request) -> Reply:
    """A post in its conversation. An address with another name leads to the right one."""
    async with request.database.read() as conn:
        thread = await get_thread(conn, request.id(), request.viewer_id, most=500)
    shown = thread.post.shown
    if request.value("name").lower() != shown.author.acct.lower() or thread.post.boosted:
        return request.redirect(f"/@{shown.author.acct}/{shown.id}")
    return await _thread_page(request, thread)


async def _thread_page(request: Request, thread: Thread, status: int = 200, **form: Any) -> Reply:
    reply_to = thread.post.post
    values: dict[str, Any] = {"draft": _answer_to(reply_to, request), "errors": {}, "uploads": [], **form}
    people = {view.post.author.id for view in thread.descendants}
    return await request.show(
        "posts/show.html", status, thread=thread, branches=_branches(thread), people=len(people), **values,
    )


async def find(request: Request) -> Reply:
    """The short address `/posts/ID`, which needs no name."""
    async with request.database.read() as conn:
        shown = (await get_post_view(conn, request.id(), request.viewer_id)).shown
    return request.redirect(f"/@{shown.author.acct}/{shown.id}")


async def new(request: Request) -> Reply:
    """The composer, empty or as an answer (`?reply_to=ID`) or to somebody (`?to=NAME`)."""
    reply_to = request.query.id("reply_to")
    parent = None
    draft = PostDraft(visibility=Visibility(request.viewer.login.preferences.visibility))
    if reply_to:
        async with request.database.read() as conn:
            parent = await get_post_view(conn, reply_to, request.viewer.id)
        draft = _answer_to(parent.shown, request)
    elif request.query.text("to"):
        draft = PostDraft(text=f"@{request.query.text('to')[:100]} ", visibility=Visibility.DIRECT)
    return await request.show("posts/new.html", draft=draft, parent=parent, errors={}, uploads=[], post=None)


async def create(request: Request) -> Reply:
    """Publishes; what is wrong comes back beside its field, with everything that was written and uploaded."""
    form = request.form
    draft = draft_from(form)
    uploads: list[Upload] = []
    try:
        await take_pictures(request, form, uploads)
        draft = msgspec.structs.replace(draft, media_ids=tuple(upload.id for upload in uploads))
        async with request.database.write() as tx:
            await describe(tx, request, uploads)
            view = await actions.create_post(
                tx, request.account, draft, request.context.post_limits, screener=request.context.screener
            )
    except (Invalid, NotFound) as problem:
        parent = await _parent(request, draft)
        errors = request.problems(problem) if isinstance(problem, Invalid) else {"text": request.sentence(problem.message)}
        if draft.reply_to_id and parent is None:
            errors = {"text": request.sentence("What you answer is not there any more. You can publish this as a post of its own.")}
            draft = msgspec.structs.replace(draft, reply_to_id=None)
        return await request.show(
            "posts/new.html", 422, draft=draft, parent=parent, errors=errors, uploads=await still_there(request, uploads), post=None
        )
    cookies = request.shared.cookies
    request.new_cookies.append(cookies.tell(cookies.sent, f"reply-{draft.reply_to_id}" if draft.reply_to_id else "new"))
    return request.redirect(f"/@{view.post.author.acct}/{view.post.id}" if draft.reply_to_id else "/")


async def edit(request: Request) -> Reply:
    post = await _own(request)
    uploads = await _attached(request, post)
    return await request.show("posts/edit.html", draft=_draft_of(post), errors={}, uploads=uploads, post=post, parent=None)


async def save(request: Request) -> Reply:
    """Changes words and pictures in one go: with an error nothing has changed, and the form has what was written."""
    post = await _own(request)
    form = request.form
    draft = msgspec.structs.replace(draft_from(form), visibility=post.visibility)
    uploads: list[Upload] = []
    try:
        await take_pictures(request, form, uploads)
        draft = msgspec.structs.replace(draft, media_ids=tuple(upload.id for upload in uploads))
        async with request.database.write() as tx:
            await describe(tx, request, uploads)
            await actions.edit_post(tx, request.account, post.id, draft, request.context.post_limits)
    except Invalid as problem:
        return await request.show(
            "posts/edit.html", 422, draft=draft, errors=request.problems(problem), uploads=await still_there(request, uploads),
            post=post, parent=None,
        )
    return request.redirect(f"/@{post.author.acct}/{post.id}")


async def ask_delete(request: Request) -> Reply:
    async with request.database.read() as conn:
        view = await get_post_view(conn, request.id(), request.viewer.id)
    if view.post.author.id != request.viewer.id:
        raise NotFound
    return await request.show("posts/delete.html", view=view)


async def delete(request: Request) -> Reply:
    async with request.database.write() as tx:
        await actions.delete_post(tx, request.account, request.id())
    return request.redirect(f"/@{request.account.username}")


async def history(request: Request) -> Reply:
    async with request.database.read() as conn:
        view = await get_post_view(conn, request.id(), request.viewer_id)
        edits = await list_edits(conn, view.shown.id)
    return await request.show("posts/history.html", view=view, edits=list(reversed(edits)))


async def favourited_by(request: Request) -> Reply:
    page = request.page()
    async with request.database.read() as conn:
        view = await get_post_view(conn, request.id(), request.viewer_id)
        rows = await list_favouriters(conn, view.shown.id, page)
    return await request.show("posts/people.html", view=view, kind="favourites", accounts=[account for _, account in rows],
                              **ways(page, [row_id for row_id, _ in rows]))


async def boosted_by(request: Request) -> Reply:
    page = request.page()
    async with request.database.read() as conn:
        view = await get_post_view(conn, request.id(), request.viewer_id)
        rows = await list_boosters(conn, view.shown.id, page)
    return await request.show("posts/people.html", view=view, kind="boosts", accounts=[account for _, account in rows],
                              **ways(page, [row_id for row_id, _ in rows]))


async def vote(request: Request) -> Reply:
    texts = request.form.texts(f"choices_{request.value('id')}")
    choices = [int(text) if text in _PLACES else -1 for text in texts]
    async with request.database.read() as conn:
        poll = (await get_post_view(conn, request.id(), request.viewer.id)).shown.poll
    if poll is None:
        raise NotFound
    async with request.database.write() as tx:
        view = await actions.vote_in_poll(tx, request.account, poll.id, choices)
    return _answer(request, view, "posts/_poll_part.html")


Verb = Callable[[WriteTx, Account, int], Awaitable[PostView]]


def _button(verb: Verb) -> Handler:
    """The handler of a button under a post: does it, and shows the row of buttons anew."""

    async def handle(request: Request) -> Reply:
        async with request.database.write() as tx:
            view = await verb(tx, request.account, request.id())
        return _answer(request, view, "posts/_actions_part.html")

    return handle


def _answer(request: Request, view: PostView, part: str) -> Reply:
    if request.wants_part:
        return request.render(part, view=view)
    return request.back(f"/@{view.shown.author.acct}/{view.shown.id}")


# -- forms ---------------------------------------------------------------------------------------------------------


async def _parent(request: Request, draft: PostDraft) -> PostView | None:
    """What is answered, if it is still there for the viewer."""
    if draft.reply_to_id is None:
        return None
    async with request.database.read() as conn:
        with suppress(NotFound):
            return await get_post_view(conn, draft.reply_to_id, request.viewer.id)
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


def _draft_of(post: Post) -> PostDraft:
    poll = None
    if post.poll:
        poll = PollDraft(
            titles=post.poll.titles, expires_in=86400, is_multiple=post.poll.is_multiple, hides_totals=post.poll.hides_totals
        )
    return PostDraft(
        text=post.text, visibility=post.visibility, reply_to_id=post.reply_to_id, cover=post.cover, is_sensitive=post.is_sensitive,
        language=post.language, poll=poll,
    )


def _answer_to(post: Post, request: Request) -> PostDraft:
    """An answer begins with those it is for, is seen by no more people than the post, and keeps its cover."""
    if not request.signed_in:
        return PostDraft()
    names = [post.author.acct] + [mention.acct for mention in post.mentions]
    others = [f"@{name} " for name in dict.fromkeys(names) if name != request.account.username]
    visibility = max(post.visibility, Visibility(request.viewer.login.preferences.visibility))
    return PostDraft(text="".join(others), reply_to_id=post.id, visibility=visibility, cover=post.cover)


def _branches(thread: Thread) -> list[Branch]:
    """The replies as a tree. Replies to what the viewer may not see stand at the top."""
    known = {thread.post.post.id} | {view.post.id for view in thread.descendants}
    below: defaultdict[int, list[PostView]] = defaultdict(list)
    for view in thread.descendants:
        parent = view.post.reply_to_id
        below[parent if parent in known else thread.post.post.id].append(view)

    def count(id_: int) -> int:
        return sum(1 + count(view.post.id) for view in below[id_])

    def grow(views: Sequence[PostView], level: int) -> list[Branch]:
        return [
            Branch(view, grow(below[view.post.id], level + 1), 0) if level < DEEPEST else Branch(view, [], count(view.post.id))
            for view in views
        ]

    return grow(below[thread.post.post.id], 1)


_ONE = "/posts/{id}"
_VERBS: dict[str, Verb] = {
    "favourite": actions.favourite_post, "unfavourite": actions.unfavourite_post, "boost": actions.boost_post,
    "unboost": actions.unboost_post, "bookmark": actions.bookmark_post, "unbookmark": actions.unbookmark_post,
    "pin": actions.pin_post, "unpin": actions.unpin_post, "mute": actions.mute_conversation, "unmute": actions.unmute_conversation,
}
_LIMITS = {"boost": "post", "unboost": "delete"}  # as for apps
ROUTES = [
    Route("GET", "/@{name}/{id}", show, Access.PUBLIC),
    Route("GET", "/posts/new", new, Access.MEMBER),
    Route("POST", "/posts", create, Access.MEMBER, limit="post", most_bytes=None),
    Route("GET", _ONE, find, Access.PUBLIC),
    Route("GET", f"{_ONE}/edit", edit, Access.MEMBER),
    Route("POST", f"{_ONE}/edit", save, Access.MEMBER, most_bytes=None),
    Route("GET", f"{_ONE}/delete", ask_delete, Access.MEMBER),
    Route("POST", f"{_ONE}/delete", delete, Access.MEMBER, limit="delete"),
    Route("GET", f"{_ONE}/history", history, Access.PUBLIC),
    Route("GET", f"{_ONE}/favourited_by", favourited_by, Access.PUBLIC),
    Route("GET", f"{_ONE}/boosted_by", boosted_by, Access.PUBLIC),
    Route("POST", f"{_ONE}/vote", vote, Access.MEMBER),
    *(Route("POST", f"{_ONE}/{name}", _button(verb), Access.MEMBER, limit=_LIMITS.get(name, "")) for name, verb in _VERBS.items()),
]
