"""Draws jurors for a case: at random, balanced over the camps, nobody who is connected with it. A pure function of the facts and a seed.

The order of the candidates is that of a hash over the seed, the case and the account, so the draw can be repeated from the journal with
any version of Python. The caller takes the seed from the journal's latest row at the moment of the draw, which nobody can choose.
"""

import hashlib
from collections.abc import Iterable

from folkmoot.moderation.jury.model import MOST_ITEMS_A_DAY, Camp, Candidate, Drawing, Question


def draw(candidates: Iterable[Candidate], question: Question, seats: int, seed: str) -> Drawing:
    """The numbers of seats of the two camps, with those that are taken, never differ by more than one. If one camp has nobody left,
    seats stay empty and the case is one for a moderator: a jury of one camp proves nothing."""
    order = ranked(candidates, question, seed)
    queues = {camp: [one.account_id for one in order if one.camp is camp] for camp in Camp}
    taken = {camp: sum(seated is camp for seated in question.seated.values()) for camp in Camp}
    first = Camp(_rank(seed, question.case_id, 0)[0] % 2)  # whose the odd seat is
    drawn: dict[int, Camp] = {}
    while len(drawn) < seats:
        camp = first if taken[first] <= taken[_opposite(first)] else _opposite(first)
        if not queues[camp] and taken[camp] == taken[_opposite(camp)]:
            camp = _opposite(camp)
        if not queues[camp]:
            break
        drawn[queues[camp].pop(0)] = camp
        taken[camp] += 1
    return Drawing(drawn=drawn, missing=seats - len(drawn))


def ranked(candidates: Iterable[Candidate], question: Question, seed: str) -> list[Candidate]:
    """The eligible ones in the order of the draw. Whoever must ask elsewhere who is connected with a case asks in this order."""
    eligible = [one for one in candidates if is_eligible(one, question)]
    return sorted(eligible, key=lambda one: _rank(seed, question.case_id, one.account_id))


def is_eligible(one: Candidate, question: Question) -> bool:
    return (
        one.account_id not in question.party_ids
        and one.account_id not in question.barred_ids
        and one.account_id not in question.seated
        and one.items_today < MOST_ITEMS_A_DAY
        and not one.tied_ids & question.party_ids
        and question.topic not in one.declined_topics
        and (question.language is None or question.language in one.languages)
    )


def _opposite(camp: Camp) -> Camp:
    return Camp(1 - camp)


def _rank(seed: str, case_id: int, account_id: int) -> bytes:
    return hashlib.sha256(f"{seed} {case_id} {account_id}".encode()).digest()
