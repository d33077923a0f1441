"""All SQL of cases: `reading`, `writing`, `seats`, `notes`, who is barred from a case (`concern`), who is offered it (`offering`), and the
orders of the queue (`orders`)."""

from folkmoot.moderation.cases.queries.concern import count_stuck, is_concerned, list_concerned
from folkmoot.moderation.cases.queries.notes import blank_notes, insert_note, list_notes, update_assigned
from folkmoot.moderation.cases.queries.offering import count_left, list_avoiding, list_left_clauses
from folkmoot.moderation.cases.queries.reading import (
    count_open,
    count_waiting,
    get_case,
    get_reach,
    holds_case_with_picture,
    list_assigned,
    list_cases_of_account,
    list_others,
    list_queue,
    list_subject_ids,
    list_with_open_case,
    list_without_jury,
    was_decided,
)
from folkmoot.moderation.cases.queries.seats import list_seats, upsert_seat
from folkmoot.moderation.cases.queries.writing import (
    can_be_decided,
    find_appeal_case,
    find_open_case,
    insert_case,
    list_open_cases_of_account,
    list_open_cases_of_post,
    lock_case,
    lock_free_cases,
    protect_subject,
    take_calls,
    take_deadlines,
    take_overdue,
    update_barred,
    update_confirmed,
    update_demanded,
    update_due_at,
    update_estimate,
    update_probabilities,
    update_state,
)

__all__ = [
    "blank_notes", "can_be_decided", "count_left", "count_open", "count_stuck", "count_waiting", "find_appeal_case", "find_open_case",
    "get_case", "get_reach", "holds_case_with_picture", "insert_case", "insert_note", "is_concerned", "list_assigned", "list_avoiding",
    "list_cases_of_account", "list_concerned", "list_left_clauses", "list_notes", "list_open_cases_of_account",
    "list_open_cases_of_post", "list_others", "list_queue", "list_seats", "list_subject_ids", "list_with_open_case", "list_without_jury",
    "lock_case", "lock_free_cases", "protect_subject", "take_calls", "take_deadlines", "take_overdue", "update_assigned",
    "update_barred", "update_confirmed", "update_demanded", "update_due_at", "update_estimate", "update_probabilities", "update_state",
    "upsert_seat", "was_decided",
]
