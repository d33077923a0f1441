"""Receives notices, verifies their senders, joins them to cases, and watches their deadlines."""

from folkmoot.moderation.notices.actions.checking import checked
from folkmoot.moderation.notices.actions.collecting import collect_mails
from folkmoot.moderation.notices.actions.deadlines import alarm_staff, note_deadlines
from folkmoot.moderation.notices.actions.joining import list_sender_ids
from folkmoot.moderation.notices.actions.reading import add_addresses, answer_by_hand, read_notice, vouch_for_sender
from folkmoot.moderation.notices.actions.receiving import confirm_address, receive_notice

__all__ = [
    "add_addresses", "alarm_staff", "answer_by_hand", "checked", "collect_mails", "confirm_address", "list_sender_ids", "note_deadlines",
    "read_notice", "receive_notice", "vouch_for_sender",
]
