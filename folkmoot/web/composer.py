"""The form for writing posts: its purpose, and its values, which are kept when the form comes back with errors.

Its pictures are in `chosen_pictures.py`.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec

from folkmoot.base.handles import mentions_of
from folkmoot.http.params import Params
from folkmoot.network.accounts.model import Account, AccountEffect
from folkmoot.network.accounts.queries import list_accounts
from folkmoot.network.media.model import Upload
from folkmoot.network.posts.model import PollDraft, Post, PostDraft, PostView, QuotePolicy, Visibility
from folkmoot.network.scheduled.model import ScheduledPost
from folkmoot.web.due_times import DueTime
from folkmoot.web.request import Request

_VISIBILITIES = {str(int(visibility)) for visibility in Visibility}
_QUOTE_POLICIES = {str(int(policy)) for policy in QuotePolicy}
_MOST_PEOPLE = 50  # recipients of a message
_POLL_SECONDS = 86400  # the duration of a poll when the form names none


class Purpose(StrEnum):
    """What a composer is used for. The form names it, because it decides who may read the post."""

    POST = "post"
    REPLY = "reply"
    QUOTE = "quote"
    MESSAGE = "message"  # to an account, or in a conversation: always direct
    EDIT = "edit"
    SCHEDULED = "scheduled"  # to change a scheduled post


class Composer(msgspec.Struct, frozen=True, kw_only=True):
    """What the form shows: a draft, its purpose, and its errors."""

    purpose: Purpose
    draft: PostDraft
    about_id: int | None = None  # the answered, quoted, edited or scheduled post, the recipient of a first message, or the conversation
    to: Account | None = None  # the recipient of a first message
    people: Sequence[Account] = ()  # the recipients of a message in a conversation; the form adds their mentions
    parent: PostView | None = None
    quoted: PostView | None = None
    post: Post | None = None  # the edited post
    uploads: Sequence[Upload] = ()
    errors: Mapping[str, str] = {}
    due: DueTime | None = None  # when it is published; None: at once
    refused: Sequence[str] = ()  # the descriptions of refused pictures, kept for those that replace them

    @property
    def key(self) -> str:
        """The key of the draft in the browser, after the account: one per purpose, and per version for edits."""
        version = f"v{self.post.version}" if self.post else ""
        return "-".join(filter(None, [self.purpose, str(self.about_id or ""), version]))

    def mentions(self, own_domain: str) -> str:
        """The mentions of the recipients whom the text does not name."""
        named = mentions_of(self.draft.text, own_domain)
        return "".join(f"@{account.acct} " for account in self.people if (account.username.lower(), account.domain) not in named)

    @property
    def visibility(self) -> Visibility:
        """The visibility that the form shows as selected."""
        return self.draft.default_visibility if self.draft.visibility is None else self.draft.visibility


def default_audience(request: Request) -> Visibility:
    """The member's default visibility for posts."""
    return Visibility(request.viewer.login.preferences.visibility)


def draft_from(form: Params, default: Visibility) -> PostDraft:
    """Reads the form, without its pictures. A message is direct, whatever visibility the form names."""
    text = form.text("visibility")
    visibility = Visibility(int(text)) if text in _VISIBILITIES else None
    has_tools = form.flag("has_tools")  # values of a closed tool are not published
    titles = tuple(title for title in form.texts("poll_titles") if title.strip()) if form.flag("with_poll") or not has_tools else ()
    cover = form.text("cover") if form.flag("with_cover") or not has_tools else ""
    poll = None
    if titles:
        seconds = form.integer("poll_expires_in")
        poll = PollDraft(
            titles=titles, expires_in=_POLL_SECONDS if seconds is None else seconds, is_multiple=form.flag("poll_is_multiple"),
            hides_totals=form.flag("poll_hides_totals") if "poll_hides_totals" in form else None,
        )
    policy = form.text("quote_policy")
    return PostDraft(
        text=form.text("text"), visibility=Visibility.DIRECT if form.text("purpose") == Purpose.MESSAGE else visibility,
        default_visibility=default, reply_to_id=form.id("reply_to"), cover=cover, is_sensitive=form.flag("is_sensitive"),
        quoted_id=form.id("quote"), quote_policy=QuotePolicy(int(policy)) if policy in _QUOTE_POLICIES else None,
        language=form.text("language") or None, poll=poll, idempotency_key=form.text("form_id")[:200] or None,
    )


async def composer_of(request: Request, draft: PostDraft) -> Composer:
    """The composer from which the form of the request was sent."""
    form = request.form
    if form.text("purpose") == Purpose.MESSAGE:
        people, to = form.ids("people")[:_MOST_PEOPLE], form.id("to")
        async with request.database.read() as conn:
            found = await list_accounts(conn, [*people, *([to] if to else [])])
        found = {id_: account for id_, account in found.items() if account.effect < AccountEffect.SUSPENDED}
        return Composer(purpose=Purpose.MESSAGE, about_id=form.id("conversation") or to, draft=draft, to=found.get(to or 0),
                        people=[found[id_] for id_ in people if id_ in found])
    if draft.reply_to_id:
        return Composer(purpose=Purpose.REPLY, about_id=draft.reply_to_id, draft=draft)
    if draft.quoted_id:
        return Composer(purpose=Purpose.QUOTE, about_id=draft.quoted_id, draft=draft)
    return Composer(purpose=Purpose.POST, draft=draft)


def new_post(default: Visibility) -> Composer:
    return Composer(purpose=Purpose.POST, draft=PostDraft(default_visibility=default))


def message_to(account: Account) -> Composer:
    draft = PostDraft(text=f"@{account.acct} ", visibility=Visibility.DIRECT)
    return Composer(purpose=Purpose.MESSAGE, about_id=account.id, to=account, draft=draft)


def message_in(conversation_id: int, newest: Post, people: Sequence[Account]) -> Composer:
    """The next message of a conversation."""
    draft = PostDraft(visibility=Visibility.DIRECT, reply_to_id=newest.id)
    return Composer(purpose=Purpose.MESSAGE, about_id=conversation_id, people=people, draft=draft)


def reply_to(view: PostView, writer: Account, default: Visibility) -> Composer:
    """A reply begins with mentions of its recipients, has no wider visibility than the post, and keeps its cover."""
    post = view.shown
    names = [post.author.acct] + [mention.acct for mention in post.mentions]
    others = [f"@{name} " for name in dict.fromkeys(names) if name != writer.username]
    draft = PostDraft(text="".join(others), reply_to_id=post.id, visibility=max(post.visibility, default), cover=post.cover)
    return Composer(purpose=Purpose.REPLY, about_id=post.id, draft=draft, parent=view)


def quote_of(view: PostView, default: Visibility) -> Composer:
    """A post that quotes has no wider visibility than a followers-only post of its author."""
    post = view.shown
    visibility = max(post.visibility, default) if post.visibility >= Visibility.FOLLOWERS else None
    draft = PostDraft(quoted_id=post.id, visibility=visibility, default_visibility=default)
    return Composer(purpose=Purpose.QUOTE, about_id=post.id, draft=draft, quoted=view)


def edit_of(post: Post, uploads: Sequence[Upload]) -> Composer:
    poll = None
    if post.poll:
        poll = PollDraft(
            titles=post.poll.titles, expires_in=_POLL_SECONDS, is_multiple=post.poll.is_multiple, hides_totals=post.poll.hides_totals
        )
    draft = PostDraft(
        text=post.text, visibility=post.visibility, cover=post.cover, is_sensitive=post.is_sensitive, language=post.language, poll=poll
    )
    return Composer(purpose=Purpose.EDIT, about_id=post.id, draft=draft, post=post, uploads=uploads)


def change_of(scheduled: ScheduledPost, due: DueTime, uploads: Sequence[Upload]) -> Composer:
    return Composer(purpose=Purpose.SCHEDULED, about_id=scheduled.id, draft=scheduled.draft, due=due, uploads=uploads)
