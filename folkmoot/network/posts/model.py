"""What a post is. No input or output.

A boost is a post row of its own that points to the boosted post. Facts that depend on the viewer (`Marks`) or change
often (`PostCounts`) are separate from `Post`, which is the same for every viewer and is cached by
(id, version, author's version).
"""

from collections.abc import Sequence
from datetime import datetime
from enum import IntEnum, IntFlag, StrEnum
from typing import Any, NamedTuple

import msgspec

from folkmoot.base.text import clean_line, search_words
from folkmoot.base.tokens import hashtags_of
from folkmoot.network.accounts.model import Account
from folkmoot.network.posts.card import Card


class Visibility(IntEnum):
    """Who may see a post. Ordered from open to closed; the numbers are stored."""

    PUBLIC = 0
    UNLISTED = 1
    FOLLOWERS = 2
    DIRECT = 3

    @property
    def word(self) -> str:
        return self.name.lower()


class PostEffect(IntEnum):
    """What restrictions do to a post, mildest first."""

    NONE = 0
    LABEL = 1  # covered, with the clause it falls under
    HIDDEN = 2  # visible to its author only
    REMOVED = 3  # visible to nobody; kept while the author may appeal


class QuotePolicy(IntEnum):
    """Who may quote a post. Authors may always quote their own. Ordered from open to closed; the numbers are stored."""

    PUBLIC = 0
    FOLLOWERS = 1
    NOBODY = 2

    @property
    def word(self) -> str:
        return self.name.lower()


class QuoteState(StrEnum):
    """What a viewer gets of a quoted post. The post itself comes only with `SHOWN`, `MUTED` and `BLOCKED`."""

    SHOWN = "shown"
    REVOKED = "revoked"  # by its author, or by a block between the two authors
    DELETED = "deleted"
    WITHHELD = "withheld"  # the viewer may not see it, or its reach is limited and the viewer does not follow its author
    BLOCKED = "blocked"  # the viewer blocks its author
    MUTED = "muted"  # the viewer mutes its author


class Mark(IntFlag):
    """What a viewer did with a post; the bits of `marks.bits`."""

    FAVOURITE = 1
    BOOST = 2
    BOOKMARK = 4
    MUTED = 8  # the conversation is in `muted_conversations`; on its first post, also stored here
    PINNED = 16
    VOTED = 32


MAY_QUOTE = 64  # beside the marks, never stored: the policy of a post lets the viewer quote it. Authors may in any case


class PostCounts(msgspec.Struct, frozen=True):
    replies: int = 0
    boosts: int = 0
    favourites: int = 0
    quotes: int = 0

    @classmethod
    def seen_with(cls, replies: int, boosts: int, favourites: int, quotes: int, bits: int) -> "PostCounts":
        """Totals lag by a second, but always include the viewer's own boost and favourite."""
        return cls(replies, max(boosts, int(bool(bits & Mark.BOOST))), max(favourites, int(bool(bits & Mark.FAVOURITE))), quotes)


class Marks(msgspec.Struct, frozen=True):
    """What one viewer did with one post. `choices` are the options voted for, by index."""

    bits: int = 0
    choices: tuple[int, ...] = ()

    @property
    def is_favourite(self) -> bool:
        return bool(self.bits & Mark.FAVOURITE)

    @property
    def is_boosted(self) -> bool:
        return bool(self.bits & Mark.BOOST)

    @property
    def is_bookmarked(self) -> bool:
        return bool(self.bits & Mark.BOOKMARK)

    @property
    def is_muted(self) -> bool:
        return bool(self.bits & Mark.MUTED)

    @property
    def is_pinned(self) -> bool:
        return bool(self.bits & Mark.PINNED)

    @property
    def has_voted(self) -> bool:
        return bool(self.bits & Mark.VOTED)

    @property
    def may_quote(self) -> bool:
        return bool(self.bits & MAY_QUOTE)


class Mention(msgspec.Struct, frozen=True, array_like=True):
    account_id: int
    username: str
    domain: str

    @property
    def acct(self) -> str:
        return f"{self.username}@{self.domain}" if self.domain else self.username


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """An attached picture, video or sound, as shown. `key` is the random part of its URLs. Sizes in pixels, focus -1 to 1."""

    id: int
    key: str
    kind: str
    mime: str
    description: str
    focus_x: float
    focus_y: float
    blurhash: str
    width: int
    height: int
    preview_width: int
    preview_height: int
    seconds: float | None = None
    frame_rate: str | None = None
    bitrate: int | None = None

    @property
    def is_recording(self) -> bool:
        return self.seconds is not None


class Poll(msgspec.Struct, frozen=True, kw_only=True):
    """`votes` are counted per option; `voters` is the number of accounts that voted."""

    id: int
    titles: tuple[str, ...]
    votes: tuple[int, ...]
    voters: int
    is_multiple: bool
    hides_totals: bool
    expires_at: datetime | None

    def is_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now

    def has_answers_of(self, draft: "PollDraft") -> bool:
        """Whether an edit with this draft, which is clean, leaves the poll and its votes."""
        # Stored titles are cleaned again, because an earlier release may have cleaned them by other rules.
        return tuple(map(clean_line, self.titles)) == draft.titles and self.is_multiple == draft.is_multiple


class Quote(msgspec.Struct, frozen=True):
    """That a post quotes another one. `post_id` is None after the deletion of that one."""

    post_id: int | None
    account_id: int | None  # its author
    is_revoked: bool = False


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """A post or, with `boost_of_id`, a boost (which has no text of its own). The same for every viewer."""

    id: int
    author: Account
    visibility: Visibility
    boost_of_id: int | None = None
    reply_to_id: int | None = None
    reply_to_account_id: int | None = None
    reply_to_acct: str | None = None  # the handle of that account
    conversation_id: int
    text: str = ""
    html: str = ""
    cover: str = ""
    is_sensitive: bool = False
    language: str | None = None
    uri: str | None = None
    mentions: tuple[Mention, ...] = ()
    hashtags: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    poll: Poll | None = None
    quote: Quote | None = None
    card: Card | None = None
    quote_policy: QuotePolicy = QuotePolicy.NOBODY
    app_name: str | None = None
    app_website: str | None = None
    effect: PostEffect = PostEffect.NONE
    label: str | None = None  # the clause shown by a label
    version: int = 1
    created_at: datetime
    edited_at: datetime | None = None

    @property
    def quoted_id(self) -> int | None:
        """The post that it quotes, unless that was deleted or the quote was revoked."""
        return None if self.quote is None or self.quote.is_revoked else self.quote.post_id

    @property
    def open_card(self) -> Card | None:
        """The card of the linked page, unless something of the post is covered: then the page is not shown either."""
        return None if self.cover or self.label or self.is_sensitive else self.card

    @property
    def hashtag_names(self) -> list[str]:
        """The hashtags as they are written; `hashtags` are their keys, in the same order."""
        return hashtags_of(self.text)

    @property
    def search_words(self) -> list[str] | None:
        """The folded words of text, cover, answers and descriptions, by which search finds the post; None for direct posts."""
        if self.visibility == Visibility.DIRECT:
            return None
        titles = " ".join(self.poll.titles) if self.poll else ""
        described = " ".join(picture.description for picture in self.pictures)
        return search_words(f"{self.cover} {self.text} {titles} {described}")

    def without_content(self) -> "Post":
        """What a viewer may know who may no longer see the post: that it exists, its author and its visibility."""
        return Post(
            id=self.id, author=self.author, visibility=self.visibility, conversation_id=self.conversation_id, uri=self.uri,
            created_at=self.created_at,
        )

    def facts(self, mentioned_ids: Sequence[int] | None = None) -> dict[str, Any]:
        """The fields of every event of the post. `mentioned_ids`: all accounts ever mentioned, if the caller knows them."""
        return {
            "post_id": self.id, "account_id": self.author.id, "visibility": self.visibility, "origin_id": self.author.id,
            "boost_of_id": self.boost_of_id, "reply_to_id": self.reply_to_id, "reply_to_account_id": self.reply_to_account_id,
            "conversation_id": self.conversation_id,
            "mentioned_ids": tuple(mention.account_id for mention in self.mentions) if mentioned_ids is None else tuple(mentioned_ids),
            "media_ids": tuple(picture.id for picture in self.pictures), "domain": self.author.domain, "uri": self.uri,
            "quoted_account_id": self.quote.account_id if self.quote else None, "may_have_address": "://" in self.text,
        }


class PostView(msgspec.Struct, frozen=True, kw_only=True):
    """A post as one viewer sees it now. `boosted` is set when `post` is a boost: counts and marks are then those of `boosted`.

    `is_withheld`: the viewer may not see the shown post, which is here without its content. `filtered`: the titles of the viewer's
    filters that fold it here; `blurred`: of those that cover its pictures.
    """

    post: Post
    boosted: Post | None = None
    counts: PostCounts = PostCounts()
    marks: Marks = Marks()
    is_withheld: bool = False
    filtered: tuple[str, ...] = ()
    blurred: tuple[str, ...] = ()
    quote: "QuoteView | None" = None  # of the shown post

    @property
    def shown(self) -> Post:
        """The post whose text is shown: itself, or the boosted one."""
        return self.boosted or self.post


class QuoteFacts(NamedTuple):
    """What one viewer gets of the post that a post quotes, without its content: `quoted_id` and the facts after it are those of that post.

    `inner_id` and `inner_state` are of the post that it quotes in turn, which is never shown inside.
    """

    post_id: int
    state: QuoteState
    quoted_id: int | None = None
    quoted_version: int = 0
    author_version: int = 0
    counts: PostCounts = PostCounts()
    marks: Marks = Marks()
    inner_id: int | None = None
    inner_state: QuoteState | None = None

    @property
    def key(self) -> tuple[int, int, int]:
        """The cache key of the fragment of the quoted post."""
        return self.quoted_id or 0, self.quoted_version, self.author_version


class QuoteView(msgspec.Struct, frozen=True, kw_only=True):
    """The quoted post as one viewer sees it. `view` is None unless the post may be shown; inside another quote only `post_id` is set."""

    state: QuoteState
    view: PostView | None = None
    post_id: int | None = None

    @classmethod
    def of(cls, facts: QuoteFacts, quoted: Post | None) -> "QuoteView":
        if facts.quoted_id is None or quoted is None:
            return cls(state=facts.state)
        inner = None if facts.inner_state is None else cls(state=facts.inner_state, post_id=facts.inner_id)
        view = PostView(post=quoted, counts=facts.counts, marks=facts.marks, quote=inner)
        return cls(state=facts.state, view=view, post_id=quoted.id)


class PollDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A new poll, or the poll of an edited post. An edit that leaves the answers ignores `expires_in`."""

    titles: tuple[str, ...]
    expires_in: int | None  # seconds
    is_multiple: bool = False
    hides_totals: bool | None = None  # None: as it was


class PostDraft(msgspec.Struct, frozen=True, kw_only=True):
    """What an author wants to publish. `media_ids` in the order shown."""

    text: str = ""
    visibility: Visibility | None = None  # None: not chosen
    default_visibility: Visibility = Visibility.PUBLIC  # used if not chosen; a reply is at least as closed as its parent
    reply_to_id: int | None = None
    cover: str = ""
    is_sensitive: bool = False
    language: str | None = None  # in an edit: None leaves it, an empty string clears it
    media_ids: tuple[int, ...] = ()
    poll: PollDraft | None = None
    quoted_id: int | None = None
    quote_policy: QuotePolicy | None = None  # in an edit: None leaves it
    app_id: int | None = None
    idempotency_key: str | None = None
