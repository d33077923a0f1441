"""All SQL of detection: signals, the texts that are examined, stored detectors, and requests to a reader."""

from folkmoot.moderation.detection.queries.readers import (
    count_asked,
    delete_requests,
    take_requests,
    update_answered,
    upsert_requests,
)
from folkmoot.moderation.detection.queries.signals import (
    blank_reasons,
    blank_reasons_of_account,
    insert_signal,
    list_highest_scores,
    list_post_texts_unscoped,
    list_profile_texts_unscoped,
    list_signals,
    was_profile_decided,
)
from folkmoot.moderation.detection.queries.stored import (
    delete_oldest,
    find_choice,
    find_file,
    find_header,
    insert_choice,
    insert_detector,
    list_choices,
    list_installed,
    lock_choices,
)

__all__ = [
    "blank_reasons", "blank_reasons_of_account", "count_asked", "delete_oldest", "delete_requests", "find_choice", "find_file",
    "find_header", "insert_choice", "insert_detector", "insert_signal", "list_choices", "list_highest_scores", "list_installed",
    "list_post_texts_unscoped", "list_profile_texts_unscoped", "list_signals", "lock_choices", "take_requests", "update_answered",
    "upsert_requests", "was_profile_decided",
]
