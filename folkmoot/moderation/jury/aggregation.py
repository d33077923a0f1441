"""What the answers of one case amount to, from the jurors' fitted weights. Sums of whole numbers: microseconds, and the same bytes always.

`fitting.fit` runs from time to time, over all votes; its weights are recorded with each vote that is counted with them, so that
`posterior` gives the same standing again years later.
"""

from collections.abc import Iterable, Mapping

from folkmoot.moderation.jury.model import Answer, Camp, CampCount, Relation, Reliability, Standing, Vote


def posterior(votes: Iterable[Vote], reliability: Reliability, side: Camp | None, camps: Mapping[int, Camp]) -> Standing:
    """The standing of one case. Jurors without votes before have the weights of a newcomer."""
    log_odds, reviews = reliability.base, 0
    counts = {camp: [0, 0, 0, 0] for camp in Camp}
    for vote in votes:
        reviews += 1
        if vote.answer is Answer.UNSURE:
            continue
        camp = camps[vote.juror_id]
        relation, weights = Relation.of(camp, side), reliability.of(vote.juror_id)
        is_breach = vote.answer is Answer.BREACH
        log_odds += weights.breach[relation] if is_breach else -weights.harmless[relation]
        count, say = counts[camp], weights.say(relation)
        count[0 if is_breach else 1] += 1
        count[2] += say if is_breach else 0
        count[3] += say
    return Standing(log_odds=log_odds, reviews=reviews, camps=(CampCount(*counts[Camp.ONE]), CampCount(*counts[Camp.TWO])))
