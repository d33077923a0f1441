"""Replaces the names of accounts by letters, so that a case is decided without knowing who wrote it.

Only names after an `@` are replaced, also in addresses of profiles. Display names are not looked for in texts: their owners
choose them, and could choose a word that a moderator has to read.
"""

import re
from collections.abc import Iterable

import msgspec

from folkmoot.network.posts.model import Post
from folkmoot.network.posts.versions import PostVersion, QuotedWords

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_HANDLE = re.compile(r"(?<![\w@.])@([a-z0-9_]+(?:[a-z0-9_.-]*[a-z0-9_])?)(?:@([a-z0-9.:-]*[a-z0-9]))?", re.I | re.A)
_AUTHOR = "…"


class Masks:
    """The letters of one page. The reported author has none: an empty text."""

    def __init__(self, author_acct: str) -> None:
        self._letters = {author_acct.lower(): ""}
        self._given = 0

    def letter_of(self, acct: str) -> str:
        """The letter of an account, which gets the next free one if it has none. After Z the letters start again."""
        key = acct.lower()
        name = key.partition("@")[0]  # a handle of this network may be written with its host
        known = self._letters.get(key, self._letters.get(name))
        if known is None:
            known = _LETTERS[self._given % len(_LETTERS)]
            self._given += 1
            self._letters.setdefault(name, known)
        return self._letters.setdefault(key, known)

    def mask(self, text: str) -> str:
        """A text with a letter for each name in it."""
        return _HANDLE.sub(lambda found: "@" + (self.letter_of(found[0][1:]) or _AUTHOR), text)

    def mask_version(self, version: PostVersion) -> PostVersion:
        """A post with masked texts: its own, the cover, the answers of a poll, the descriptions of pictures, and what it quotes."""
        pictures = tuple(msgspec.structs.replace(picture, description=self.mask(picture.description)) for picture in version.pictures)
        return msgspec.structs.replace(
            version, text=self.mask(version.text), cover=self.mask(version.cover), poll_titles=tuple(map(self.mask, version.poll_titles)),
            pictures=pictures, quoted=self._mask_quoted(version.quoted) if version.quoted else None,
        )

    def _mask_quoted(self, quoted: QuotedWords) -> QuotedWords:
        """Quoted words with a letter instead of their author; an empty one if the reported author quotes an own post."""
        return msgspec.structs.replace(
            quoted, acct=self.letter_of(quoted.acct), text=self.mask(quoted.text), cover=self.mask(quoted.cover)
        )


def masks_for(author_acct: str, posts: Iterable[Post]) -> Masks:
    """Gives letters to the authors of posts and to those whom they mention, in this order."""
    masks = Masks(author_acct)
    for post in posts:
        for acct in (post.author.acct, *(mention.acct for mention in post.mentions)):
            masks.letter_of(acct)
    return masks
