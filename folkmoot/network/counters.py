"""Counters as deltas: a change adds a row, a timed job (`folding.py`) folds the rows into totals.

This way a thousand accounts that favourite one post do not wait for each other's row lock. Pages read the totals,
which lag by about a second; the response to a viewer's own change adds the deltas not folded yet. Only what everybody
may see is counted (decision 0045).
"""

from collections.abc import Iterable
from enum import IntEnum

from folkmoot.base.db import WriteTx


class Counter(IntEnum):
    """What is counted, and for which kind of subject. The numbers are stored."""

    ACCOUNT_POSTS = 1
    ACCOUNT_FOLLOWERS = 2
    ACCOUNT_FOLLOWING = 3
    POST_REPLIES = 11
    POST_BOOSTS = 12
    POST_FAVOURITES = 13
    POST_QUOTES = 14


def insert_deltas_sql(source: str) -> str:
    """SQL that inserts the deltas that the query `source` returns: (subject id, counter, delta)."""
    return f"INSERT INTO counter_deltas (subject_id, counter, delta) {source}"


async def add_deltas(tx: WriteTx, deltas: Iterable[tuple[int, Counter, int]]) -> None:
    """Inserts deltas (subject id, counter, delta) in the transaction of the change."""
    rows = list(deltas)
    await tx.execute(
        insert_deltas_sql("SELECT * FROM unnest($1::bigint[], $2::smallint[], $3::int[])"),
        [subject for subject, _, _ in rows], [int(counter) for _, counter, _ in rows], [delta for _, _, delta in rows],
    )
