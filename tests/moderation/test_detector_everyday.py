"""Everyday posts do not fill the queue, and a plain threat is detected."""

from pathlib import Path

import pytest

from folkmoot.moderation.detection.detector import Detector
from folkmoot.moderation.detection.examples import read_examples

TRAINING = Path(__file__).parents[2] / "training"


@pytest.mark.parametrize("lang", ["cs", "en"])
def test_everyday_posts_get_no_signal(lang: str) -> None:
    rows = read_examples(TRAINING / f"everyday_{lang}.jsonl", {"split": "dev"})  # not used for training
    findings = Detector.load().score([row.text for row in rows], [lang] * len(rows))
    assert sum(finding.queue for finding in findings) <= len(rows) // 10
    assert not any(finding.hide for finding in findings)


@pytest.mark.parametrize(("text", "lang"), [
    ("@karel přijdu a vezmu chleba. Kdo vezme misky?", "cs"),
    ("Zítra v pět tě vyzvednu, počkej u zastávky.", "cs"),
    ("V sobotu je rozdrtíme, vemte si dresy.", "cs"),
    ("I'll pick you up at five, wait for me outside.", "en"),
    ("Could murder a cup of tea.", "en"),
])
def test_the_grammar_of_threats_alone_gets_no_signal(text: str, lang: str) -> None:
    (finding,) = Detector.load().score([text], [lang])
    assert not finding.queue, finding


@pytest.mark.parametrize(("text", "lang"), [
    ("Tu rodinu už by měl někdo konečně postřílet.", "cs"),
    ("Přijdu si pro tebe v noci a podříznu tě.", "cs"),
    ("I will wait for you after work and I will kill you.", "en"),
    ("Somebody should finally shoot that whole family.", "en"),
])
def test_a_plain_threat_gets_a_case(text: str, lang: str) -> None:
    (finding,) = Detector.load().score([text], [lang])
    assert finding.queue, finding
