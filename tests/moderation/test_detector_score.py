"""The packaged detector, as the worker uses it."""

import json
from pathlib import Path

from folkmoot.moderation.detection import artefact, card
from folkmoot.moderation.detection.detector import PACKAGED, Detector
from tests.network_up import ROOT, moot


def test_one_finding_for_each_text_in_their_order() -> None:
    detector = Detector.load()
    texts = ["Zítra tě najdu a zabiju tě, ty svině.", "Upekla jsem koláč a zvu sousedy na kávu.", ""]
    findings = detector.score(texts, ["cs", "cs", None])
    assert len(findings) == 3
    assert findings[0].score > 0.5 > findings[1].score
    assert {(finding.detector, finding.version) for finding in findings} == {(detector.name, detector.version)}
    assert findings == [detector.score([text], [lang])[0] for text, lang in zip(texts, ["cs", "cs", None], strict=True)]
    assert detector.score([], []) == []


def test_reasons_name_words_of_the_text_and_its_disguise() -> None:
    finding = Detector.load().score(["Zítra tě najdu: z a b i j u tě, ty svině."], ["cs"])[0]
    assert finding.queue
    assert "z a b i j u" in finding.reasons
    assert "spaced-out letters" in finding.reasons


def test_a_threat_in_a_long_text_is_found() -> None:
    """The length of the surrounding text does not change the score much."""
    detector = Detector.load()
    threat, sentence = "Zítra tě najdu a zabiju tě, ty svině. ", "Ráno jsem šla kolem řeky a lávka byla celá bílá, pak přišel mlynář. "
    texts = [sentence * 20, sentence * 5 + threat + sentence * 3, sentence * 25 + threat + sentence * 25]
    quiet, few, many = detector.score(texts, ["cs"] * 3)
    assert quiet.score < 0.1
    assert many.score > few.score - 0.1
    assert many.score > quiet.score + 0.3


def test_a_language_that_was_never_measured_takes_the_strictest_thresholds() -> None:
    detector = Detector.load()
    unknown = detector.thresholds_for("tlh")
    assert unknown == detector.thresholds_for(None)
    assert unknown.queue == max(limits.queue for limits in detector.header.thresholds.values())
    assert unknown.hide == max(limits.hide for limits in detector.header.thresholds.values())
    assert all(limits.queue <= limits.hide for limits in detector.header.thresholds.values())


def test_any_text_is_scored() -> None:
    strange = ["\ud800", "\x00", "\u200b", "🔪" * 5000, "a" * 100_000, "\n" * 1000, "ا ل س ل ا م", "!" * 999, "k" + "\u0301" * 500]
    for finding in Detector.load().score(strange, ["xx"] * len(strange)):
        assert 0 <= finding.score <= 1


def test_lines_are_scored_one_by_one_and_a_bad_one_is_named(tmp_path: Path) -> None:
    posts = tmp_path / "posts.jsonl"
    posts.write_text('{"text": "Zabiju tě", "lang": "cs", "id": "a"}\n\n{"text": "Ahoj", "language": "cs"}\n', "utf-8")
    done = moot("detector", "score", str(posts))
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == ["a", 3]
    posts.write_text('{"text": "Ahoj"}\n{"text": 3}\n', "utf-8")
    done = moot("detector", "score", str(posts))
    assert done.returncode == 1
    assert "line 2" in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_packaged_detector_is_small_and_names_its_data() -> None:
    assert PACKAGED.stat().st_size <= 6 * 2**20
    model = artefact.read(PACKAGED)
    assert model.header.card["data"]
    assert all(one["licences"] and one["sources"] for one in model.header.card["data"] if one["rows"])


def test_the_page_is_the_card_of_the_packaged_detector() -> None:
    page = (ROOT / "docs" / "reference" / "detector.md").read_text("utf-8")
    assert page == card.page(Detector.load().header) + "\n"
