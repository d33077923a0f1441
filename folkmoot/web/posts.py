"""Pages of posts: the thread, the history, who liked it, and the buttons under a post. Writing is in `writing.py`."""

from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

import msgspec

from folkmoot.base.db import WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Handler, Route
from folkmoot.network.accounts.model import Account
from folkmoot.network.filters.matching import apply_filters
from folkmoot.network.filters.model import FilterContext
from folkmoot.network.posts import actions
from folkmoot.network.posts.model import PostView, Visibility
from folkmoot.network.posts.queries import (
    Thread,
    get_post_view,
    list_boosters,
    list_edits,
    list_favouriters,
    list_thread_ids,
    thread_of,
)
from folkmoot.network.timelines.queries import list_entries
from folkmoot.web.composer import default_audience, reply_to
from folkmoot.web.request import Request
from folkmoot.web.timelines import page_links

MAX_DEPTH = 4  # levels of replies on one page
_MAX_REPLIES = 500  # replies on one page
_KEPT_FOR = 10.0  # seconds; for visitors without an account
_CHOICES = [str(number) for number in range(100)]


class Branch(NamedTuple):
    """A reply with its replies. `more`: the number of those too deep for this page."""

    view: PostView
    replies: list["Branch"]
    more: int

    @property
    def size(self) -> int:
        return 1 + self.more + sum(branch.size for branch in self.replies)

    @property
    def people(self) -> set[int]:
        """The authors of the branch, as far as it is on the page."""
        return {self.view.post.author.id}.union(*(branch.people for branch in self.replies))

    @property
    def answered_by(self) -> int:
        return len(set().union(*(branch.people for branch in self.replies)))


async def show(request: Request) -> Reply:
    """A post in its conversation. An address with another name redirects to the right one, that of a message to the messages."""
    async with request.database.read() as conn:
        above, below = await list_thread_ids(conn, request.id(), request.viewer_id, most=_MAX_REPLIES)
        entries = await list_entries(conn, [*above, request.id(), *below], request.viewer_id)
    thread = thread_of(await request.chosen_views(entries), above, request.id(), below)
    shown = thread.post.shown
    if shown.visibility is Visibility.DIRECT:
        return request.redirect(f"/messages/{shown.conversation_id}?at={shown.id}#p{shown.id}")
    if request.value("name").lower() != shown.author.acct.lower() or thread.post.boosted:
        return request.redirect(f"/@{shown.author.acct}/{shown.id}")
    request.note_shown([*thread.ancestors, thread.post, *thread.descendants], kept_for=_KEPT_FOR)
    return await _thread_page(request, thread)


async def _thread_page(request: Request, thread: Thread) -> Reply:
    """Reply counts are those of the replies on the page. The opened post is shown whole: who opens it wants to read it."""
    ancestors, descendants = (
        apply_filters(request.filters, FilterContext.THREAD, views) for views in (thread.ancestors, thread.descendants)
    )
    thread = _with_shown_counts(thread._replace(ancestors=ancestors, descendants=descendants))
    people = {view.post.author.id for view in thread.descendants}
    composer = reply_to(thread.post, request.account, default_audience(request)) if request.signed_in else None
    return await request.show(
        "posts/show.html", thread=thread, branches=_branches(thread), people=len(people), composer=composer,
    )


async def find(request: Request) -> Reply:
    """The short address `/posts/ID`, which needs no name."""
    async with request.database.read() as conn:
        shown = (await get_post_view(conn, request.id(), request.viewer_id)).shown
    return request.redirect(f"/@{shown.author.acct}/{shown.id}")


async def history(request: Request) -> Reply:
    async with request.database.read() as conn:
        view = await get_post_view(conn, request.id(), request.viewer_id)
        edits = await list_edits(conn, view.shown.id)
    return await request.show("posts/history.html", view=view, edits=list(reversed(edits)))


async def favourited_by(request: Request) -> Reply:
    page = request.page()
    async with request.database.read() as conn:
        view = await get_post_view(conn, request.id(), request.viewer_id)
        rows = await list_favouriters(conn, view.shown.id, request.viewer_id, page)
    return await request.show("posts/people.html", view=view, kind="favourites", accounts=[account for _, account in rows],
                              **page_links(page, [row_id for row_id, _ in rows]))


async def boosted_by(request: Request) -> Reply:
    page = request.page()
    async with request.database.read() as conn:
        view = await get_post_view(conn, request.id(), request.viewer_id)
        rows = await list_boosters(conn, view.shown.id, request.viewer_id, page)
    return await request.show("posts/people.html", view=view, kind="boosts", accounts=[account for _, account in rows],
                              **page_links(page, [row_id for row_id, _ in rows]))


async def vote(request: Request) -> Reply:
    texts = request.form.texts(f"choices_{request.value('id')}")
    choices = [int(text) if text in _CHOICES else -1 for text in texts]
    async with request.database.read() as conn:
        poll = (await get_post_view(conn, request.id(), request.viewer.id)).shown.poll
    if poll is None:
        raise NotFound
    async with request.database.write() as tx:
        view = await actions.vote_in_poll(tx, request.account, poll.id, choices)
    return _part_or_redirect(request, view, "posts/_poll_part.html")


Verb = Callable[[WriteTx, Account, int], Awaitable[PostView]]


def _button(verb: Verb) -> Handler:
    """The handler of a button under a post: runs the action and shows the row of buttons again."""

    async def handle(request: Request) -> Reply:
        async with request.database.write() as tx:
            view = await verb(tx, request.account, request.id())
        return _part_or_redirect(request, view, "posts/_actions_part.html")

    return handle


def _part_or_redirect(request: Request, view: PostView, part: str) -> Reply:
    if request.wants_part:
        return request.render(part, view=view)
    if view.is_withheld:  # its own page is not there any more
        return request.back("/", without=str(view.shown.id))
    return request.back(f"/@{view.shown.author.acct}/{view.shown.id}")


def _with_shown_counts(thread: Thread) -> Thread:
    """The thread with the reply counts of this page, which can be higher than the public counts."""
    below = Counter(view.post.reply_to_id for view in thread.descendants)

    def counted(view: PostView) -> PostView:
        replies = below[view.shown.id] if len(thread.descendants) < _MAX_REPLIES else view.counts.replies
        return msgspec.structs.replace(view, counts=msgspec.structs.replace(view.counts, replies=replies))

    return thread._replace(post=counted(thread.post), descendants=[counted(view) for view in thread.descendants])


def _branches(thread: Thread) -> list[Branch]:
    """The replies as a tree. Replies to posts that the viewer may not see are at the top."""
    known = {thread.post.post.id} | {view.post.id for view in thread.descendants}
    below: defaultdict[int, list[PostView]] = defaultdict(list)
    for view in thread.descendants:
        parent = view.post.reply_to_id
        below[parent if parent in known else thread.post.post.id].append(view)

    def count(id_: int) -> int:
        return sum(1 + count(view.post.id) for view in below[id_])

    def build(views: Sequence[PostView], level: int) -> list[Branch]:
        return [
            Branch(view, build(below[view.post.id], level + 1), 0) if level < MAX_DEPTH else Branch(view, [], count(view.post.id))
            for view in views
        ]

    return build(below[thread.post.post.id], 1)


_ONE = "/posts/{id}"
_VERBS: dict[str, Verb] = {
    "favourite": actions.favourite_post, "unfavourite": actions.unfavourite_post, "boost": actions.boost_post,
    "unboost": actions.unboost_post, "bookmark": actions.bookmark_post, "unbookmark": actions.unbookmark_post,
    "pin": actions.pin_post, "unpin": actions.unpin_post, "mute": actions.mute_conversation, "unmute": actions.unmute_conversation,
}
_LIMITS = {"boost": "post", "unboost": "delete"}  # as for apps
ROUTES = [
    Route("GET", "/@{name}/{id}", show, Access.PUBLIC, is_open=True),
    Route("GET", _ONE, find, Access.PUBLIC),
    Route("GET", f"{_ONE}/history", history, Access.PUBLIC),
    Route("GET", f"{_ONE}/favourited_by", favourited_by, Access.PUBLIC),
    Route("GET", f"{_ONE}/boosted_by", boosted_by, Access.PUBLIC),
    Route("POST", f"{_ONE}/vote", vote, Access.MEMBER),
    *(Route("POST", f"{_ONE}/{name}", _button(verb), Access.MEMBER, limit=_LIMITS.get(name, "")) for name, verb in _VERBS.items()),
]
