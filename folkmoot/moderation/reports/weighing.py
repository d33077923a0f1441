"""Estimates open cases again when the measured accuracy of their reporters has changed.

A case is estimated when a report joins it. Without this, the reports that somebody files at once would keep the weight of a
newcomer although nearly all of them turn out wrong, and would come before a newcomer's true report for days.
"""

from folkmoot.base.db import WriteTx
from folkmoot.moderation.cases.model import probability_of
from folkmoot.moderation.cases.queries import lock_free_cases, update_probabilities
from folkmoot.moderation.detection.queries import list_highest_scores
from folkmoot.moderation.notices.queries import list_noticed
from folkmoot.moderation.reports import queries
from folkmoot.moderation.reports.model import WeighAgain

WEIGH = "reports.weigh_again"  # job
_REPORTS_AT_ONCE = 500  # of one case
_MOST_CASES = 1000
_LEAST_CHANGE = 0.0001


async def weigh_again(tx: WriteTx, case_id: int, after: int = 0, most: int = _REPORTS_AT_ONCE) -> int:
    """Estimates the other open cases of the reporters of a settled case; returns how many estimates have changed.

    Of many reports, those after the report `after` come first and the rest is a job of its own, so that no transaction grows with their
    number. Cases that another transaction changes at this moment are left out, so that this one never waits, and those with a
    notice, whose sender counts too: the next report or notice estimates them. Deadlines stay.
    """
    reports = await queries.list_reporters(tx, case_id, after, most)
    if len(reports) == most:
        tx.enqueue(WEIGH, WeighAgain(case_id, reports[-1][0]))
    reporter_ids = sorted({reporter_id for _, reporter_id in reports})
    cases = await lock_free_cases(tx, await queries.list_cases_of_reporters(tx, reporter_ids, case_id, _MOST_CASES))
    noticed = await list_noticed(tx, [case.id for case in cases])
    weighed = [case for case in cases if case.id not in noticed and case.probability > 0]
    case_ids = [case.id for case in weighed]
    await queries.update_weights(tx, case_ids, reporter_ids)
    weights, scores = await queries.list_weights(tx, case_ids), await list_highest_scores(tx, case_ids)
    changes = []
    for case in weighed:
        probability = probability_of(scores.get(case.id, 0.0), weights.get(case.id, ()))
        if abs(probability - case.probability) > _LEAST_CHANGE:
            changes.append((case.id, probability))
    await update_probabilities(tx, changes)
    return len(changes)
