"""Everyday posts do not fill the queue, and a plain threat is detected."""

from pathlib import Path

import pytest

from folkmoot.moderation.detection.detector import Detector, windows
from folkmoot.moderation.detection.examples import read_examples

TRAINING = Path(__file__).parents[2] / "training"


@pytest.mark.parametrize("lang", ["cs", "en"])
def test_everyday_posts_get_no_signal(lang: str) -> None:
    rows = read_examples(TRAINING / f"everyday_{lang}.jsonl", {"split": "dev"})  # not used for training
    findings = Detector.load().score([row.text for row in rows], [lang] * len(rows))
    assert sum(finding.queue for finding in findings) <= len(rows) // 10
    assert not any(finding.hide for finding in findings)


@pytest.mark.parametrize("lang", ["cs", "en"])
def test_short_replies_get_no_signal_and_short_threats_do(lang: str) -> None:
    rows = read_examples(TRAINING / f"short_{lang}.jsonl", {"split": "dev"})  # not used for training
    findings = Detector.load().score([row.text for row in rows], [lang] * len(rows))
    harmless = [finding for row, finding in zip(rows, findings, strict=True) if not row.threat]
    threats = [finding for row, finding in zip(rows, findings, strict=True) if row.threat]
    assert len(harmless) > 200
    assert not any(finding.hide for finding in harmless)
    assert sum(finding.queue for finding in harmless) <= len(harmless) // 33
    assert sum(finding.queue for finding in threats) >= len(threats) * 2 // 5


def test_fury_about_politics_counts_less_until_a_word_of_violence_joins_it() -> None:
    harmless = ("hanba jim, cela vlada at odstoupi", "a disgrace , the whole council must resign and be ashamed of it")
    threats = ("hanba jim, celou vladu postrilet", "a disgrace , bring rope for the whole council and be ashamed of it")
    assert all(windows(text)[0].discount > 0 for text in harmless)
    assert not any(windows(text)[0].discount for text in threats)


@pytest.mark.parametrize("text", [
    "ti", "a ještě jednou", "ještě jednou", "tebe", "co", "her", "who", "you too", "one", "next", "A já ještě jednou k té jabloni.",
    "Ty jdeš za ním a já za tebou.", "Me once more, and you after them.",
])
def test_words_that_name_no_harm_are_never_hidden(text: str) -> None:
    findings = Detector.load().score([text] * 3, ["cs", "en", None])
    assert not any(finding.hide for finding in findings), findings


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
