"""A finding says in fixed words what the sentence does, and every word has a sentence on the page of a case."""

from pathlib import Path

import msgspec
import pytest

import folkmoot.web
from folkmoot.base.db import Database
from folkmoot.base.errors import Problem
from folkmoot.moderation.detection import artefact, structure
from folkmoot.moderation.detection.cues import CUES, FRAMES, NO_FRAME, cues_of
from folkmoot.moderation.detection.detector import PACKAGED, Detector
from folkmoot.moderation.detection.features import part_pairs, stream
from folkmoot.moderation.detection.model import WhySwitched
from folkmoot.moderation.detection.switching import install_detector, switch_detector
from folkmoot.moderation.detection.versions import CurrentDetector, find_fault

TEMPLATE = Path(folkmoot.web.__file__).parent / "templates" / "moderate" / "_cues.html"


@pytest.mark.parametrize(("text", "lang", "named", "not_named"), [
    ("Zítra tě najdu a zabiju tě, ty svine.", "cs", {"person", "future", "no_frame"}, {"frame_quote"}),
    ("They all deserve to be hanged from the lamp posts.", "en", {"group", "demand", "weapon", "no_frame"}, {"person"}),
    ("I will find you and break every bone in your body.", "en", {"person", "violence"}, {"demand"}),
])
def test_a_threat_is_described(text: str, lang: str, named: set[str], not_named: set[str]) -> None:
    (finding,) = Detector.load().score([text], [lang])
    assert named <= set(finding.cues), finding
    assert not not_named & set(finding.cues), finding


def test_a_harmless_text_has_no_cues() -> None:
    (finding,) = Detector.load().score(["Upekla jsem koláč a zvu sousedy na kávu."], ["cs"])
    assert not finding.cues


def test_what_raises_the_score_is_named_first_and_frames_follow() -> None:
    assert cues_of({"weapon": 0.1, "you": 0.4, "future": -0.2, "quote": -0.3, "game": -0.1, "past": 0.2, "ing": 3.0}) == (
        "person", "weapon", "frame_quote", "frame_game"
    )
    assert cues_of({"them": 0.2, "group": 0.2, "death": 0.3}) == ("group", "death", NO_FRAME)
    assert len(cues_of(dict.fromkeys(structure.cues().names, 1.0))) <= 6


def test_a_feature_names_its_parts() -> None:
    folded = "zitra te zabiju"
    found = {structure.names_of(bucket) for bucket in part_pairs(stream([folded])).buckets.tolist()}
    assert {("future", "future"), ("you", "you"), ("you", "violence"), ("future", "violence")} <= found
    assert ("violence", "you") not in found  # the order is kept


@pytest.mark.parametrize(("word", "parts"), [("vecer", {"future"}), ("vecere", {"food", "home"}), ("veceri", {"food", "home"})])
def test_an_evening_is_no_supper(word: str, parts: set[str]) -> None:
    """"Dnes večer tě zabiju" was described as a text with words of cooking, which speak against a threat."""
    assert {structure.cues().names[part] for part in structure.parts_of(word)} == parts


@pytest.mark.parametrize("words", [
    "sejmout sejmuti zrusit zrusil zrusime srovnat srovnal srovname stahnout stahnu stahl",
    "mec meche mecet palec palce palac palacinka palivo",
    "pestovat pestry pesticid hlavne hlavni tvaroh hubeny hubnout", "skrty skrtnout obeslat zbirka varovat rekl rekni zidle",
])
def test_harmless_words_are_no_words_of_harm(words: str) -> None:
    """Stems that were too wide: "sejm*" (to shoot down) matched "sejmout sádru", "pal*" (a bat) thumbs, palaces and pancakes."""
    for word in words.split():
        assert not structure.speaks_of_harm([word]), word


@pytest.mark.parametrize(("part", "words"), [
    ("violence", "sejmu sejmem sejmul zrusim srovnam skrtit mlatit obesime zbit"), ("weapon", "mecem palkou palky pesti pestma"),
    ("body", "hlavu hlave hubu"), ("group", "zidi zidum zidovsky"),
])
def test_the_forms_that_are_meant_keep_their_part(part: str, words: str) -> None:
    for word in words.split():
        assert part in {structure.cues().names[one] for one in structure.parts_of(word)}, word


def test_each_cue_has_a_sentence() -> None:
    text = TEMPLATE.read_text("utf-8")
    assert not [cue for cue in CUES | FRAMES | {NO_FRAME} if f'"{cue}"' not in text]


def test_weights_of_other_word_lists_are_refused(tmp_path: Path) -> None:
    """The word lists number the features: with other lists, the weights of a stored detector would belong to other words."""
    model = artefact.read(PACKAGED)
    other = artefact.Artefact(msgspec.structs.replace(model.header, word_lists="0123456789abcdef"), model.tables)
    with pytest.raises(Problem, match="word lists of another release"):
        artefact.unpack(artefact.pack(other), "x")
    artefact.write(tmp_path / "same.detector", model)
    assert artefact.read(tmp_path / "same.detector").header == model.header


async def test_a_network_whose_detector_has_other_word_lists_uses_the_packaged_one(db: Database, tmp_path: Path) -> None:
    model = artefact.read(PACKAGED)
    header = msgspec.structs.replace(model.header, version="2030-01-01-lists", word_lists="0123456789abcdef")
    async with db.write() as tx:
        await install_detector(tx, artefact.Artefact(header, model.tables))
        await switch_detector(tx, header.version, WhySwitched.SWITCHED)
    current = CurrentDetector(tmp_path)
    async with db.read() as conn:
        await current.refresh(conn)
        assert "Train it again" in await find_fault(conn)
    assert current().version == model.header.version
