"""A finding says in fixed words what the sentence does, and every word has a sentence on the page of a case."""

from pathlib import Path

import pytest

import folkmoot.web
from folkmoot.moderation.detection import structure
from folkmoot.moderation.detection.cues import CUES, FRAMES, NO_FRAME, cues_of
from folkmoot.moderation.detection.detector import Detector
from folkmoot.moderation.detection.features import part_pairs, stream

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


def test_each_cue_has_a_sentence() -> None:
    text = TEMPLATE.read_text("utf-8")
    assert not [cue for cue in CUES | FRAMES | {NO_FRAME} if f'"{cue}"' not in text]
