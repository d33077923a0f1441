"""Counts the answers of a jury, and derives the decision from them. Pure, so that a verdict can be computed again from the journal.

A `Count` holds everything that the result depends on: answers, weights, the share of breaches before any answer, the side of the author,
and the measures that the policy named at that time. Seats are numbers; no account is in it.

Which measure: the policy names the usual measures of a clear breach of each clause; of these, those on posts count, because who judges a
post without its author cannot judge the author. By the median of what the jurors who found a breach said (the milder one of two middles):
grave: the gravest usual measure; clear: the mildest one; slight: one step milder than that. Where the policy names no measure on
posts, `_ELSE` is usual. An appeal of the author never ends with a graver measure than the first decision.
"""

from collections import Counter
from collections.abc import Mapping
from statistics import median_low
from typing import Any

import msgspec

from folkmoot.moderation.juries.model import Severity
from folkmoot.moderation.jury import aggregation, stopping
from folkmoot.moderation.jury.model import Answer, Camp, CampCount, Reliability, Standing, Step, StepKind, Vote, Weights, probability_of
from folkmoot.moderation.restrictions.model import Kind
from folkmoot.moderation.verdicts.model import Action

_LADDER = ((Kind.LABEL, Action.LABEL), (Kind.LIMIT_POST, Action.LIMIT), (Kind.HIDE, Action.HIDE), (Kind.REMOVE, Action.REMOVE))
_ELSE = (Kind.HIDE, Kind.REMOVE)


class Ballot(msgspec.Struct, frozen=True, array_like=True):
    """The answer of one seat, with the weights of its juror. `clause` and `severity`: of a breach."""

    number: int
    camp: Camp
    answer: Answer
    clause: str
    severity: Severity | None
    weights: Weights


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """What is counted. `fit`: the version of the weights; `suspected`: the clause of the case; `usual`: the measures of the clauses that
    were named, in the version `policy`; `at_most`: the action of the decision against which the author appeals, else empty."""

    ballots: tuple[Ballot, ...]
    base: int
    fit: int
    side: Camp | None
    is_agreed: bool
    policy: str
    suspected: str
    usual: Mapping[str, tuple[str, ...]]
    at_most: str = ""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What follows from a count. `action` and `clause`: of a verdict."""

    log_odds: int
    reviews: int
    camps: tuple[CampCount, CampCount]
    step: StepKind
    seats: int
    reason: str
    action: str
    clause: str

    @property
    def probability(self) -> float:
        """Of a breach, for people."""
        return probability_of(self.log_odds)


def conclude(count: Count) -> Result:
    standing = _standing(count)
    step = stopping.next_step(standing, is_agreed=count.is_agreed)
    action, clause = _decision(count, step)
    return Result(
        log_odds=standing.log_odds, reviews=standing.reviews, camps=standing.camps, step=step.kind, seats=step.seats, reason=step.reason,
        action=action, clause=clause,
    )


def facts_of(count: Count) -> dict[str, Any]:
    """The entry of the journal: what was counted, and the result."""
    return {"count": count, "result": conclude(count)}


def clause_found(count: Count) -> str:
    """The clause that most of those who found a breach named; of several the suspected one, else the first by its key."""
    named = Counter(ballot.clause for ballot in count.ballots if ballot.answer is Answer.BREACH)
    return min(named, key=lambda clause: (-named[clause], clause != count.suspected, clause))


def measure(usual: tuple[str, ...], severity: Severity, at_most: str = "") -> Action:
    """The action for a breach of a clause with these usual measures."""
    kinds = [kind for kind, _ in _LADDER]
    rungs = [place for place, kind in enumerate(kinds) if kind in usual] or [kinds.index(kind) for kind in _ELSE]
    place = {Severity.SLIGHT: max(0, rungs[0] - 1), Severity.CLEAR: rungs[0], Severity.GRAVE: rungs[-1]}[severity]
    actions = [action for _, action in _LADDER]
    if at_most in actions:
        place = min(place, actions.index(Action(at_most)))
    return actions[place]


def _standing(count: Count) -> Standing:
    reliability = Reliability(
        base=count.base, newcomer=Weights((0, 0, 0), (0, 0, 0)), rates={}, weights={one.number: one.weights for one in count.ballots}
    )
    votes = [Vote(0, one.number, one.answer) for one in count.ballots]
    return aggregation.posterior(votes, reliability, count.side, {one.number: one.camp for one in count.ballots})


def _decision(count: Count, step: Step) -> tuple[str, str]:
    """(action, clause) of a verdict; empty if there is none yet."""
    if step.kind is StepKind.HARMLESS:
        return Action.KEEP, ""
    if step.kind is not StepKind.BREACH:
        return "", ""
    clause = clause_found(count)
    severities = [one.severity or Severity.CLEAR for one in count.ballots if one.answer is Answer.BREACH]
    return measure(count.usual.get(clause, ()), Severity(median_low(severities)), count.at_most), clause
