"""What happened to posts: events, and the message that open pages get of a withdrawn post. No input or output."""

from collections.abc import Sequence

import msgspec

from folkmoot.base.events import Event
from folkmoot.network.posts.model import Visibility


class PostEvent(Event, frozen=True, kw_only=True):
    """What subscribers need about a post, also after its row is deleted.

    Holds ids, never texts, because events outlive deleted posts. The defaults serve events that an earlier release left in
    the queue: such a post is treated as direct. `mentioned_ids` are all accounts that were ever mentioned. `domain` and
    `uri` belong to posts of other networks.
    """

    post_id: int
    account_id: int
    visibility: int = Visibility.DIRECT
    origin_id: int = 0  # the author; of a boost, the author of the boosted post
    boost_of_id: int | None = None
    reply_to_id: int | None = None
    reply_to_account_id: int | None = None
    conversation_id: int | None = None
    mentioned_ids: tuple[int, ...] = ()
    media_ids: tuple[int, ...] = ()
    domain: str = ""
    uri: str | None = None
    quoted_account_id: int | None = None  # the author of the post that it quotes
    may_have_address: bool = True  # in its text


class PostCreated(PostEvent, frozen=True, kw_only=True):
    kind = "post.created"


class PostEdited(PostEvent, frozen=True, kw_only=True):
    """`newly_mentioned_ids`: the accounts that no earlier version mentioned."""

    kind = "post.edited"
    newly_mentioned_ids: tuple[int, ...] = ()


class PostDeleted(PostEvent, frozen=True, kw_only=True):
    """Also told for an undone boost."""

    kind = "post.deleted"


class QuoteRevoked(Event, frozen=True, kw_only=True):
    """The quote in a post was revoked; `account_id` wrote the post."""

    kind = "quote.revoked"
    post_id: int
    account_id: int


class PostFavourited(Event, frozen=True, kw_only=True):
    kind = "post.favourited"
    post_id: int
    account_id: int
    author_id: int


class PostUnfavourited(PostFavourited, frozen=True, kw_only=True):
    """The favourite was taken back."""

    kind = "post.unfavourited"


class PollVoted(Event, frozen=True, kw_only=True):
    kind = "poll.voted"
    poll_id: int
    post_id: int
    account_id: int


class PollClosed(Event, frozen=True, kw_only=True):
    kind = "poll.closed"
    poll_id: int
    post_id: int
    account_id: int


_MOST_MENTIONED = 200  # in a live message, whose size is limited


class Withdrawn(msgspec.Struct, frozen=True):
    """A post that open pages must stop showing: deleted, hidden or removed. Its id reveals when it was written and hints at its
    author, so only those are notified who could see it: everybody if it was open (public or unlisted), else the author, the
    mentioned accounts, and unless it was direct the author's followers. `mentioned_ids`: of a deleted post that was not open.
    """

    post_id: int
    account_id: int
    is_open: bool
    is_direct: bool = False
    mentioned_ids: tuple[int, ...] = ()

    @classmethod
    def of(cls, post_id: int, account_id: int, visibility: int, mentioned_ids: Sequence[int] = ()) -> "Withdrawn":
        is_open = visibility <= Visibility.UNLISTED
        return cls(
            post_id, account_id, is_open, visibility == Visibility.DIRECT, () if is_open else tuple(mentioned_ids[:_MOST_MENTIONED])
        )
