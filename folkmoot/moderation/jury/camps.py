"""Two camps, from whom accounts follow and from how jurors vote, never from profile data: the strongest axis of each, as one vector.

The follow graph as a matrix (follower, followed), without what the numbers of follows alone explain, has as its first axis the one along
which people follow each other. The votes as a matrix (juror, author of the case), each entry how much harsher the juror was than
the others in the same case, have as their first axis the one along which jurors judge. Both come from power iteration, a rank-1
factorisation. An axis that chance would make as strong is no axis: then, and for accounts without data, the camps are two random
halves.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from folkmoot.moderation.jury.model import Answer, Vote
from folkmoot.moderation.jury.positions import Positions

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
VOTES_ENOUGH = 50  # of the average juror
FOLLOWS_ENOUGH = 5  # of one account
_STEPS = 60
_TRIALS = 9  # with followed accounts, or signs of votes, at random: a real axis is stronger than the strongest of these
_BEYOND = 1.05


def fit(
    follows: Iterable[tuple[int, int]], votes: Sequence[Vote] = (), authors: Mapping[int, int] | None = None,
    before: Positions | None = None,
) -> Positions:
    """`follows`: pairs of follower and followed; `authors` of the cases; `before`: the last fit, whose camps keep their names."""
    graph = _of_follows(sorted(set(follows)))
    voted = _of_votes(votes, authors or {})
    shared = [account_id for account_id in voted if account_id in graph]
    if sum(graph[account_id] * voted[account_id] for account_id in shared) < 0:
        voted = {account_id: -place for account_id, place in voted.items()}
    places = {
        account_id: round((graph.get(account_id, 0.0) + voted.get(account_id, 0.0)) / ((account_id in graph) + (account_id in voted)), 6)
        for account_id in sorted(graph.keys() | voted.keys())
    }
    return Positions(_named(places, before))


def _named(places: dict[int, float], before: Positions | None) -> dict[int, float]:
    """The sign of an axis is arbitrary: that which agrees with the last fit, or else puts the lowest id into Camp.ONE."""
    known = [account_id for account_id in places if before and account_id in before.of]
    agreement = sum(places[account_id] * before.of[account_id] for account_id in known) if before else 0.0
    if agreement == 0 and places:
        agreement = -places[min(places)]
    return {account_id: -place for account_id, place in places.items()} if agreement < 0 else places


def _of_follows(pairs: Sequence[tuple[int, int]]) -> dict[int, float]:
    """Positions of the accounts that follow, or are followed by, enough others."""
    ids = sorted({account_id for pair in pairs for account_id in pair})
    at = {account_id: index for index, account_id in enumerate(ids)}
    rows, columns = (np.array([at[pair[which]] for pair in pairs], np.int64) for which in (0, 1))
    if not len(rows):
        return {}
    out, into = (np.bincount(side, minlength=len(ids)).astype(float) for side in (rows, columns))
    # Degrees are raised by their mean: the axis would else be that of a few accounts with hardly any follows.
    raised_out, raised_into = out + len(rows) / len(ids), into + len(rows) / len(ids)
    entries = 1 / np.sqrt(raised_out[rows] * raised_into[columns])
    first = out / np.sqrt(raised_out * len(rows)), into / np.sqrt(raised_into * len(rows))
    strength, left, right = _axis(rows, columns, entries, (len(ids), len(ids)), first)
    chance = np.random.default_rng(0)
    if any(_axis(rows, chance.permutation(columns), entries, (len(ids), len(ids)), first)[0] * _BEYOND > strength for _ in range(_TRIALS)):
        return {}
    place = _scaled((_scaled(left / np.sqrt(raised_out)) * out + _scaled(right / np.sqrt(raised_into)) * into) / np.maximum(out + into, 1))
    return {account_id: float(place[index]) for account_id, index in at.items() if out[index] + into[index] >= FOLLOWS_ENOUGH}


def _of_votes(votes: Sequence[Vote], authors: Mapping[int, int]) -> dict[int, float]:
    """Positions of jurors and authors, from how much harsher a juror was to an author than the other jurors of the case."""
    said = sorted((vote.juror_id, vote.case_id, vote.answer) for vote in votes if vote.answer != Answer.UNSURE and vote.case_id in authors)
    jurors, cases = sorted({juror for juror, _, _ in said}), sorted({case for _, case, _ in said})
    if not said or len(said) < VOTES_ENOUGH * len(jurors):
        return {}
    juror_at, case_at = ({one: index for index, one in enumerate(ids)} for ids in (jurors, cases))
    writers = sorted({authors[case] for case in cases})
    writer_at = {one: index for index, one in enumerate(writers)}
    rows = np.array([juror_at[juror] for juror, _, _ in said])
    case = np.array([case_at[case] for _, case, _ in said])
    columns = np.array([writer_at[authors[case]] for _, case, _ in said])
    harsh = np.array([float(answer) for _, _, answer in said])
    harsh = _centred(_centred(harsh, case), rows)
    strength, left, right = _axis(rows, columns, harsh, (len(jurors), len(writers)))
    chance = np.random.default_rng(0)
    signs = (chance.choice((-1.0, 1.0), len(harsh)) for _ in range(_TRIALS))
    if any(_axis(rows, columns, harsh * sign, (len(jurors), len(writers)))[0] * _BEYOND > strength for sign in signs):
        return {}
    places = {juror: float(place) for juror, place in zip(jurors, _scaled(left), strict=True)}
    # A juror who is harsh to an author stands on the other side.
    return {writer: float(-place) for writer, place in zip(writers, _scaled(right), strict=True) if writer not in places} | places


def _axis(
    rows: Ints, columns: Ints, entries: Floats, shape: tuple[int, int], known: tuple[Floats, Floats] | None = None
) -> tuple[float, Floats, Floats]:
    """The strongest singular value and pair of vectors of a sparse matrix, less the product of two known vectors."""
    # Any beginning will do that no axis is at right angles to; one that the numbers themselves give would not be.
    right = np.random.default_rng(1).standard_normal(shape[1])
    left, strength = np.zeros(shape[0]), 0.0
    for _ in range(_STEPS):
        left = _summed(rows, entries * right[columns], shape[0])
        left = left - known[0] * (known[1] @ right) if known else left
        left /= max(float(np.sqrt(left @ left)), 1e-12)
        right = _summed(columns, entries * left[rows], shape[1])
        right = right - known[1] * (known[0] @ left) if known else right
        strength = float(np.sqrt(right @ right))
        right /= max(strength, 1e-12)
    return strength, left, right


def _summed(groups: Ints, values: Floats, size: int) -> Floats:
    return np.bincount(groups, values, minlength=size).astype(np.float64)


def _centred(values: Floats, groups: Ints) -> Floats:
    return values - (np.bincount(groups, values) / np.maximum(np.bincount(groups), 1))[groups]


def _scaled(values: Floats) -> Floats:
    return values / max(float(np.sqrt((values**2).mean())), 1e-12)
