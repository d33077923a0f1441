"""The packaged detector, as the worker uses it."""

from folkmoot.moderation.detection.detector import Detector


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
