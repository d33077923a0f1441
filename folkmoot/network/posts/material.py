"""What a draft refers to. No input or output. `queries/material.py` reads it."""

import msgspec

from folkmoot.network.accounts.model import Account
from folkmoot.network.posts.model import Picture, Post, PostView


class Material(msgspec.Struct, frozen=True, kw_only=True):
    """What a draft refers to: the mentioned accounts, its pictures, the post it answers, the post it quotes.

    `unknown`: the mentions, as written, that belong to no account. `names_somebody`: some mention belongs to an account,
    be it one that blocks the author and is not among `people`.
    """

    people: tuple[Account, ...] = ()
    unknown: tuple[str, ...] = ()
    names_somebody: bool = False
    pictures: tuple[Picture, ...] = ()
    parent: Post | None = None
    quoted: PostView | None = None
