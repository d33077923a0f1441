"""Finds rings: groups of jurors who answer as they have agreed, from the answers in cases in which several of them sat.

Two explanations of the answers of a group are compared in each such case. Apart: each member answers by its own table
(`Reliability.rates`), given the truth as the other jurors see it, and one case in ten is so hard that all guess. Together: in a share of
the cases all members answer as they were told, and otherwise better than their tables say, which contain what they were told.
The sum of the log-ratios is the evidence. If nobody is in a ring, the expectation of its exponential is 1 for each group. So, by
Markov's inequality and the union bound over all groups that are compared, a false ring is found in at most FALSE_RINGS of all
searches, if the evidence must exceed log(number of groups / FALSE_RINGS). Members of
one camp who all answer by camp are no ring: their tables say so.

A ring may be told something only about authors of one camp, or of neither, and answer like others elsewhere, which hides it among all
cases. So all cases are searched, and those of the authors of each side alone (decision 0129).
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from math import comb, inf, log, prod

import msgspec

from folkmoot.moderation.jury.aggregation import posterior
from folkmoot.moderation.jury.model import About, Answer, Camp, Relation, Reliability, Ring, Tried, Vote, probability_of

LEAST_MEMBERS = 5
FALSE_RINGS = 0.01
_MOST_MEMBERS = 60
_TOLD = (0.25, 0.5, 0.9)  # shares of the cases in which a ring answers as it was told: each is tried
_GUESSED = 0.1  # share of the cases in which all guess
_SEEDS = 40  # pairs from which a search begins
_MOST_FALLS = 3  # of the evidence, one after the other, until a group stops growing


class _Said(msgspec.Struct, frozen=True, array_like=True):
    """An answer, the log-odds it adds, and its probability if there is a breach and if there is none."""

    answer: Answer
    worth: int
    if_breach: float
    if_none: float


class _Tried(msgspec.Struct, frozen=True, array_like=True):
    """`known`: the evidence that was computed already, by members and told share; growing groups ask for the same again and again."""

    case_id: int
    side: Camp | None
    truth: Answer | None
    log_odds: int
    said: dict[int, _Said]
    known: dict[tuple[tuple[int, ...], float], float]


def find(votes: Sequence[Vote], cases: Mapping[int, Tried], camps: Mapping[int, Camp], reliability: Reliability) -> list[Ring]:
    """The rings, strongest evidence first. No juror is in two of them. `reliability` is a fit over these votes."""
    found: list[Ring] = []
    while True:
        taken = {juror_id for ring in found for juror_id in ring.juror_ids}
        # The members of a ring do not witness against others: who contradicts them together would look like a ring.
        tried = list(_tried([vote for vote in votes if vote.juror_id not in taken], cases, camps, reliability))
        strongest = max((_searched(tried, about) for about in About), key=lambda ring: ring.evidence)
        if not strongest.juror_ids:
            return found
        found.append(strongest)


def _searched(all_tried: Sequence[_Tried], about: About) -> Ring:
    """The group with the most evidence in the cases of these authors; nobody if it is not enough."""
    tried = [one for one in all_tried if about in (About.ALL, About.side(one.side))]
    of: dict[int, list[_Tried]] = {}
    for one in tried:
        for juror_id in one.said:
            of.setdefault(juror_id, []).append(one)
    surplus, members = max(_strongest(_pairs(tried, told), of, told) for told in _TOLD)
    return Ring(juror_ids=members, evidence=round(surplus, 3), about=about, cases=tuple(_shared(members, of)))


def _pairs(tried: Sequence[_Tried], told: float) -> dict[tuple[int, int], float]:
    found: dict[tuple[int, int], float] = {}
    for one in tried:
        for pair in combinations(sorted(one.said), 2):
            found[pair] = found.get(pair, 0.0) + _compared(one, pair, told)
    return found


def _strongest(pairs: Mapping[tuple[int, int], float], of: Mapping[int, list[_Tried]], told: float) -> tuple[float, tuple[int, ...]]:
    """The group with the most evidence, after the deduction for the number of groups; nobody if it is not enough."""
    neighbours: dict[int, dict[int, float]] = {}
    for (one, other), score in pairs.items():
        neighbours.setdefault(one, {})[other] = score
        neighbours.setdefault(other, {})[one] = score
    best: tuple[float, tuple[int, ...]] = (0.0, ())
    for seed in sorted(pairs, key=lambda pair: (-pairs[pair], pair))[:_SEEDS]:
        highest, falls = -inf, 0
        for members in _grown(seed, neighbours):
            surplus = _surplus(members, of, told)
            best = max(best, (surplus, tuple(sorted(members))))
            highest, falls = (surplus, 0) if surplus > highest else (highest, falls + 1)
            if falls == _MOST_FALLS:
                break
    members = _without_bystanders(best[1], of, told)
    if len(members) < LEAST_MEMBERS or _surplus(members, of, told) <= 0:
        return 0.0, ()
    return _surplus(members, of, told), members


def _surplus(members: Sequence[int], of: Mapping[int, list[_Tried]], told: float) -> float:
    groups = comb(len(of), len(members)) * _MOST_MEMBERS * len(_TOLD) * len(About)
    return _total(members, of, told) - log(groups / FALSE_RINGS)


def _without_bystanders(members: tuple[int, ...], of: Mapping[int, list[_Tried]], told: float) -> tuple[int, ...]:
    """Nobody is named whose own answers are not evidence enough, after the deduction for all jurors who might have been named."""
    while members:
        total = _total(members, of, told)
        parts = [(total - _total([other for other in members if other != one], of, told), one) for one in members]
        least, weakest = min(parts)
        if least > log(len(of) / FALSE_RINGS):
            break
        members = tuple(one for one in members if one != weakest)
    return members


def _grown(seed: tuple[int, int], neighbours: Mapping[int, Mapping[int, float]]) -> Iterator[tuple[int, ...]]:
    """Groups of growing size: each time the juror joins who agrees most with all members."""
    members = list(seed)
    while len(members) < _MOST_MEMBERS:
        links: dict[int, float] = {}
        for member in members:
            for juror_id, score in neighbours[member].items():
                links[juror_id] = links.get(juror_id, 0.0) + score
        after = [(score, -juror_id) for juror_id, score in links.items() if juror_id not in members]
        if not after or max(after)[0] <= 0:
            return
        members.append(-max(after)[1])
        if len(members) >= LEAST_MEMBERS:
            yield tuple(members)


def _together(members: Sequence[int], of: Mapping[int, list[_Tried]]) -> Iterator[tuple[_Tried, list[int]]]:
    """The cases in which at least two of them sat, each once."""
    for at, first in enumerate(members):
        for one in of[first]:
            there = [juror_id for juror_id in members if juror_id in one.said]
            if len(there) >= 2 and there[0] == members[at]:
                yield one, there


def _total(members: Sequence[int], of: Mapping[int, list[_Tried]], told: float) -> float:
    return sum(_evidence(one, there, told) for one, there in _together(members, of))


def _shared(members: Sequence[int], of: Mapping[int, list[_Tried]]) -> list[tuple[int, tuple[Answer, ...]]]:
    return sorted((one.case_id, tuple(one.said[juror_id].answer for juror_id in there)) for one, there in _together(members, of))


def _evidence(one: _Tried, members: Sequence[int], told: float) -> float:
    """Log-ratio of the answers of these jurors in one case: together against apart."""
    key = tuple(sorted(members)), told
    if key not in one.known:
        one.known[key] = _compared(one, *key)
    return one.known[key]


def _compared(one: _Tried, members: tuple[int, ...], told: float) -> float:
    said = [one.said[juror_id] for juror_id in members]
    breach = probability_of(one.log_odds - sum(answer.worth for answer in said)) if one.truth is None else float(one.truth)
    apart = _likelihood(breach, [(answer.if_breach, answer.if_none) for answer in said])
    untold = _likelihood(breach, [(_untold(answer.if_breach, told), _untold(answer.if_none, told)) for answer in said])
    is_alike = len({answer.answer for answer in said}) == 1
    return log(((1 - told) * untold + (told * 0.5 if is_alike else 0.0)) / apart)


def _likelihood(breach: float, each: Sequence[tuple[float, float]]) -> float:
    known = breach * prod(one for one, _ in each) + (1 - breach) * prod(one for _, one in each)
    return (1 - _GUESSED) * known + _GUESSED * 0.5 ** len(each)


def _untold(probability: float, told: float) -> float:
    """Of an answer when the juror was not told, if it is `probability` on the whole and one half when told."""
    return min(max((probability - told / 2) / (1 - told), 0.02), 0.98)


def _tried(
    votes: Sequence[Vote], cases: Mapping[int, Tried], camps: Mapping[int, Camp], reliability: Reliability
) -> Iterator[_Tried]:
    by_case: dict[int, list[Vote]] = {}
    for vote in votes:
        if vote.answer is not Answer.UNSURE:
            by_case.setdefault(vote.case_id, []).append(vote)
    for case_id in sorted(by_case):
        if len(by_case[case_id]) > 1:
            side, truth = cases[case_id].side, cases[case_id].truth
            said = {vote.juror_id: _said(vote, Relation.of(camps[vote.juror_id], side), reliability) for vote in by_case[case_id]}
            yield _Tried(case_id, side, truth, posterior(by_case[case_id], reliability, side, camps).log_odds, said, {})


def _said(vote: Vote, relation: Relation, reliability: Reliability) -> _Said:
    weights, (breach, none) = reliability.of(vote.juror_id), reliability.rates[vote.juror_id][relation]
    if vote.answer is Answer.BREACH:
        return _Said(vote.answer, weights.breach[relation], breach, none)
    return _Said(vote.answer, -weights.harmless[relation], 1 - breach, 1 - none)
