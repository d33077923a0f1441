"""What the operator tells members while no host answers, and the network's names. Signed by `lifeboat.py`.

This module needs no cryptography, so that web processes can show a letter without it.
"""

from datetime import datetime

import msgspec


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """`words` by language; `names` are all public addresses of the network."""

    domain: str
    network: str
    words: dict[str, str]
    names: list[str]
    written_at: datetime
    has_archive: bool = False  # whether the public posts are published beside it

    def in_language(self, language: str) -> tuple[str, str]:
        """(the words in this language, or in another one if there are none; their language)."""
        found = language if self.words.get(language) else next((one for one, words in self.words.items() if words), "")
        return self.words.get(found, ""), found
