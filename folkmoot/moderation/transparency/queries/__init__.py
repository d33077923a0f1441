"""All SQL of transparency: reports about a period, monthly figures, published months, and notes of the operator."""

from folkmoot.moderation.transparency.queries.figures import (
    count_deadlines,
    count_hiding,
    count_intake,
    find_anchor_before,
    find_first_id,
    list_appeals,
    list_decisions,
    list_detections,
    list_incidents,
    list_speeds,
)
from folkmoot.moderation.transparency.queries.pauses import count_pauses
from folkmoot.moderation.transparency.queries.periods import (
    count_deciders,
    list_complaints,
    list_measures,
    list_notices,
    list_outcomes,
    list_reports,
    list_responses,
)
from folkmoot.moderation.transparency.queries.published import (
    blank_note,
    find_month,
    insert_month,
    insert_note,
    list_months,
    list_notes,
)

__all__ = [
    "blank_note",
    "count_deadlines",
    "count_deciders",
    "count_hiding",
    "count_intake",
    "count_pauses",
    "find_anchor_before",
    "find_first_id",
    "find_month",
    "insert_month",
    "insert_note",
    "list_appeals",
    "list_complaints",
    "list_decisions",
    "list_detections",
    "list_incidents",
    "list_measures",
    "list_months",
    "list_notes",
    "list_notices",
    "list_outcomes",
    "list_reports",
    "list_responses",
    "list_speeds",
]
