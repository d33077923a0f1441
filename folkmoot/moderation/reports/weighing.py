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

_MOST_CASES = 1000
_LEAST_CHANGE = 0.0001


async def weigh_again(tx: WriteTx, case_id: int) -> int:
    """Estimates the other open cases of the reporters of a settled case; returns how many estimates have changed.

    Cases that another transaction changes at this moment are left out, so that this one never waits, and those with a
    notice, whose sender counts too: the next report or notice estimates them. Deadlines stay.
    """
    cases = await lock_free_cases(tx, await queries.list_cases_of_same_reporters(tx, case_id, _MOST_CASES))
    noticed = await list_noticed(tx, [case.id for case in cases])
    weighed = [case for case in cases if case.id not in noticed and case.probability > 0]
    case_ids = [case.id for case in weighed]
    await queries.update_weights(tx, case_ids, case_id)
    weights, scores = await queries.list_weights(tx, case_ids), await list_highest_scores(tx, case_ids)
    changes = []
    for case in weighed:
        probability = probability_of(scores.get(case.id, 0.0), weights.get(case.id, ()))
        if abs(probability - case.probability) > _LEAST_CHANGE:
            changes.append((case.id, probability))
    await update_probabilities(tx, changes)
    return len(changes)
