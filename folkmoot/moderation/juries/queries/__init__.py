"""All SQL of juries: `stored` (juries and seats), `eligible` (who can be asked), `own` (what a juror reads), `waiting` (what is to be
done), `fits` (weights and camps), `figures` and `forgetting`."""

from folkmoot.moderation.juries.queries.eligible import (
    Able,
    count_able,
    is_able,
    list_able,
    list_able_of,
    list_excluded,
    list_tied,
    list_tied_to_post,
)
from folkmoot.moderation.juries.queries.figures import Figures, Progress, find_progress, get_figures
from folkmoot.moderation.juries.queries.fits import (
    Answered,
    Gold,
    delete_unneeded_fits,
    find_fit,
    insert_fit,
    list_answered,
    list_follows,
    list_gold,
    list_places,
    list_weights,
    replace_places,
)
from folkmoot.moderation.juries.queries.forgetting import delete_seats
from folkmoot.moderation.juries.queries.own import OwnSeat, count_waiting, list_outcomes, list_own_seats
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
    void_outstanding,
)
from folkmoot.moderation.juries.queries.waiting import find_docket, insert_passed, list_sitting_about, list_to_advance

__all__ = [
    "Able", "Answered", "Figures", "Gold", "OwnSeat", "Progress", "count_able", "count_outstanding", "count_waiting", "delete_seats",
    "delete_unneeded_fits", "find_docket", "find_fit", "find_jury", "find_progress", "get_figures", "get_own_seat", "insert_fit",
    "insert_jury", "insert_passed", "insert_seats", "is_able", "list_able", "list_able_of", "list_answered", "list_excluded",
    "list_follows", "list_gold", "list_outcomes", "list_own_outstanding", "list_own_seats", "list_places", "list_seats",
    "list_sitting_about", "list_tied", "list_tied_to_post", "list_to_advance", "list_weights", "lock_jury", "replace_places",
    "update_jury", "update_seat", "void_outstanding",
]
