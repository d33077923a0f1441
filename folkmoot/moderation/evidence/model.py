"""What evidence is. No input or output.

The evidence of a case are the versions of its post or profile: all up to each report, the one that a decision was about, and
the last one before a deletion.
"""

import hashlib
from datetime import datetime
from typing import TypeAlias

import msgspec

from folkmoot.network.accounts.model import Account
from folkmoot.network.posts.model import PostEffect
from folkmoot.network.posts.versions import PostVersion


class ProfileVersion(msgspec.Struct, frozen=True, kw_only=True, tag="profile"):
    """The content of a profile at one time. Stored. `fields`: (name, value)."""

    username: str
    display_name: str
    bio: str
    fields: tuple[tuple[str, str], ...]
    avatar_key: str | None
    header_key: str | None
    avatar_description: str
    header_description: str
    stood_from: datetime

    @classmethod
    def of(cls, account: Account, now: datetime) -> "ProfileVersion":
        """The time of its last change is not known, so it stands from `now`."""
        return cls(
            username=account.username, display_name=account.display_name, bio=account.bio,
            fields=tuple((field.name, field.value) for field in account.fields), avatar_key=account.avatar_key,
            header_key=account.header_key, avatar_description=account.avatar_description,
            header_description=account.header_description, stood_from=now,
        )

    @property
    def key(self) -> str:
        """A hash of what readers see."""
        shown = msgspec.structs.replace(self, stood_from=datetime.min)
        return hashlib.sha256(msgspec.json.encode(shown)).hexdigest()[:32]

    @property
    def name(self) -> str:
        return self.display_name or self.username


Version: TypeAlias = PostVersion | ProfileVersion


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One version. `reported_at`: when it was reported first, None if it never stood when a report came in."""

    version: Version
    reported_at: datetime | None
    decided_at: datetime | None


class SubjectVersions(msgspec.Struct, frozen=True, kw_only=True):
    """The versions of a subject now, oldest first. Empty: it is deleted without a copy."""

    versions: tuple[Version, ...]
    is_deleted: bool
    effect: PostEffect = PostEffect.NONE  # of restrictions on a post

    @property
    def newest(self) -> Version | None:
        return self.versions[-1] if self.versions else None
