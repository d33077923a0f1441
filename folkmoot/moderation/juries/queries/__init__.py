"""All SQL of juries: `stored` (juries and seats), `eligible` (who can be asked), `own` (what a juror reads)."""

from folkmoot.moderation.juries.queries.eligible import Able, count_able, is_able, list_able, list_tied
from folkmoot.moderation.juries.queries.own import count_waiting, list_outcomes
from folkmoot.moderation.juries.queries.stored import (
    count_outstanding,
    find_jury,
    get_own_seat,
    insert_jury,
    insert_seats,
    list_own_outstanding,
    list_seats,
    lock_jury,
    update_jury,
    update_seat,
)

__all__ = [
    "Able", "count_able", "count_outstanding", "count_waiting", "find_jury", "get_own_seat", "insert_jury", "insert_seats", "is_able",
    "list_able", "list_outcomes", "list_own_outstanding", "list_seats", "list_tied", "lock_jury", "update_jury", "update_seat",
]
