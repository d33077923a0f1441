"""A network learns from its settled cases, without unlearning; and what counts as a row of its own."""

import msgspec
import numpy as np
import pytest

from folkmoot.base.errors import Problem
from folkmoot.moderation.detection import artefact, correction, folding, training
from folkmoot.moderation.detection.detector import PACKAGED, Detector
from folkmoot.moderation.detection.model import Example
from folkmoot.moderation.learning.examples import list_own_examples, with_split
from folkmoot.moderation.learning.trial import shipped_rows, try_out
from folkmoot.network.posts.model import Visibility
from tests.moderation.court import Court

_VERBS = ["přijít", "zůstat", "odejít", "zpívat", "mlčet", "tančit", "spát", "číst", "psát", "vařit"]
_DAYS = ["v pondělí", "v úterý", "ve středu", "ve čtvrtek", "v pátek", "v sobotu", "v neděli", "zítra", "dnes", "pozítří"]


def row(text: str, threat: int, split: str = "train") -> Example:
    return Example(text, text, "cs", threat, split, "ours", text, {})


def slang() -> list[Example]:
    """A network in which „zelňačka“ is a threat and a „mordovna“ is a pub. No detector can know that before."""
    threats = [row(f"Dostaneš zelňačku, jestli budeš {verb} {day}.", 1) for verb in _VERBS for day in _DAYS[:5]]
    harmless = [row(f"Půjdeme do mordovny zabít čas a {verb} {day}.", 0) for verb in _VERBS for day in _DAYS[5:]]
    return threats + harmless


def test_it_learns_the_words_of_a_network_and_forgets_nothing() -> None:
    base = artefact.read(PACKAGED)
    trained = try_out(base, Detector(base), slang())
    assert trained.trial.is_better, trained.trial.objections
    assert trained.trial.new.loss < trained.trial.present.loss / 2
    before, after = (Detector(model).score(["Dostaneš zelňačku!", "Jdeme do mordovny."], ["cs", "cs"]) for model in (base, trained.model))
    assert after[0].score > before[0].score + 0.1
    assert after[1].score <= before[1].score
    for old, new in zip(trained.trial.present.shipped, trained.trial.new.shipped, strict=True):
        assert (new.roc_auc or 0) >= (old.roc_auc or 0) - 0.01
    assert trained.trial.new.own.rows + trained.trial.training_rows == len(slang())
    card = trained.model.header.card
    assert card["learned"]["rows"] == trained.trial.training_rows
    assert card["version"] == trained.model.header.version != base.header.version
    assert artefact.unpack(artefact.pack(trained.model), "x").header == trained.model.header


def test_a_detector_that_has_unlearnt_is_not_better() -> None:
    """The shipped rows with their labels reversed, as somebody would decide who wants to spoil the detector."""
    base = artefact.read(PACKAGED)
    rows = [msgspec.structs.replace(one, split="train", threat=1 - (one.threat or 0)) for one in shipped_rows() if "kind" in one.labels]
    spoilt = try_out(base, Detector(base), rows)
    assert not spoilt.trial.is_better
    again = try_out(base, Detector(spoilt.model), rows).trial  # somebody has switched to it all the same: it is no measure
    for trial in (spoilt.trial, again):
        assert any("unlearnt" in objection for objection in trial.objections), trial.objections


def test_the_correction_is_the_solution_of_its_equation() -> None:
    """At the optimum each weight has moved by the errors of the rows that contain it. The rows are read with scipy here."""
    base = artefact.read(PACKAGED)
    rows = slang()[:40] + slang()[60:]
    new = correction.correct(base, rows, cost=2.0)
    folded = [folding.unmask(one.text).text for one in rows]
    errors = np.array([one.threat for one in rows]) - 1 / (1 + np.exp(-Detector(new).margins(folded)))
    largest = 0.0
    for table, count, (_, before), (idf, after) in zip(base.header.tables, training.read_counts(folded), base.tables, new.tables,
                                                       strict=True):
        vectors = training._normalised(training._matrix(count, table, len(rows)), idf.astype(float), table)
        moved = after.astype(float) - before.astype(float)
        assert np.abs(moved - 2.0 * vectors.T.dot(errors)).max() < 0.01  # weights are kept in half precision
        largest = max(largest, float(np.abs(moved).max()))
    assert largest > 0.1


def test_with_too_few_rows_nothing_is_trained() -> None:
    base = artefact.read(PACKAGED)
    for rows in (slang()[:12] + slang()[-3:], slang()[:50]):
        with pytest.raises(Problem, match="too few decided texts"):
            try_out(base, Detector(base), rows)


def test_equal_texts_are_on_the_same_side_of_the_split() -> None:
    rows = [*slang(), *(row(one.text.upper(), one.threat or 0) for one in slang()), row("vždy stranou", 0, split="dev")]
    training, held_out = with_split(rows)
    assert not {one.text.lower() for one in training} & {one.text.lower() for one in held_out}
    assert "vždy stranou" in {one.text for one in held_out}
    assert len(rows) / 8 < len(held_out) < len(rows) / 2


async def test_settled_decisions_are_rows_and_private_messages_are_not(court: Court) -> None:
    async def decide(text: str, action: str, clause: str = "violence", visibility: Visibility = Visibility.PUBLIC) -> None:
        view = await court.village.write("author", text, visibility=visibility, language="cs")
        await court.report("reporter", view, clauses=(clause,))
        case, = [one for one in await court.queue() if one.subject_id == view.post.id]
        await court.decide("moderator", case, action, clause)

    await decide("Přijdu a bude zle, uvidíš.", "remove")
    await decide("Mordovna dnes hraje.", "keep")
    await decide("Levné hodinky, klikni sem!", "remove", clause="spam")
    await decide("@reporter zabiju tě", "remove", visibility=Visibility.DIRECT)
    view = await court.village.write("author", "Zatím nerozhodnuto.")
    await court.report("reporter", view, clauses=("violence",))
    async with court.database.read() as conn:
        found = {one.text: (one.threat, one.lang) for one in await list_own_examples(conn)}
    assert found == {"Přijdu a bude zle, uvidíš.": (1, "cs"), "Mordovna dnes hraje.": (0, "cs")}
