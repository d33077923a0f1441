"""The parameters for writing, editing, deleting and boosting a status, and their conversion to drafts."""

from datetime import UTC, datetime
from typing import Annotated

from folkmoot.api.parameters import Focus, Id, NamedIds, Parameters, about
from folkmoot.api.words import QUOTE_POLICY_OF, VISIBILITY_OF, BoostVisibility, QuotePolicy, Visibility
from folkmoot.base.errors import FieldError, Invalid, NotFound
from folkmoot.base.languages import language_of
from folkmoot.network.media.actions import LONGEST_DESCRIPTION
from folkmoot.network.posts import actions
from folkmoot.network.posts.model import PollDraft, PostDraft
from folkmoot.network.posts.model import QuotePolicy as PostQuotePolicy
from folkmoot.network.posts.model import Visibility as PostVisibility
from folkmoot.network.posts.queries import NOTHING_TO_QUOTE
from folkmoot.network.sessions.model import Preferences, TokenHolder

NOTHING_TO_ANSWER = "The post you are trying to reply to does not appear to exist."
_MOST = actions.PostLimits()


class NewPoll(Parameters, frozen=True, kw_only=True):
    options: Annotated[tuple[str, ...], about("The answers, all different.", minItems=2, maxItems=_MOST.max_options)] = ()
    expires_in: Annotated[
        int | None,
        about("Seconds. Required; an edit that leaves the answers ignores it.", minimum=_MOST.shortest_poll, maximum=_MOST.longest_poll),
    ] = None
    multiple: Annotated[bool, about("Whether several answers may be chosen.")] = False
    hide_totals: Annotated[bool | None, about("Whether the counts are hidden until the end. Absent in an edit: it stays as it is.")] = None


class StatusText(Parameters, frozen=True, kw_only=True):
    """The common parameters of a new and an edited status."""

    status: Annotated[str, about("The text; `/api/v2/instance` has its maximal length. Required without pictures or poll.")] = ""
    spoiler_text: Annotated[str, about("A content warning that covers the text; makes the status sensitive.")] = ""
    media_ids: Annotated[NamedIds, about("Uploads, in the order shown.", maxItems=_MOST.max_pictures)] = ()
    poll: NewPoll | None = None

    def poll_draft(self) -> PollDraft | None:
        poll = self.poll
        return None if poll is None else PollDraft(
            titles=poll.options, expires_in=poll.expires_in, is_multiple=poll.multiple, hides_totals=poll.hide_totals
        )


class NewStatus(StatusText, frozen=True, kw_only=True):
    visibility: Annotated[
        Visibility | None, about("Absent: the member's default, or for a reply the visibility of the answered status, if more closed.")
    ] = None
    sensitive: Annotated[bool | None, about("Absent: the member's default.")] = None
    language: Annotated[str | None, about("ISO 639. Absent: the member's default; empty: none.")] = None
    in_reply_to_id: Id | None = None
    quoted_status_id: Annotated[Id | None, about("The status to quote, if its author allows it.")] = None
    quote_approval_policy: Annotated[
        QuotePolicy | None, about("Who may quote it. Absent: the member's default. Nobody, unless it is public or unlisted.")
    ] = None
    scheduled_at: Annotated[str, about(
        "When it is published: at least five minutes from now. The response is then a ScheduledStatus. A past time publishes at once.",
        format="date-time",
    )] = ""


class PictureDescription(Parameters, frozen=True, kw_only=True):
    id: Id | None = None
    description: Annotated[str | None, about("Absent: it stays as it is.", maxLength=LONGEST_DESCRIPTION)] = None
    focus: Focus | None = None


class ChangedStatus(StatusText, frozen=True, kw_only=True):
    sensitive: bool = False
    language: Annotated[str | None, about("ISO 639. Absent: it stays as it is; empty: none.")] = None
    quote_approval_policy: Annotated[QuotePolicy | None, about("Who may quote it from now on. Absent: it stays as it is.")] = None
    media_attributes: Annotated[tuple[PictureDescription, ...], about("Descriptions of pictures in `media_ids`.")] = ()


class Deletion(Parameters, frozen=True, kw_only=True):
    delete_media: Annotated[bool, about("Whether the pictures are deleted at once; otherwise they can be used again for a day.")] = False


class Boost(Parameters, frozen=True, kw_only=True):
    visibility: Annotated[BoostVisibility, about("Who sees the boost.")] = "public"


class StatusIds(Parameters, frozen=True, kw_only=True):
    id: tuple[Id, ...] = ()


def new_draft(params: NewStatus, own: Preferences, holder: TokenHolder, idempotency_key: str | None) -> PostDraft:
    """The draft of a new post: parameters override the member's defaults. Raises Invalid, NotFound."""
    if params.in_reply_to_id == 0:
        raise NotFound(NOTHING_TO_ANSWER)
    if params.quoted_status_id == 0:
        raise NotFound(NOTHING_TO_QUOTE)
    return PostDraft(
        text=params.status,
        visibility=None if params.visibility is None else VISIBILITY_OF[params.visibility],
        default_visibility=PostVisibility(own.visibility),
        reply_to_id=params.in_reply_to_id,
        cover=params.spoiler_text,
        is_sensitive=own.is_sensitive if params.sensitive is None else params.sensitive,
        language=(own.post_language if params.language is None else params.language and (language_of(params.language) or own.post_language))
        or None,
        media_ids=params.media_ids,
        poll=params.poll_draft(),
        quoted_id=params.quoted_status_id,
        quote_policy=QUOTE_POLICY_OF.get(params.quote_approval_policy or "", PostQuotePolicy(own.quote_policy)),
        app_id=holder.app_id,
        idempotency_key=idempotency_key or None,
    )


def changed_draft(params: ChangedStatus) -> PostDraft:
    return PostDraft(
        text=params.status, cover=params.spoiler_text, is_sensitive=params.sensitive, language=params.language,
        media_ids=params.media_ids, poll=params.poll_draft(),
        quote_policy=QUOTE_POLICY_OF.get(params.quote_approval_policy or ""),
    )


def picture_changes(params: ChangedStatus) -> list[actions.PictureChange]:
    return [actions.PictureChange(change.id or 0, change.description, change.focus) for change in params.media_attributes]


def time_of(moment: str) -> datetime:
    """A time that a client has sent; without a time zone it is in UTC. Raises Invalid."""
    try:
        at = datetime.fromisoformat(moment)
        return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid(FieldError("due_at", "invalid", "This is not a date with a time.")) from None
