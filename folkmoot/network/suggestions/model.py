"""A suggested account. No input or output."""

from enum import StrEnum

import msgspec

from folkmoot.network.accounts.model import Account


class Source(StrEnum):
    """Why an account is suggested."""

    FOLLOWED = "followed"  # by accounts that the member follows
    POPULAR = "popular"  # writes, and is followed by many


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """`followed_by`: how many of the accounts that the member follows follow it, as far as they show whom they follow."""

    account: Account
    sources: tuple[Source, ...]
    followed_by: int = 0
