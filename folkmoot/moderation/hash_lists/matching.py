"""Finds what lists know about a post or a profile."""

from collections.abc import Sequence

from folkmoot.base.db import ReadConn
from folkmoot.moderation.cases.model import Subject
from folkmoot.moderation.detection.model import ExaminedText, Finding
from folkmoot.moderation.hash_lists import queries
from folkmoot.moderation.hash_lists.model import Match, Sought, addresses_of, text_keys, widened

DETECTOR = "hash list"  # the name in signals; their version is the name of the list
_EXACT, _NEAR, _PER_BIT = 0.95, 0.9, 0.012


def sought_in(text: ExaminedText, files: Sequence[str] = (), pictures: Sequence[int] = ()) -> Sought:
    keys = dict.fromkeys(key for part in (text.text, text.body) if part for key in text_keys(part))
    return Sought(
        files=tuple(files), pictures=tuple(pictures), texts=tuple(keys),
        addresses=widened(sorted(addresses_of(text.text))),
    )


async def find_matches(conn: ReadConn, sought: Sought) -> list[Match]:
    """The strongest match of each list: exact ones first, then the most alike picture."""
    exact = sought.exact()
    found = await queries.list_exact(conn, exact) if exact else []
    for picture in sought.pictures:
        found += await queries.list_near(conn, picture)
    strongest: dict[str, Match] = {}
    for match in sorted(found, key=lambda one: -1 if one.distance is None else one.distance):
        strongest.setdefault(match.entry.list, match)
    return list(strongest.values())


def finding_of(match: Match, subject: Subject) -> Finding:
    """The match as a finding of a detector. Profiles are never hidden before a decision."""
    score = _EXACT if match.distance is None else _NEAR - _PER_BIT * match.distance
    return Finding(
        score=score, queue=True, hide=match.is_holding and subject is Subject.POST, reasons=(match.entry.kind,), detector=DETECTOR,
        version=match.entry.list,
    )
