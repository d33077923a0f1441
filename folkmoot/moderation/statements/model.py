"""What a statement of reasons is. No input or output.

It stores facts; the page turns them into sentences in the reader's language. DSA Art. 17(3) requires: what is restricted
and until when, the facts, who noticed, whether a machine noticed or decided, the rule, and how to object.
"""

from datetime import datetime
from enum import StrEnum

import msgspec

from folkmoot.network.posts.versions import PostVersion


class Source(StrEnum):
    """Who noticed (DSA Art. 17(3)(b)). Stored."""

    REPORT = "report"
    NOTICE = "notice"  # from outside (DSA Art. 16)
    DETECTOR = "detector"

    @classmethod
    def of(cls, *, is_noticed: bool, is_reported: bool, is_signalled: bool) -> "Source":
        """A notice from outside goes before the reports of members, and these before a detector."""
        if is_noticed:
            return cls.NOTICE
        return cls.DETECTOR if is_signalled and not is_reported else cls.REPORT


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """`quote` is the author's text at the time. `is_interim`: imposed by the detector until a moderator
    decides or, with `is_after_deadline`, because nobody has decided in time."""

    id: int
    account_id: int
    restriction_id: int
    case_id: int
    kind: str
    clause: str
    policy: str
    quote: str
    explanation: str
    source: Source
    is_interim: bool
    is_after_deadline: bool = False
    posted_at: datetime | None
    until: datetime | None
    issued_at: datetime
    told_at: datetime | None
    lifted_at: datetime | None = None
    verdict_id: int | None = None
    subject_id: int | None = None  # the restricted post or account
    is_of_account: bool = False
    notifier: str = ""  # the kind of the registered contact (`contacts.model.Kind`) whose notice led to it
    content_types: tuple[str, ...] = ()  # text, image; empty in statements of earlier releases
    content_language: str | None = None
    is_deleted: bool = False  # its author has deleted the post
    cleared_at: datetime | None = None  # when the removed post was deleted for good

    @property
    def is_in_force(self) -> bool:
        return self.lifted_at is None


class Quoted(msgspec.Struct, frozen=True):
    """The text that a statement is about, when it was written, in which language, and what the content consists of."""

    text: str = ""
    posted_at: datetime | None = None
    content_types: tuple[str, ...] = ("text",)
    language: str | None = None

    @classmethod
    def of(cls, *versions: PostVersion) -> "Quoted":
        """The texts of these versions of a post, of which the last one stands."""
        present = versions[-1]
        kinds = (("text", any(one.quote or one.poll_titles for one in versions)), ("image", any(one.pictures for one in versions)))
        return cls(
            "\n\n".join(dict.fromkeys(one.quote for one in versions if one.quote)), present.stood_from,
            tuple(kind for kind, is_there in kinds if is_there) or ("text",), present.language,
        )
