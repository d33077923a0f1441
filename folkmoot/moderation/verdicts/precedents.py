"""The settled decisions that are nearest to a case: the same rule, and the most words in common.

Words are compared by their first letters, because Czech changes their ends. A detector's vectors would find more; this needs
no model and no index, and a moderator sees at once why something is listed.
"""

import msgspec

from folkmoot.base.db import ReadConn
from folkmoot.base.text import search_words
from folkmoot.moderation.cases.model import Case
from folkmoot.moderation.evidence.model import ProfileVersion, Version
from folkmoot.moderation.verdicts.model import Verdict
from folkmoot.moderation.verdicts.queries import list_settled_with_texts

_SHOWN = 3
_STEM = 5  # letters of a word that are compared


class Precedent(msgspec.Struct, frozen=True):
    """A settled verdict, and the text that it was about."""

    verdict: Verdict
    text: str


async def list_precedents(conn: ReadConn, case: Case, moderator_id: int, version: Version | None) -> list[Precedent]:
    """The nearest verdicts under the suspected rule, without those about the same post or profile, which would reveal the first
    verdict on an appeal, and without cases that the moderator is concerned by."""
    if version is None:
        return []
    wanted = _stems(text_of(version))
    found = [
        (_likeness(wanted, _stems(text)), Precedent(verdict, text))
        for verdict, text in ((verdict, text_of(decided)) for verdict, decided in await list_settled_with_texts(conn, case, moderator_id))
    ]
    found.sort(key=lambda pair: (-pair[0], -pair[1].verdict.id))
    return [precedent for _, precedent in found[:_SHOWN]]


def text_of(version: Version) -> str:
    if isinstance(version, ProfileVersion):
        return "\n".join(filter(None, [version.name, version.bio, *(f"{name}: {value}" for name, value in version.fields)]))
    return "\n".join(filter(None, [version.cover, version.text, *version.poll_titles, *(one.description for one in version.pictures)]))


def _stems(text: str) -> set[str]:
    return {word[:_STEM] for word in search_words(text)}


def _likeness(one: set[str], other: set[str]) -> float:
    return len(one & other) / len(one | other) if one | other else 0.0
