"""All SQL of notices: `stored`, `removals` of their posts, and `positions` in the mailbox."""

from folkmoot.moderation.notices.queries.positions import find_position, upsert_position
from folkmoot.moderation.notices.queries.removals import find_removal_case, is_pointed_out, lock_removal, update_notice_case
from folkmoot.moderation.notices.queries.stored import (
    SubjectFacts,
    count_unanswered,
    find_joined_case,
    find_notice_by_mail,
    find_notice_by_reference,
    find_raw,
    forget_senders,
    get_notice,
    get_notice_by_number,
    has_removal_order,
    insert_notice,
    insert_notice_case,
    list_noticed,
    list_notices_of_case,
    list_notifiers,
    list_outcomes,
    list_posts_named,
    list_waiting,
    lock_notice,
    take_deadlines,
    update_notice,
    update_told,
)

__all__ = [
    "SubjectFacts", "count_unanswered", "find_joined_case", "find_notice_by_mail", "find_notice_by_reference", "find_position",
    "find_raw", "find_removal_case", "forget_senders", "get_notice", "get_notice_by_number", "has_removal_order", "insert_notice",
    "insert_notice_case", "is_pointed_out", "list_noticed", "list_notices_of_case", "list_notifiers", "list_outcomes",
    "list_posts_named", "list_waiting", "lock_notice", "lock_removal", "take_deadlines", "update_notice", "update_notice_case",
    "update_told", "upsert_position",
]
