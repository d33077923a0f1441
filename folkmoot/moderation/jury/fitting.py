"""Estimates how reliable each juror is: the model of Dawid and Skene (1979), side-aware, with types of jurors as its prior.

A juror's answers follow a table of its own: the probability of the answer BREACH, by the relation to the side of the case and by
the truth. The truth of a case is unknown and estimated from the answers; of a gold question it is known. A juror has too few answers
for six probabilities, so that each belongs to one of a few types (`TYPES`), whose tables are estimated from all, as in the community
model of Venanzi and others (2014); the juror's own answers correct the table of its type.

Three differences from the plain model, each for small juries: a juror is judged by the answers of the others in a case, not by its own;
an answer is worth at most `most_worth`; and no answer is worth less than nothing. Probabilities and log-odds are rounded to dyadic
fractions before they are summed, so that the sums are exact: the order of the votes and the names of the jurors change no bit.
"""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from folkmoot.moderation.jury.model import UNIT, Answer, Camp, Relation, Reliability, Tried, Vote, Weights

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
_GRID = 2.0**30  # probabilities and log-odds are multiples of 1 / _GRID: sums of four million are exact
_LEAST = 1e-10


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """The assumptions of a fit. `types`: for each type of juror its share and the probabilities of the answer BREACH by relation (own,
    other, neutral) if there is a breach and if there is none. `type_strength`, `own_strength`: how many answers it takes to
    move a type's table, and a juror from its type. `base_strength`: how many cases
    it takes to move the share of breaches from one half. `most_worth`: of one answer, in nats."""

    types: tuple[tuple[float, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]], ...]
    type_strength: float
    own_strength: float
    base_strength: float
    most_worth: float
    is_leave_one_out: bool
    steps: int


MODEL = Model(
    types=(
        (0.45, ((0.90, 0.10), (0.90, 0.10), (0.90, 0.10))),  # careful
        (0.30, ((0.75, 0.15), (0.85, 0.25), (0.80, 0.20))),  # leans to the own camp
        (0.15, ((0.08, 0.04), (0.96, 0.92), (0.85, 0.15))),  # answers by camp
        (0.10, ((0.50, 0.50), (0.50, 0.50), (0.50, 0.50))),  # guesses
    ),
    type_strength=50.0, own_strength=12.0, base_strength=10.0, most_worth=3.0, is_leave_one_out=True, steps=25,
)


class _Data(msgspec.Struct, frozen=True):
    """The votes as arrays: one row for each answer that is not unsure."""

    juror: Ints
    case: Ints
    relation: Ints
    breach: Ints  # 1 for the answer BREACH
    truth: Floats  # of each case: 0, 1, or NaN where it is unknown
    jurors: int


def fit(votes: Sequence[Vote], cases: Mapping[int, Tried], camps: Mapping[int, Camp], model: Model = MODEL) -> Reliability:
    """Votes on gold questions are votes whose case has a known truth. At most one vote of a juror on a case.
    Camps of jurors, all of them, and sides of cases come from the same `Positions`: another fit may name the camps otherwise."""
    juror_ids, case_ids = sorted({vote.juror_id for vote in votes}), sorted({vote.case_id for vote in votes})
    rates, prior, base = _estimate(_arrays(votes, cases, camps, juror_ids, case_ids), model)
    return Reliability(
        base=round(base * UNIT), newcomer=_weights(prior, model),
        weights={juror_id: _weights(table, model) for juror_id, table in zip(juror_ids, rates, strict=True)},
        rates={juror_id: _plain(table) for juror_id, table in zip(juror_ids, rates, strict=True)},
    )


def _arrays(
    votes: Sequence[Vote], cases: Mapping[int, Tried], camps: Mapping[int, Camp], juror_ids: Sequence[int], case_ids: Sequence[int]
) -> _Data:
    said = [vote for vote in votes if vote.answer != Answer.UNSURE]
    juror_at, case_at = ({one: at for at, one in enumerate(ids)} for ids in (juror_ids, case_ids))
    truths = [cases[case_id].truth for case_id in case_ids]
    return _Data(
        juror=np.array([juror_at[vote.juror_id] for vote in said], np.int64),
        case=np.array([case_at[vote.case_id] for vote in said], np.int64),
        relation=np.array([Relation.of(camps[vote.juror_id], cases[vote.case_id].side) for vote in said], np.int64),
        breach=np.array([vote.answer == Answer.BREACH for vote in said], np.int64),
        truth=np.array([np.nan if truth is None else float(truth) for truth in truths]),
        jurors=len(juror_ids),
    )


def _estimate(data: _Data, model: Model) -> tuple[Floats, Floats, float]:
    """The table of each juror, that of a newcomer, and the log-odds of a breach. A fixed number of steps from a fixed beginning:
    the share of the answers in each case."""
    tables = np.array([table for _, table in model.types])  # type, relation, truth
    shares = np.array([share for share, _ in model.types])
    start = tables
    size = len(data.truth)
    votes = np.bincount(data.case, minlength=size)
    found = np.bincount(data.case, data.breach.astype(float), minlength=size)
    probability = _known(_rounded(found / np.maximum(votes, 1)), data)
    seen = probability[data.case]
    if model.is_leave_one_out:
        seen = _known_of(np.where(votes[data.case] > 1, (found[data.case] - data.breach) / np.maximum(votes[data.case] - 1, 1), 0.5), data)
    rates = _by_juror(_counts(data, seen), tables, shares, model)[0]
    base = _base(probability, data, model)
    for _ in range(model.steps):
        worth = _rounded(_worth(rates, model)[data.juror, data.relation, data.breach])
        log_odds = _rounded(np.asarray(base)) + np.bincount(data.case, worth, minlength=size)
        probability = _known(_sigmoid(log_odds), data)
        seen = probability[data.case]
        if model.is_leave_one_out:
            seen = _known_of(_sigmoid(log_odds[data.case] - worth), data)
        counts = _counts(data, seen)
        _, belonging = _by_juror(counts, tables, shares, model)
        tables, shares = _types(counts, belonging, start, model)
        rates, _ = _by_juror(counts, tables, shares, model)
        base = _base(probability, data, model)
    return rates, np.tensordot(shares, tables, axes=1), base


def _counts(data: _Data, seen: Floats) -> Floats:
    """Expected numbers of answers, by juror, relation, truth (none, breach) and answer."""
    cell = (data.juror * 3 + data.relation) * 2
    found = np.empty((data.jurors, 3, 2, 2))
    for truth, weight in ((0, 1 - seen), (1, seen)):
        found[:, :, truth, :] = np.bincount(cell + data.breach, _rounded(weight), minlength=data.jurors * 6).reshape(-1, 3, 2)
    return found


def _by_juror(counts: Floats, tables: Floats, shares: Floats, model: Model) -> tuple[Floats, Floats]:
    """The table of each juror, and how probably it belongs to each type. Tables are [relation, truth], breach first in `Model`."""
    order = tables[:, :, ::-1]  # truth as in the counts: none, breach
    logs = np.log(np.stack([1 - order, order], axis=-1).clip(_LEAST))
    fits = np.log(shares) + (counts[:, None] * logs).sum(axis=(2, 3, 4))
    belonging = np.exp(fits - fits.max(axis=1, keepdims=True))
    belonging /= belonging.sum(axis=1, keepdims=True)
    expected = np.einsum("jk,krt->jrt", belonging, order)
    all_of = counts.sum(axis=-1)
    rates = (counts[..., 1] + model.own_strength * expected) / np.maximum(all_of + model.own_strength, _LEAST)
    return rates[:, :, ::-1], belonging


def _types(counts: Floats, belonging: Floats, start: Floats, model: Model) -> tuple[Floats, Floats]:
    summed = _rounded(belonging[:, :, None, None, None] * counts[:, None]).sum(axis=0)
    tables = (summed[..., 1] + model.type_strength * start[:, :, ::-1]) / np.maximum(summed.sum(axis=-1) + model.type_strength, _LEAST)
    shares = _rounded(belonging).sum(axis=0) + np.array([share for share, _ in model.types]) * model.type_strength
    return tables[:, :, ::-1], shares / shares.sum()


def _worth(rates: Floats, model: Model) -> Floats:
    """Of each answer (harmless, breach) the log-odds that it adds, by juror and relation."""
    breach, none = rates[..., 0].clip(_LEAST, 1 - _LEAST), rates[..., 1].clip(_LEAST, 1 - _LEAST)
    worth = np.stack([np.log((1 - breach) / (1 - none)), np.log(breach / none)], axis=-1)
    if np.isinf(model.most_worth):
        return worth
    lowest, highest = np.array([-model.most_worth, 0.0]), np.array([0.0, model.most_worth])
    return worth.clip(lowest, highest)


def _weights(table: Floats, model: Model) -> Weights:
    worth = np.rint(_worth(table, model) * UNIT).astype(int)
    return Weights(breach=tuple(worth[:, 1].tolist()), harmless=tuple((-worth[:, 0]).tolist()))


def _plain(table: Floats) -> tuple[tuple[float, float], tuple[float, float], tuple[float, float]]:
    own, other, neutral = ((round(float(breach), 4), round(float(none), 4)) for breach, none in table)
    return own, other, neutral


def _base(probability: Floats, data: _Data, model: Model) -> float:
    """Of the cases, not of the gold questions, whose mixture is ours."""
    cases = probability[np.isnan(data.truth)]
    share = (float(cases.sum()) + model.base_strength / 2) / (len(cases) + model.base_strength)
    return float(np.log(share / (1 - share)))


def _known(probability: Floats, data: _Data) -> Floats:
    return np.where(np.isnan(data.truth), _rounded(probability), data.truth)


def _known_of(seen: Floats, data: _Data) -> Floats:
    truth = data.truth[data.case]
    return np.where(np.isnan(truth), _rounded(seen), truth)


def _sigmoid(log_odds: Floats) -> Floats:
    return _rounded(1 / (1 + np.exp(-log_odds.clip(-500, 500))))


def _rounded(values: Floats) -> Floats:
    return np.rint(values * _GRID) / _GRID
