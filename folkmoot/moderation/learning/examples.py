"""The training rows of this network: what settled verdicts say about texts, and what people said about posts drawn at random.

A text that was kept is harmless. One that broke a rule about violence is a threat. One that broke another rule says nothing
about threats and is left out. Every fourth text is held out: no detector is ever trained on it, so that all of them can be
measured on it. Equal texts are on the same side.
"""

import zlib
from collections.abc import Iterable

from folkmoot.base.db import ReadConn
from folkmoot.moderation.clauses.model import Family
from folkmoot.moderation.clauses.published import clause_of
from folkmoot.moderation.detection import folding
from folkmoot.moderation.detection.model import Example
from folkmoot.moderation.detection.queries import list_post_texts_unscoped
from folkmoot.moderation.evidence.model import ProfileVersion
from folkmoot.moderation.learning import queries
from folkmoot.moderation.learning.model import Answer, DecidedText
from folkmoot.moderation.verdicts.precedents import text_of

_AT_ONCE = 500
_HELD_OUT = 4  # every fourth
FILE = "own"


async def list_own_examples(conn: ReadConn) -> list[Example]:
    """One row for each text that was decided; the newest verdict counts."""
    found: dict[str, Example] = {}
    after = 0
    while decided := await queries.list_decided_texts(conn, after, _AT_ONCE):
        after = decided[-1].case_id
        for one in decided:
            example = _example_of(one)
            if example is not None:
                found[folding.unmask(example.text).text] = example
    await _add_samples(conn, found)
    await _add_judged(conn, found)
    return list(found.values())


async def _add_samples(conn: ReadConn, found: dict[str, Example]) -> None:
    """Adds the answers to samples; a verdict about the same text counts more."""
    after = 0
    while answered := await queries.list_answered(conn, after, _AT_ONCE):
        after = answered[-1][0]
        answers = dict(answered)
        for text in await list_post_texts_unscoped(conn, list(answers)):
            threat = int(answers[text.subject_id] is Answer.THREAT)
            found.setdefault(folding.unmask(text.text).text, _row(str(text.subject_id), text.text, threat, text.language))


async def _add_judged(conn: ReadConn, found: dict[str, Example]) -> None:
    """Adds the posts of the random sample. One that breaks only rules that are not about violence is left out, as with verdicts."""
    after = 0
    while judged := await queries.list_judged(conn, after, _AT_ONCE):
        after = judged[-1][0]
        violent = {post_id: any(map(_is_violent, clauses)) for post_id, clauses in judged}
        clear = [post_id for post_id, clauses in judged if violent[post_id] or not clauses]
        for text in await list_post_texts_unscoped(conn, clear):
            row = _row(str(text.subject_id), text.text, int(violent[text.subject_id]), text.language)
            found.setdefault(folding.unmask(text.text).text, row)


def _is_violent(clause: str) -> bool:
    return Family.VIOLENCE in clause_of(clause).families


def with_split(rows: Iterable[Example]) -> tuple[list[Example], list[Example]]:
    """(rows to train on, rows to measure on). A row that says `dev` is held out in any case."""
    training: list[Example] = []
    held_out: list[Example] = []
    for row in rows:
        is_held_out = row.split != "train" or zlib.crc32(folding.unmask(row.text).text.encode()) % _HELD_OUT == 0
        (held_out if is_held_out else training).append(row)
    return training, held_out


def _example_of(decided: DecidedText) -> Example | None:
    text = text_of(decided.version)
    if not text or not (decided.is_kept or _is_violent(decided.clause)):
        return None
    lang = None if isinstance(decided.version, ProfileVersion) else decided.version.language
    return _row(str(decided.case_id), text, 0 if decided.is_kept else 1, lang)


def _row(name: str, text: str, threat: int, lang: str | None) -> Example:
    return Example(id=name, text=text, lang=lang, threat=threat, split="train", file=FILE, group=name, labels={})
