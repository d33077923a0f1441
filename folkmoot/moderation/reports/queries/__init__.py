"""All SQL of reports: `stored`, `outcomes`, `mails` about them, what those who decide see (`deciding`), whole reports for moderators
(`handling`), how much a report weighs (`weights`), and how many there are (`counting`)."""

from folkmoot.moderation.reports.queries.counting import count_opened, count_resolved
from folkmoot.moderation.reports.queries.deciding import count_reasons, count_reporters, list_anonymous_reports
from folkmoot.moderation.reports.queries.handling import get_report, is_report_concerning, list_cases_of_reports, list_reports_for
from folkmoot.moderation.reports.queries.mails import take_due_mails, upsert_outcome_mails
from folkmoot.moderation.reports.queries.outcomes import find_settled, list_outcomes, reset_told, take_untold
from folkmoot.moderation.reports.queries.stored import (
    blank_comments,
    get_own_report,
    insert_report,
    list_own_reports,
    list_own_reports_of_case,
)
from folkmoot.moderation.reports.queries.weights import (
    find_place,
    insert_report_case,
    list_cases_of_reporters,
    list_reporters,
    list_weights,
    update_weights,
)

__all__ = [
    "blank_comments", "count_opened", "count_reasons", "count_reporters", "count_resolved", "find_place", "find_settled",
    "get_own_report", "get_report", "insert_report", "insert_report_case", "is_report_concerning", "list_anonymous_reports",
    "list_cases_of_reporters", "list_cases_of_reports", "list_outcomes", "list_own_reports", "list_own_reports_of_case",
    "list_reporters", "list_reports_for", "list_weights", "reset_told", "take_due_mails", "take_untold", "update_weights",
    "upsert_outcome_mails",
]
