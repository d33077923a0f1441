"""Decides after each answer whether a case needs more jurors, has a verdict, or goes to staff.

Two conditions for a verdict: the log-odds are beyond CERTAIN, and both camps bear it. A removal needs a third of the say in each
camp, a case that is kept needs one answer in each. So no camp alone removes what the other one sees as harmless, nor protects its own.
The say of a juror is a weight, not a head: jurors who are known to answer by camp have little of it, and thus no veto.
"""

from folkmoot.moderation.jury.model import (
    CERTAIN,
    FIRST_SEATS,
    FIRST_SEATS_IF_AGREED,
    MORE_SEATS,
    MOST_SEATS,
    Standing,
    Step,
    StepKind,
)


def next_step(standing: Standing, *, is_agreed: bool) -> Step:
    """`is_agreed`: the detector and the reports say the same about the case, so that three jurors are enough to begin with. Asks only
    when all who were asked have answered or lost their seat."""
    first = FIRST_SEATS_IF_AGREED if is_agreed else FIRST_SEATS
    if standing.reviews < first:
        return Step(StepKind.ASK, first - standing.reviews)
    if standing.log_odds >= CERTAIN and is_removal_borne(standing):
        return Step(StepKind.BREACH)
    if standing.log_odds <= -CERTAIN and is_keeping_borne(standing):
        return Step(StepKind.HARMLESS)
    if standing.reviews >= MOST_SEATS:
        return Step(StepKind.STAFF, reason="camps disagree" if abs(standing.log_odds) >= CERTAIN else "jurors disagree")
    return Step(StepKind.ASK, min(MORE_SEATS, MOST_SEATS - standing.reviews))


def is_removal_borne(standing: Standing) -> bool:
    return all(camp.breach and 3 * camp.breach_say >= camp.say for camp in standing.camps)


def is_keeping_borne(standing: Standing) -> bool:
    return all(camp.harmless for camp in standing.camps)
