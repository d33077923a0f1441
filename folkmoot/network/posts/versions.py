"""The content of a post at one time, for those who decide about it: what was reported, and what stands now.

Unlike the public history it includes language, pictures and everything else that a post shows, and it outlives the post.
"""

import hashlib
from datetime import datetime

import msgspec

from folkmoot.network.posts.model import Picture, Post, Visibility


class QuotedWords(msgspec.Struct, frozen=True, kw_only=True):
    """What a version quotes, as it stood when the version was read. `acct`: the handle of its author."""

    post_id: int
    account_id: int
    acct: str
    text: str
    cover: str


class PostVersion(msgspec.Struct, frozen=True, kw_only=True, tag="post"):
    """Stored. `edited_at` is None for the first version. Poll titles without their votes, which are anonymous."""

    text: str
    cover: str
    is_sensitive: bool
    language: str | None
    poll_titles: tuple[str, ...]
    pictures: tuple[Picture, ...]
    reply_to_id: int | None
    created_at: datetime
    edited_at: datetime | None
    quoted: QuotedWords | None = None  # the context of the words; not a part of them, so not of `key`

    @classmethod
    def of(cls, post: Post) -> "PostVersion":
        return cls(
            text=post.text, cover=post.cover, is_sensitive=post.is_sensitive, language=post.language,
            poll_titles=post.poll.titles if post.poll else (), pictures=post.pictures, reply_to_id=post.reply_to_id,
            created_at=post.created_at, edited_at=post.edited_at,
        )

    @property
    def stood_from(self) -> datetime:
        return self.edited_at or self.created_at

    @property
    def key(self) -> str:
        """A hash of what readers see, so that equal versions are stored once and a decision refers to one of them."""
        shown = (self.text, self.cover, self.is_sensitive, self.poll_titles, [(one.id, one.description) for one in self.pictures])
        return hashlib.sha256(msgspec.json.encode(shown)).hexdigest()[:32]

    @property
    def quote(self) -> str:
        """Cover and text, as quoted to the author."""
        return "\n\n".join(part for part in (self.cover, self.text) if part)


class DeletedPost(msgspec.Struct, frozen=True, kw_only=True):
    """What stays of a deleted post for a day. `participant_ids`: accounts that took part in it or in the thread above it."""

    post_id: int
    account_id: int
    visibility: Visibility
    participant_ids: tuple[int, ...]
    versions: tuple[PostVersion, ...]
    deleted_at: datetime


class Reportable(msgspec.Struct, frozen=True, kw_only=True):
    """A post that a member may report: visible to them, or shown to them before. `post_id` of a boost: the boosted post."""

    post_id: int
    account_id: int
    edited_at: datetime | None
    created_at: datetime
