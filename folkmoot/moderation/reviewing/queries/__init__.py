"""All SQL of reviewing: `asked` (gold questions, what jurors have done, who is to be called) and `sample` (posts of the daily sample)."""

from folkmoot.moderation.reviewing.queries.asked import (
    GoldCase,
    can_see_picture,
    count_use,
    delete_gold_cases,
    insert_gold_cases,
    list_answered_since,
    list_gold_cases,
    list_subjects,
    list_waiting_jurors,
)

__all__ = [
    "GoldCase", "can_see_picture", "count_use", "delete_gold_cases", "insert_gold_cases", "list_answered_since", "list_gold_cases",
    "list_subjects", "list_waiting_jurors",
]
